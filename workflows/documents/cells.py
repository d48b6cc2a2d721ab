"""One record as a line of CSV or a line of JSON, with what belongs to other people taken out."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from workflows.rules.items import Json

REDACTED = "REDACTED:third_party"
MENTION = f"[{REDACTED}]"
"""Stands in a text where another person's address or number was."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")
_ALSO_DANGEROUS = ("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}", "|", "%")
_NEGATIVE = re.compile(r"-\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")


def csv_cell(value: Json) -> str:
    """A quoted cell that no spreadsheet takes for a formula; null is an empty cell without quotes.

    A text that could start a formula gets an apostrophe before it; the JSON twin is unchanged.
    """
    if type(value) is str and value[:1].isalnum() and '"' not in value:
        return f'"{value}"'  # nearly all cells
    if value is None:
        return ""
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    if isinstance(value, int | float):
        return f'"{value}"'
    text = value if isinstance(value, str) else json_line(value)
    if text.lstrip(" \N{NO-BREAK SPACE}").startswith(_DANGEROUS + _ALSO_DANGEROUS) and not _NEGATIVE.fullmatch(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"'


def csv_line(values: Iterable[Json]) -> bytes:
    """One line of RFC 4180."""
    return (",".join([csv_cell(value) for value in values]) + "\r\n").encode()


def json_line(value: Json) -> str:
    """Compact JSON in the order of the keys."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number beyond 64 bits, half a character
        return _COMPACT.encode(value)


def redact(fields: Mapping[str, Json], names: Sequence[str]) -> tuple[dict[str, Json], int]:
    """The fields without the named ones' values, and how many values were taken out; `a.b` reaches inside `a`."""
    kept: dict[str, Any] = dict(fields)
    count = 0
    for name in names:
        count += _redact(kept, name.split("."))
    return kept, count


def _redact(fields: dict[str, Any], path: Sequence[str]) -> int:
    whole, (head, *rest) = ".".join(path), path
    if whole in fields:
        head, rest = whole, []
    value = fields.get(head)
    if value is None or value in ("", [], {}):
        return 0
    if not rest:
        fields[head] = REDACTED
        return 1
    if isinstance(value, Mapping):
        fields[head] = inner = dict(value)
        return _redact(inner, rest)
    if isinstance(value, list):
        fields[head] = copies = [dict(v) if isinstance(v, Mapping) else v for v in value]
        return sum(_redact(copy, rest) for copy in copies if isinstance(copy, dict))
    fields[head] = REDACTED  # not the shape we were told: hide all of it
    return 1
