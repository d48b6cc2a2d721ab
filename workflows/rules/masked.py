"""A value as a letter may show it: enough for its owner to recognise, not enough for anybody else to use."""

from workflows.rules import identifiers
from workflows.rules.items import Json

_LEAST = 5


def masked(value: Json) -> str:
    """First and last character of a text of some length, "…" of anything shorter; "" of nothing.

    A personal identity code shows nothing at all. Source: Data Protection Act 1050/2018 s. 29.
    """
    text = "" if value is None else " ".join(str(value).split())
    if not text:
        return ""
    if len(text) < _LEAST or identifiers.normalise(identifiers.NATIONAL_ID, text):
        return "…"
    return f"{text[0]}…{text[-1]}"
