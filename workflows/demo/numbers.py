"""Numbers with check digits, all in ranges that no real person, meter or account has."""

from datetime import date
from random import Random

_HETU_MARKS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_SEPARATORS = {18: "+", 19: "-YXWVU", 20: "ABCDEF"}
_YTUNNUS_WEIGHTS = (7, 9, 10, 5, 8, 4, 2)
_GSRN_PREFIX = "649999"


def hetu(born: date, individual: int, separator: int = 0) -> str:
    """A personal identity code of the test range 900-999; `separator` picks one of the century's signs.

    Odd individual numbers are men's, even ones women's.
    Source: Government Decree 690/2022 (separators); Data Protection Act 1050/2018 s. 29 (use).
    """
    if not 900 <= individual <= 999:
        raise ValueError("only 900-999 is for tests")
    digits = f"{born:%d%m%y}{individual}"
    signs = _SEPARATORS[born.year // 100]
    return f"{digits[:6]}{signs[separator % len(signs)]}{individual}{_HETU_MARKS[int(digits) % 31]}"


def ytunnus(serial: int) -> str | None:
    """A business id 9 000 000 + serial, which is not issued; None where no check digit exists."""
    digits = f"{9_000_000 + serial:07d}"
    rest = sum(int(d) * w for d, w in zip(digits, _YTUNNUS_WEIGHTS, strict=True)) % 11
    return None if rest == 1 else f"{digits}-{(11 - rest) % 11}"


def gsrn(serial: int) -> str:
    """An 18-digit metering point number. Source: GS1 General Specifications 7.9 (check digit)."""
    digits = f"{_GSRN_PREFIX}{serial:011d}"
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def reference_number(serial: int) -> str:
    """A Finnish payment reference (viitenumero), weights 7-3-1 from the right."""
    digits = str(serial)
    total = sum(int(d) * (7, 3, 1)[i % 3] for i, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def iban(serial: int) -> str:
    """A Finnish IBAN of a bank group that does not exist (99): valid check digits, never payable."""
    account = f"99{serial:012d}"
    check = 98 - int(f"{account}151800") % 97
    return f"FI{check:02d}{account}"


def phone(rng: Random) -> str:
    """A number for display; the 0457 9 series stands unused and nothing is ever sent to it."""
    return f"+35845799{rng.randrange(10_000, 100_000)}"
