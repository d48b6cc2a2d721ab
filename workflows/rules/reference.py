"""References that can be said by phone: `TP-2026-7K4M-9XQ2-H`, checked so that a slip finds nobody else's case.

Crockford's base 32 (no I, L, O, U), 40 random bits and one check symbol. The check is a sum over GF(32)
with a different weight for every place, so any one wrong symbol and any two swapped ones are noticed,
without the extra symbols (`*~$=`) of Crockford's own check. A reference is no secret: doors that show
data ask for a 128-bit secret besides.
"""

import unicodedata
from random import Random

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "TP"
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SYMBOLS = 13  # four of the year, eight random, one check


def _double(value: int) -> int:
    """Times x in GF(32) with the primitive polynomial x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def _times(weight: int, value: int) -> int:
    """The product of two elements of GF(32)."""
    product = 0
    while weight:
        if weight & 1:
            product ^= value
        value = _double(value)
        weight >>= 1
    return product


def _weights() -> tuple[int, ...]:
    """Powers of x: all different and none zero, as long as there are fewer than 31 places."""
    weights, weight = [], 1
    for _ in range(_SYMBOLS - 1):
        weight = _double(weight)
        weights.append(weight)
    return tuple(weights)


_WEIGHTS = _weights()


def _check(body: str) -> str:
    """The check symbol of the twelve symbols before it; its own weight is 1, which is no power used above."""
    total = 0
    for weight, symbol in zip(_WEIGHTS, body, strict=True):
        total ^= _times(weight, _VALUE[symbol])
    return ALPHABET[total]


def new_reference(random: Random, *, year: int) -> str:
    """A new reference of this year; `random` is a `secrets.SystemRandom()` everywhere but in tests."""
    bits = random.getrandbits(40)
    body = f"{year % 10000:04d}" + "".join(ALPHABET[(bits >> shift) & 31] for shift in range(35, -1, -5))
    return _spaced(body + _check(body))


def parse_reference(text: str) -> str | None:
    """The reference meant, written our way; None if it can't be one.

    Case, spaces and hyphens don't matter, the prefix may be missing, O is 0, I and L are 1. Every single
    wrong symbol and every two swapped ones give None.
    """
    if len(text) > 100:
        return None
    plain = "".join(c for c in unicodedata.normalize("NFKC", text).upper() if not c.isspace() and c not in "-‐‑‒–—−_.")
    if len(plain) == _SYMBOLS + len(PREFIX) and plain.startswith(PREFIX):
        plain = plain[len(PREFIX) :]
    if len(plain) != _SYMBOLS or any(c not in _VALUE for c in plain):
        return None
    clean = "".join(ALPHABET[_VALUE[c]] for c in plain)
    if not clean[:4].isdigit() or _check(clean[:-1]) != clean[-1]:
        return None
    return _spaced(clean)


def _spaced(symbols: str) -> str:
    return f"{PREFIX}-{symbols[:4]}-{symbols[4:8]}-{symbols[8:12]}-{symbols[12]}"
