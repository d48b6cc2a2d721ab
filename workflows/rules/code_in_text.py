"""Finds personal identity codes in texts that are about to go out."""

import re
import unicodedata

from workflows.rules.identifiers import NATIONAL_ID, normalise

_LIKE = re.compile(r"(?<!\d)(\d{6})\s?([-+A-FU-Y])\s?(\d{3}[0-9A-Y])(?!\w)", re.IGNORECASE)
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"), "-")


def has_identity_code(text: str) -> bool:
    """Whether a whole and valid personal identity code stands anywhere in a text; a masked one does not count.

    Look-alike dashes, invisible characters and a space around the sign hide nothing.
    Source: Data Protection Act 1050/2018 s. 29(4).
    """
    seen = unicodedata.normalize("NFKC", text).translate(_DASHES)
    seen = "".join(c for c in seen if unicodedata.category(c) != "Cf")
    return any(normalise(NATIONAL_ID, "".join(m.groups())) is not None for m in _LIKE.finditer(seen))
