"""Marks by which a template shows where it says what the law wants said, and what stands behind each mark.

`{{ says("due") }}` before a sentence leaves a sign in the composed text; after the check the signs are taken out.
"""

import html
import re
from collections.abc import Mapping

_OPEN, _CLOSE = "\x02", "\x03"
_MARK = re.compile(f"{_OPEN}([a-z_ ]+){_CLOSE}")
_SIGNS = re.compile(f"[{_OPEN}{_CLOSE}]")
_BLOCK_END = re.compile(r"</(?:p|ul|ol|table|h\d)>|\n[ \t]*\n", re.IGNORECASE)
_APART = re.compile(r"</(?:p|li|t[dhr]|d[td]|h\d|div|caption)>|<br[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


def says(*names: str) -> str:
    """For templates: here begins what these mandatory contents ask for, up to the paragraph's end or the next mark."""
    return f"{_OPEN}{' '.join(names)}{_CLOSE}"


def told(composed: str, *, markup: bool) -> Mapping[str, str]:
    """Content name to what the text says there, as plain text; a mark with nothing behind it gives ""."""
    found: dict[str, str] = {}
    pieces = _MARK.split(composed)
    for names, behind in zip(pieces[1::2], pieces[2::2], strict=True):
        end = _BLOCK_END.search(behind)
        text = plain(behind[: end.start()] if end else behind, markup=markup)
        for name in names.split():
            found[name] = f"{found.get(name, '')} {text}".strip()
    return found


def unmarked(composed: str) -> str:
    """The text as it goes out."""
    return _SIGNS.sub("", _MARK.sub("", composed))


def plain(text: str, *, markup: bool) -> str:
    """What a reader sees: no tags, no entities, single spaces; a cell or paragraph is apart from the next."""
    return _SPACE.sub(" ", html.unescape(_TAG.sub("", _APART.sub(" ", text))) if markup else text).strip()
