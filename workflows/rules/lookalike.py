"""Whether an address may be taken for another one by whoever reads it.

It is compared exactly all the same; this only tells people to look at the letters.
"""

import unicodedata


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
