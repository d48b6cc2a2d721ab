"""The register as documents need it: labels of sources, collections, columns and categories, with fallbacks.

The least register has no labels and no categories; then the names of the schema are shown, readably.
"""

import re
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from workflows.documents.words import words
from workflows.register.model import Category, CollectionSpec, ColumnSpec, HoldRule, Register, Text

_EMPTY_COLLECTION = CollectionSpec()
_EMPTY_COLUMN = ColumnSpec()


class Catalogue:
    """Labels and facts of one register."""

    def __init__(self, register: Register) -> None:
        self.register = register
        # A register does not change while a process has it, and a package asks for each label many times.
        self.declared_columns = cache(self._declared_columns)
        self.column_label = cache(self._column_label)

    @cached_property
    def _declared(self) -> Mapping[str, list[str]]:
        return {
            name: list(dict.fromkeys(c.name for d in spec.dataset for c in d.collections))
            for name, spec in self.register.sources.items()
        }

    @cached_property
    def holds(self) -> Mapping[str, HoldRule]:
        """Hold rules by id; of several versions the last one in the file."""
        return {rule.id: rule for rule in self.register.holds}

    def collection(self, source: str, name: str) -> CollectionSpec:
        """What the register says about a collection; found with or without its dataset's name before it."""
        spec = self.register.sources.get(source)
        if spec is None:
            return _EMPTY_COLLECTION
        known = spec.person.collections
        return known.get(name) or known.get(re.split(r"[:.]", name)[-1]) or _EMPTY_COLLECTION

    def column(self, source: str, collection: str, *, name: str) -> ColumnSpec:
        """What the register says about a column."""
        return self.collection(source, collection).columns.get(name) or _EMPTY_COLUMN

    def _declared_columns(self, source: str, collection: str) -> Mapping[str, str]:
        """Top-level fields of the dataset with their declared types ("" where none is given).

        First those that the register describes, in its order; Fideslang sorts the rest by name.
        """
        spec = self.register.sources.get(source)
        if spec is None:
            return {}
        short = re.split(r"[:.]", collection)[-1]
        for dataset in spec.dataset:
            for candidate in dataset.collections:
                if candidate.name == short and (":" not in collection or collection.startswith(dataset.fides_key)):
                    types = {f.name: _type_of(f) for f in candidate.fields}
                    first = [name for name in self.collection(source, collection).columns if name in types]
                    return {name: types[name] for name in [*first, *(n for n in types if n not in first)]}
        return {}

    def declared_collections(self, source: str) -> list[str]:
        """The names of a source's collections in the dataset's order, short, each once."""
        return self._declared.get(source, [])

    def source_label(self, source: str, language: str) -> str:
        """A source's name for people."""
        spec = self.register.sources.get(source)
        return spec.label.get(language) if spec and spec.label else readable(source)

    def collection_label(self, source: str, collection: str, language: str) -> str:
        """A collection's name for people."""
        label = self.collection(source, collection).label
        return label.get(language) if label else readable(re.split(r"[:.]", collection)[-1])

    def _column_label(self, source: str, collection: str, *, name: str, language: str) -> str:
        """A column's name for people, with its unit."""
        spec = self.column(source, collection, name=name)
        label = spec.label.get(language) if spec.label else self._plain_label(source, collection, name, language)
        label = label[:1].upper() + label[1:]
        return f"{label} ({spec.unit})" if spec.unit else label

    def _plain_label(self, source: str, collection: str, name: str, language: str) -> str:
        declared = self.declared_columns(source, collection)
        if name in self._nameless(source, collection):
            return f"{words(language).book.field} {list(declared).index(name) + 1}"
        own = name == "files" and name not in declared
        return str(words(language).book.files) if own else readable(name)

    def _nameless(self, source: str, collection: str) -> frozenset[str]:
        """Fields whose names the dataset keeps from people (`redact: name`)."""
        spec, short = self.register.sources.get(source), re.split(r"[:.]", collection)[-1]
        return frozenset(
            f.name
            for d in (spec.dataset if spec else ())
            for c in d.collections
            for f in (c.fields if c.name == short else ())
            if f.fides_meta and f.fides_meta.redact == "name"
        )

    def category(self, code: str) -> Category | None:
        """The category of this code, or of this Fideslang key."""
        found = self.register.categories.get(code)
        return found or next((c for c in self.register.categories.values() if code in c.keys), None)

    def category_of(self, source: str, collection: str) -> str:
        """The category a collection is declared to belong to, "" if the register does not say."""
        return self.collection(source, collection).category or ""

    def category_label(self, code: str, language: str) -> str:
        """A category's name for people, "" if it has none."""
        found = self.category(code)
        return found.label.get(language) if found else ""

    def processing(self, code: str, language: str) -> dict[str, Any]:
        """Purpose, basis, source, recipients, retention and transfers of a category, in words."""
        found, w = self.category(code), words(language)
        facts: dict[str, Any] = {
            "code": code,
            "category": found.label.get(language) if found else w.book.other_category,
        }
        for name in ("purpose", "basis", "obtained_from", "recipients", "retention", "transfers"):
            text: Text | None = getattr(found, name, None)
            fallback = w.processing.no_transfers if name == "transfers" else w.processing.not_recorded
            facts[name] = sentence(text.get(language) if text else fallback)
        return facts


def sentence(text: str) -> str:
    """The text with a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def readable(name: str) -> str:
    """A name of the schema as words: `meter_reading` becomes "Meter reading"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    text = re.sub(r"[_\-.\s]+", " ", text).strip()
    return text[:1].upper() + text[1:] if text else name


def _type_of(field: Any) -> str:
    meta = getattr(field, "fides_meta", None) or getattr(field, "fidesops_meta", None)
    return str(getattr(meta, "data_type", "") or "")
