"""Whether an address may be taken for another one by whoever reads it.

It is compared exactly all the same; this only tells people to look at the letters.
"""

import unicodedata
from collections.abc import Sequence
from typing import Literal

Near = Literal["letters", "tag", "dots", "one_letter"]
"""How an address is nearly another: letters that look the same, a tag behind a plus, dots, or one slip of the pen."""

_ALIKE = str.maketrans(
    {
        **dict(zip("аеорсухіјѕԁһӏкмтвн", "aeopcyxijsdhlkmtbh", strict=True)),  # Cyrillic
        **dict(zip("οανιρτυκ", "oaviptuk", strict=True)),  # Greek
        **dict(zip("01|ı", "olli", strict=True)),
    }
)
"""Letters and digits that pass for Latin ones to the eye."""


def looks_like_another(address: str) -> bool:
    """Whether an e-mail address has letters of a script other than Latin, or parts that hide what they spell.

    `address` as it was normalised: its domain is ASCII, with the letters of other scripts as `xn--`.
    Source: Unicode Technical Standard 39 section 5.1.
    """
    local, _, domain = address.rpartition("@")
    return any(_is_strange(part) for part in [local, *map(_spelt, domain.split("."))])


def _spelt(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return "\N{REPLACEMENT CHARACTER}"


def _is_strange(part: str) -> bool:
    return any(not c.isascii() and not unicodedata.name(c, "").startswith("LATIN ") for c in part)


def near(given: str, on_file: str) -> Near | None:
    """How an address is nearly the one on file, None if it is that one or quite another; both as normalised.

    Never a reason to take one for the other: with most providers the mailbox is somebody else's.
    """
    if given == on_file or "@" not in given or "@" not in on_file:
        return None
    if skeleton(given) == skeleton(on_file):
        return "letters"
    if _untagged(given) == _untagged(on_file):
        return "tag"
    if _undotted(given) == _undotted(on_file):
        return "dots"
    return "one_letter" if _one_slip(_spelt_out(given), _spelt_out(on_file)) else None


def neighbours(address: str) -> Sequence[str]:
    """Other spellings under which its owner may be on file; as many as can be looked up, so none with one letter off.

    `address` as normalised.
    """
    if "@" not in address:
        return ()
    found = (skeleton(address), _untagged(address), _undotted(address), _untagged(_undotted(address)))
    return tuple(dict.fromkeys(other for other in found if other != address and other.isascii()))


def skeleton(email: str) -> str:
    """What the eye sees of an address: look-alike letters folded together."""
    plain = unicodedata.normalize("NFKD", _spelt_out(email)).lower().translate(_ALIKE)
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("rn", "m").replace("vv", "w")


def _spelt_out(email: str) -> str:
    local, _, host = email.partition("@")
    return f"{local}@{'.'.join(map(_spelt, host.split('.')))}"


def _untagged(email: str) -> str:
    local, _, host = email.partition("@")
    return f"{local.partition('+')[0]}@{host}"


def _undotted(email: str) -> str:
    local, _, host = email.partition("@")
    return f"{local.replace('.', '')}@{host}"


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter is wrong, missing, too many, or two neighbours changed places."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
