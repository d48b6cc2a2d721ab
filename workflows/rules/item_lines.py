"""Many items of one collection as the lines they are kept in, made together: to build each by itself costs more
than to read it. The lines are the same to the letter as `Item.to_json` writes."""

import hashlib
from binascii import hexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import methodcaller

import orjson

from models.vocabulary import Ownership
from workflows.rules.items import CANONICAL, Json

_CUT = orjson.Fragment(b"\n")
"""Between values that are written in one go: no JSON that we write has a line break of its own."""
_DIGEST = methodcaller("digest")
_HEX = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one collection, all of the same ownership: `count` lines, each with its end."""

    collection: str
    ownership: Ownership
    count: int
    lines: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What is the same of all items of a batch, as in `Item`; nobody else's fields are among them."""

    source: str
    collection: str
    category: str
    ownership: Ownership
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What differs, item by item: canonical JSON, but `digests`, which are bare hex digits."""

    digests: Sequence[bytes]
    fields: Sequence[bytes]
    locators: Sequence[bytes]
    facts: Sequence[bytes] | None = None  # None: no item has any
    days: Sequence[bytes] | None = None  # None: no item is about a day


def each_as_json(values: Sequence[Json]) -> list[bytes]:
    """The canonical JSON of each value. Raises `TypeError` if one of them can only be written patiently."""
    if not values:
        return []
    together = orjson.dumps(list(chain.from_iterable(zip(values, repeat(_CUT)))), option=CANONICAL)
    return together[1:-3].split(b",\n,")


def each_digest(contents: Iterable[bytes]) -> list[bytes]:
    """The hex SHA-256 of each."""
    digits = hexlify(b"".join(map(_DIGEST, map(hashlib.sha256, contents))))
    return [digits[start : start + _HEX] for start in range(0, len(digits), _HEX)]


def batch_of(alike: Alike, parts: Parts) -> Batch:
    """The lines of as many items as there are digests. Raises `ValueError` if there are more or fewer of the rest."""
    count = len(parts.digests)
    told = (parts.fields, parts.locators, parts.facts, parts.days)
    if any(len(one) != count for one in told if one is not None):
        raise ValueError("a batch of which the parts are not equally many")
    of_all = {"category": alike.category, "collection": alike.collection, "columns": []}
    at_end: dict[str, Json] = {
        "ownership": alike.ownership.value,
        "path": alike.path,
        "referenced": False,
        "series": [],
        "source": alike.source,
        "third_party": [],
    }
    pieces: Sequence[Iterable[bytes]] = (
        repeat(orjson.dumps(of_all)[:-1] + b',"digest":"'),
        parts.digests,
        repeat(b'","facts":'),
        repeat(b"{}") if parts.facts is None else parts.facts,
        repeat(b',"fields":'),
        parts.fields,
        repeat(b',"locator":'),
        parts.locators,
        repeat(b',"on":'),
        repeat(b"null") if parts.days is None else parts.days,
        repeat(b"," + orjson.dumps(at_end)[1:] + b"\n"),
    )
    lines = b"".join(chain.from_iterable(zip(*pieces)))  # noqa: B905
    return Batch(alike.collection, alike.ownership, count, lines)
