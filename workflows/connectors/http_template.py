"""Paths, queries and bodies with holes: `{field}`, `{identity:email}`, `{field|sha256_lower}`."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from workflows.rules.items import Json

_HOLE = re.compile(r"\{([^{}|]+)(?:\|([a-z0-9_]+))?\}")


def _hashed(name: str, text: str) -> str:
    return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "as_is": lambda text: text,
    "lower": str.lower,
    "upper": str.upper,
    "digits": lambda text: re.sub(r"[^0-9]", "", text),
    "sha256": lambda text: _hashed("sha256", text),
    "sha256_lower": lambda text: _hashed("sha256", text.strip().lower()),
    "md5": lambda text: _hashed("md5", text),
    "md5_lower": lambda text: _hashed("md5", text.strip().lower()),
}
"""How a service may want a value spelled."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One placeholder."""

    name: str
    spelling: str = "as_is"

    def spelled(self, value: Json) -> str:
        """The value as this place wants it."""
        text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        return SPELLINGS[self.spelling](text)


def holes(template: Json) -> Iterator[Hole]:
    """The placeholders of a text, or of every text inside a body."""
    if isinstance(template, str):
        for found in _HOLE.finditer(template):
            yield Hole(found[1].strip(), found[2] or "as_is")
    elif isinstance(template, Mapping):
        for inner in template.values():
            yield from holes(inner)
    elif isinstance(template, (list, tuple)):
        for inner in template:
            yield from holes(inner)


def filled_url(template: str, values: Mapping[str, Json]) -> str | None:
    """The path and query with every value escaped; None where a value can't be part of a path.

    An empty value, `.` or `..` would name another place than the one that was meant.
    """
    path, mark, query = template.partition("?")
    for hole in holes(path):
        if hole.spelled(values[hole.name]) in ("", ".", ".."):
            return None
    return _put(path, values) + mark + _put(query, values)


def _put(template: str, values: Mapping[str, Json]) -> str:
    def value(found: re.Match[str]) -> str:
        return quote(Hole(found[1].strip(), found[2] or "as_is").spelled(values[found[1].strip()]), safe="")

    return _HOLE.sub(value, template)


def filled_body(template: Json, values: Mapping[str, Json]) -> Json:
    """The body with its holes filled; a text that is one hole and no more becomes the value as it is."""
    if isinstance(template, Mapping):
        return {name: filled_body(inner, values) for name, inner in template.items()}
    if isinstance(template, (list, tuple)):
        return [filled_body(inner, values) for inner in template]
    if not isinstance(template, str):
        return template
    whole = _HOLE.fullmatch(template)
    if whole and not whole[2]:
        return values[whole[1].strip()]

    def value(found: re.Match[str]) -> str:
        return Hole(found[1].strip(), found[2] or "as_is").spelled(values[found[1].strip()])

    return _HOLE.sub(value, template)
