"""Which category a field or record belongs to."""

from collections.abc import Iterable, Iterator, Mapping

from fideslang.models import DatasetField

from workflows.register.model import Category, CollectionSpec, Register, SourceSpec


def mapped(categories: Mapping[str, Category], data_category: str) -> str | None:
    """The code whose `keys` hold the longest prefix of this Fideslang data category; None if none does."""
    parts = data_category.split(".")
    by_key = {key: code for code, category in categories.items() for key in category.keys}
    for length in range(len(parts), 0, -1):
        if code := by_key.get(".".join(parts[:length])):
            return code
    return None


def category_of(register: Register, source: str, collection: str, *, field: str = "") -> str:
    """The category of a field, or of the record as a whole where `field` is ""; `dataset.collection` is a name too.

    In this order: the `category` that `person:` gives the collection; the code that `categories.yaml` maps
    the Fideslang data category to, by the longest prefix; the data category itself; "" where there is none.
    A record takes the category of the first field, in the order of names, that is about a person.
    """
    spec = register.sources[source]
    for dataset in spec.dataset:
        for model in dataset.collections:
            qualified = f"{dataset.fides_key}.{model.name}"
            if collection in (model.name, qualified):
                said = spec.person.collections.get(qualified) or spec.person.collections.get(model.name)
                if said and said.category:
                    return said.category
                own = list(model.data_categories or ()) + list(dataset.data_categories or ())
                keys = [*_keys(model.fields, field), *own]
                return _first(register.categories, keys)
    return ""


def declared_facts(register: Register, source: SourceSpec) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Of each collection that erasing may touch: (name, category, facts that hold rules may ask of it)."""
    for dataset in source.dataset:
        for model in dataset.collections:
            told = source.person.collections
            said = told.get(f"{dataset.fides_key}.{model.name}") or told.get(model.name) or CollectionSpec()
            if said.erase != "keep" and not (model.fides_meta and model.fides_meta.skip_processing):
                facts = frozenset(said.facts) | ({"on"} if said.on or said.series else set())
                yield model.name, category_of(register, source.source, model.name), facts


def erasable(register: Register, source: SourceSpec) -> Iterator[tuple[str, str, str]]:
    """Each collection that erasing may touch: its name, `dataset.collection`, and its category."""
    for dataset in source.dataset:
        for model in dataset.collections:
            qualified = f"{dataset.fides_key}.{model.name}"
            told = source.person.collections
            said = told.get(qualified) or told.get(model.name) or CollectionSpec()
            if said.erase != "keep" and not (model.fides_meta and model.fides_meta.skip_processing):
                yield model.name, qualified, category_of(register, source.source, qualified)


def _first(categories: Mapping[str, Category], keys: list[str]) -> str:
    """The first personal data category, mapped; else the first of any kind."""
    ordered = [k for k in keys if k == "user" or k.startswith("user.")] + keys
    return (mapped(categories, ordered[0]) or ordered[0]) if ordered else ""


def _keys(fields: Iterable[DatasetField], wanted: str, *, prefix: str = "") -> list[str]:
    out: list[str] = []
    for entry in fields:
        name = prefix + entry.name
        if not wanted or name == wanted:
            out += entry.data_categories or ()
        out += _keys(entry.fields or (), wanted, prefix=name + ".")
    return out
