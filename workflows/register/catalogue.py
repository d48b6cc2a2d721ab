"""Where each collection and field of the datasets stands, by name: Fideslang sorts them, the file does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fideslang.models import DatasetCollection, DatasetField, FidesMeta

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.model import CollectionSpec, SourceSpec
from workflows.register.reading import Reading


@dataclass(frozen=True, slots=True)
class Column:
    """One field, nested ones by dotted name."""

    name: str
    model: DatasetField
    path: Path

    @property
    def meta(self) -> FidesMeta:
        """Its annotations, empty ones if there are none."""
        return self.model.fides_meta or FidesMeta()

    @property
    def personal(self) -> tuple[str, ...]:
        """Its data categories under `user`."""
        return tuple(c for c in self.model.data_categories or () if c == "user" or c.startswith("user."))


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection with its place in the file. `key` is `dataset.collection`."""

    key: str
    dataset: str
    name: str
    source: SourceSpec
    doc: Document
    path: Path
    model: DatasetCollection
    columns: Mapping[str, Column]

    @property
    def spec(self) -> CollectionSpec:
        """What `person:` says of it, the defaults if nothing."""
        return self.source.person.collections.get(self.said_as, CollectionSpec())

    @property
    def said_as(self) -> str:
        """The name under which `person:` may speak of it: `dataset.collection` goes before `collection`."""
        return self.key if self.key in self.source.person.collections else self.name

    @property
    def skipped(self) -> bool:
        """Whether it takes no part in anything."""
        return bool(self.model.fides_meta and self.model.fides_meta.skip_processing)

    @property
    def personal(self) -> tuple[str, ...]:
        """Categories under `user` that the collection itself carries."""
        return tuple(c for c in self.model.data_categories or () if c == "user" or c.startswith("user."))

    def fault(self, path: Path, what: str, *, remedy: str) -> Fault:
        """A fault at a path below this collection in the file."""
        return self.doc.fault((*self.path, *path), what, remedy=remedy)


@dataclass(slots=True)
class Catalogue:
    """All collections that could be read. `datasets` maps a dataset's key to its source; `broken` ones are unknown."""

    collections: dict[str, Collection] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    whole: bool = True

    def of(self, source: SourceSpec) -> dict[str, Collection]:
        """One source's collections by name, and by `dataset.collection`."""
        mine = [c for c in self.collections.values() if c.source is source]
        return {c.name: c for c in mine} | {c.key: c for c in mine}


def catalogue_of(reading: Reading) -> Catalogue:
    """Index everything that was read."""
    found = Catalogue(broken=frozenset(reading.broken), whole=reading.sources_whole)
    for source, doc in reading.sources:
        for n, (dataset, raw) in enumerate(zip(source.dataset, doc.data["dataset"], strict=True)):
            found.datasets.setdefault(dataset.fides_key, source.source)
            by_name = {c.name: c for c in dataset.collections}
            for m, raw_collection in enumerate(raw["collections"]):
                model = by_name[str(raw_collection["name"])]
                path: Path = ("dataset", n, "collections", m)
                columns = {c.name: c for c in _columns(model.fields, raw_collection["fields"], (*path, "fields"))}
                key = f"{dataset.fides_key}.{model.name}"
                entry = Collection(key, dataset.fides_key, model.name, source, doc, path, model, columns)
                found.collections.setdefault(key, entry)
    return found


def _columns(models: list[DatasetField], raw: list[Any], path: Path, *, prefix: str = "") -> Iterator[Column]:
    by_name = {f.name: f for f in models}
    for n, entry in enumerate(raw):
        model = by_name[str(entry["name"])]
        yield Column(prefix + model.name, model, (*path, n))
        if model.fields:
            yield from _columns(model.fields, entry["fields"], (*path, n, "fields"), prefix=f"{prefix}{model.name}.")
