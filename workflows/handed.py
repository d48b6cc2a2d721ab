"""What people hand back who searched a source by hand: plain data, as it is sealed and as its connector reads it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from models.vocabulary import Ownership
from workflows.rules.items import Json, canonical, digest_of

HAND_KINDS = frozenset({"manual", "paper"})
"""Kinds of source that only people can search."""


@dataclass(frozen=True, slots=True)
class HandScan:
    """An uploaded file: `blob` lies sealed under the request's key."""

    ident: str
    blob: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HandRecord:
    """One record as a person wrote it down. `entry` is ours, made when it is first saved, and never changes."""

    entry: str
    collection: str
    values: Mapping[str, str]  # "" where nothing stands there
    whose: Ownership = Ownership.OWN
    location: str = ""
    pages: int = 0
    scans: tuple[HandScan, ...] = ()

    def content(self) -> dict[str, Json]:
        """Everything the digest is over."""
        return {
            "values": dict(self.values),
            "whose": self.whose.value,
            "location": self.location,
            "pages": self.pages,
            "scans": [scan.sha256 for scan in self.scans],
        }

    def digest(self) -> str:
        """Hex SHA-256 of the whole record."""
        return digest_of(self.content())

    def without(self, fields: Sequence[str]) -> "HandRecord":
        """The record after these fields lost their value; a scan would still show them."""
        return replace(self, values={k: "" if k in fields else v for k, v in self.values.items()}, scans=())


@dataclass(frozen=True, slots=True)
class HandAnswer:
    """The whole answer of one source. `none` with every place in `places` is an answer too."""

    records: tuple[HandRecord, ...] = ()
    places: tuple[str, ...] = ()  # that were searched
    none: bool = False
    comment: str = ""
    gone: frozenset[str] = field(default_factory=frozenset)  # places (`place_of`) of what two people say is gone
    masked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # place to the fields taken since

    def to_json(self) -> bytes:
        """For sealing."""
        plain = asdict(self)
        plain.pop("gone")
        plain.pop("masked")
        return canonical(plain).encode()

    @staticmethod
    def from_json(plain: bytes) -> "HandAnswer":
        """The inverse of `to_json`."""
        data: dict[str, Any] = json.loads(plain)
        records = tuple(
            HandRecord(
                **{
                    **one,
                    "whose": Ownership(one["whose"]),
                    "scans": tuple(HandScan(**scan) for scan in one["scans"]),
                }
            )
            for one in data["records"]
        )
        return HandAnswer(records, tuple(data["places"]), data["none"], data["comment"])


def place_of(collection: str, locator: Mapping[str, Json]) -> str:
    """What tells a record from every other of its source: two collections may number theirs alike."""
    return canonical([collection, dict(locator)])
