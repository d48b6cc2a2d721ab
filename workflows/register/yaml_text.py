"""Texts of a foreign system in a YAML file of ours: whatever is in them, they stay one value on one line."""

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-zÅÄÖåäö_][A-Za-z0-9ÅÄÖåäö_.]*(?:[\-/][A-Za-z0-9ÅÄÖåäö_.]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def scalar(text: str) -> str:
    """The text as a YAML scalar: plain where nobody can misread it, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return '"' + "".join(map(_inside, text)) + '"'


def _inside(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def said(text: str) -> str:
    """The text inside a comment: no line break or control character can end the comment."""
    return "".join(c if c.isprintable() else "·" for c in text)[:300]


def flow(value: Any) -> str:
    """Plain data on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return str(value) if isinstance(value, int | float) else scalar(str(value))
