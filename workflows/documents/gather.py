"""One pass over everything that was found: into CSV and JSON, with counts, samples and sums on the way."""

import heapq
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from models.vocabulary import Ownership
from workflows.documents.catalogue import Catalogue
from workflows.documents.cells import MENTION, REDACTED, csv_line, json_line, redact
from workflows.documents.series import SeriesReader
from workflows.documents.spool import Spool
from workflows.register.categories import category_of
from workflows.register.contacts import own_contacts
from workflows.rules.items import Item, Json
from workflows.rules.mentions import Mentions, harmless
from workflows.rules.narrowed import is_wanted

SAMPLE_RECORDS = 200
"""How many records of a collection, the newest, are kept for reading; CSV and JSON always hold all."""

FILES = "files"
"""The field of a record that names its files in the package."""

_WORDY = (str, list, dict)

ENDINGS: Mapping[str, str] = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "text/plain": "txt",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
}
"""Media type to the ending of a file; anything else is `.bin`."""


@dataclass
class Gathered:
    """One collection of one source, as the person gets it."""

    source: str
    collection: str
    category: str
    csv: Spool = field(default_factory=Spool)
    json: Spool = field(default_factory=Spool)
    columns: list[str] = field(default_factory=list)
    types: dict[str, set[str]] = field(default_factory=dict)
    records: int = 0  # items: a day of a series is one
    rows: int = 0  # lines of the CSV
    widened: bool = False  # columns were added after the first line
    first_on: date | None = None
    last_on: date | None = None
    redacted_fields: int = 0
    redacted_mentions: int = 0  # of other people in texts
    third_party_records: int = 0
    unsure_records: int = 0  # of which nobody could tell whether they are the person's
    files: list[tuple[str, Mapping[str, Json]]] = field(default_factory=list)  # path in the package, and where it lies
    files_field: str = ""
    sample: list[tuple[date, int, dict[str, Json]]] = field(default_factory=list)
    series: SeriesReader | None = None

    def newest(self, most: int) -> list[dict[str, Json]]:
        """The newest records first; records without a date in the order they were found."""
        dated = sorted(self.sample, key=lambda s: (-s[0].toordinal(), -s[1]))
        return [fields for _, _, fields in dated[:most]]


class Gatherer:
    """Fills one `Gathered` for each collection; what is not portable is only counted if `portable_only`.

    `gaps` are the sources that failed or were not searched: they get no empty list, which would be an answer.
    `identifiers` are the person's: they stay in texts, other people's don't. `wanted`: the categories that were asked
    for, None for all; of what was not asked for there is no empty list either.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        portable_only: bool,
        gaps: Collection[str] = (),
        identifiers: Mapping[str, Collection[str]] | None = None,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._zone = ZoneInfo(catalogue.register.controller.time_zone)
        self._portable_only = portable_only
        self._mentions = Mentions(identifiers or {}, own_contacts(catalogue.register.controller))
        self._gaps = gaps
        self._wanted = wanted
        self._found: dict[tuple[str, str], Gathered] = {}
        self.not_portable: Counter[str] = Counter()
        self.items = 0
        self._files = 0

    def read(self, items: Mapping[str, Callable[[], Iterable[Item]]]) -> list[Gathered]:
        """Everything, by source and collection in the register's order; collections without records are there too."""
        for source in sorted(items):
            for name in self._catalogue.declared_collections(source) if source not in self._gaps else ():
                if self._asked_for(source, name):
                    self._of(source, name, category=self._catalogue.category_of(source, name))
            for item in items[source]():
                self._take(item)
        return [g for g in self._found.values() if not self._portable_only or self._portable(g.category)]

    def _asked_for(self, source: str, collection: str) -> bool:
        if self._wanted is None:
            return True
        register = self._catalogue.register
        category = category_of(register, source, collection)
        return is_wanted(self._wanted, category, known=register.categories)

    def _take(self, item: Item) -> None:
        into = self._of(item.source, item.collection, category=item.category)
        if item.ownership not in (Ownership.OWN, Ownership.SHARED):
            into.third_party_records += item.ownership is Ownership.THIRD_PARTY
            into.unsure_records += item.ownership is Ownership.CANDIDATE
            return
        if self._portable_only and not self._portable(item.category):
            self.not_portable[item.category] += 1
            return
        self.items += 1
        into.records += 1
        if item.on is not None:
            into.first_on = min(into.first_on or item.on, item.on)
            into.last_on = max(into.last_on or item.on, item.on)
        if item.columns:
            self._take_series(into, item)
        else:
            self._take_record(into, item)

    def _take_record(self, into: Gathered, item: Item) -> None:
        fields, count = redact(item.fields, item.third_party)
        into.redacted_fields += count
        for name, value in fields.items():
            if type(value) in _WORDY and value != REDACTED and not (type(value) is str and harmless(value)):
                fields[name], count = self._mentions.strained(value, MENTION)
                into.redacted_mentions += count
        if item.files:
            into.files_field = into.files_field or (FILES if FILES not in fields else f"{FILES}_in_package")
            fields = {**fields, into.files_field: [self._take_file(into, file) for file in item.files]}
        into.columns = into.columns or self._order(item, list(fields))
        _write(into, fields)
        entry = (item.on or date.min, -into.records if item.on is None else into.records, fields)
        if len(into.sample) < SAMPLE_RECORDS:
            heapq.heappush(into.sample, entry)
        else:
            heapq.heappushpop(into.sample, entry)

    def _take_file(self, into: Gathered, file: Mapping[str, Json]) -> str:
        """The path a file gets: numbered through, so that its name says nothing about anybody."""
        self._files += 1
        ending = ENDINGS.get(str(file["media_type"]), "bin")
        slug = re.sub(r"[^a-z0-9]+", "_", f"{into.source}_{into.collection}".lower()).strip("_")[:60] or "data"
        path = f"files/{self._files:04d}_{slug}.{ending}"
        into.files.append((path, file))
        return path

    def _take_series(self, into: Gathered, item: Item) -> None:
        if into.series is None:
            into.series = SeriesReader(self._catalogue.collection(item.source, item.collection), self._zone)
        names = into.series.columns(item)
        into.columns = into.columns or names
        for row in into.series.rows(item):
            fields = dict(zip(names, row, strict=True))
            if item.third_party:
                fields, count = redact(fields, item.third_party)
                into.redacted_fields += count
            _write(into, fields)

    def _order(self, item: Item, names: list[str]) -> list[str]:
        declared = self._catalogue.declared_columns(item.source, item.collection)
        return [n for n in declared if n in names] + [n for n in names if n not in declared]

    def _portable(self, category: str) -> bool:
        """Art. 20(1): what the person provided. A collection without a category counts as provided."""
        known = self._catalogue.category(category)
        return known.provided if known else True

    def _of(self, source: str, collection: str, *, category: str) -> Gathered:
        declared = self._catalogue.declared_collections(source)
        short = re.split(r"[:.]", collection)[-1]
        collection = short if collection not in declared and short in declared else collection
        key = (source, collection)
        if key not in self._found:
            self._found[key] = Gathered(source, collection, category)
        elif not self._found[key].category:
            self._found[key].category = category
        return self._found[key]


def _write(into: Gathered, fields: dict[str, Json]) -> None:
    types = into.types
    if not fields.keys() <= types.keys():
        for name in fields:
            types.setdefault(name, set())
        new = [name for name in fields if name not in into.columns]
        into.widened = into.widened or (bool(new) and into.rows > 0)
        into.columns += new
    into.csv.write(csv_line(map(fields.get, into.columns)))
    into.json.write(((",\n" if into.rows else "\n") + json_line(fields)).encode())
    into.rows += 1
    for name, value in fields.items():
        types[name].add(_JSON_TYPES.get(type(value), "array"))


def csv_file(gathered: Gathered) -> Iterator[bytes]:
    """The CSV file: byte order mark, heading, lines of equal length."""
    yield b"\xef\xbb\xbf" + csv_line(gathered.columns)
    if not gathered.widened:
        yield from gathered.csv.chunks()
        return
    # A later record had a column the first ones had not: write all lines anew from their JSON twins.
    for line in _lines(gathered.json.chunks()):
        fields = json.loads(line.removesuffix(b","))
        yield csv_line([fields.get(name) for name in gathered.columns])


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest


_JSON_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}
