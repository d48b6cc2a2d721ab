"""Faults of `recipes.yaml`: what would leave somebody recognisable is no recipe, whoever approved it."""

from collections.abc import Iterator

from workflows.errors import Fault
from workflows.register.catalogue import Catalogue, Collection, Column
from workflows.register.document import Document, Path
from workflows.register.reading import Reading
from workflows.register.recipes import Recipe
from workflows.register.shape import nearest

_AREA = tuple(f"user.contact.address.{part}" for part in ("postal_code", "city", "state", "country"))
"""Places no finer than a postcode's area."""
_TELLING = (
    "user.name",
    "user.contact",
    "user.unique_id",
    "user.government_id",
    "user.account",
    "user.authorization",
    "user.biometric",
    "user.content",  # what people write may name anybody
    "user.device",
    "user.financial.bank_account",
    "user.location",
    "user.payment",
)
"""Categories that point at one person or one household."""


_WRITTEN = ("csv", "parquet")
"""Kinds besides databases whose records can be read through and written anew."""


def recipe_faults(reading: Reading, catalogue: Catalogue) -> Iterator[Fault]:
    """Everything wrong with the recipes."""
    doc = reading.documents.get("recipes.yaml")
    if doc is None:
        return
    seen: set[tuple[str, str]] = set()
    sources = {source.source: source for source, _ in reading.sources}
    for recipe, path in reading.recipes:
        place = (recipe.source, recipe.collection)
        if place in seen:
            what = f"`{recipe.collection}` of {recipe.source} has two recipes"
            yield doc.fault(path, what, remedy="keep the newer version")
        seen.add(place)
        if bool(recipe.approved_by.strip()) != (recipe.approved_on is not None):
            remedy = "write `approved_by` and `approved_on`, or neither while it waits"
            yield doc.fault(path, f"{recipe.id} is approved by half", remedy=remedy)
        source = sources.get(recipe.source)
        if source is None:
            if reading.sources_whole:
                remedy = nearest(recipe.source, sources)
                yield doc.fault((*path, "source"), f"there is no source `{recipe.source}`", remedy=remedy)
            continue
        if source.kind in _WRITTEN and not source.connection.get("writable"):
            what = f"the files of {source.source} may not be written, so nothing in them is made anonymous"
            yield doc.fault((*path, "source"), what, remedy="set `writable: true` there, or remove the recipe")
        elif source.kind != "sql" and source.kind not in _WRITTEN:
            what = f"records of a source of the kind `{source.kind}` are never made anonymous"
            yield doc.fault((*path, "source"), what, remedy="remove the recipe: they are deleted or masked")
        if source.kind == "sql" and source.connection.get("by_hand"):
            what = f"people erase in {source.source}, and nobody counts by hand how many households look alike"
            yield doc.fault((*path, "source"), what, remedy="remove the recipe: its records are deleted or masked")
        found = catalogue.of(source)
        collection = found.get(recipe.collection)
        if collection is None:
            what = f"{recipe.source} has no collection `{recipe.collection}`"
            yield doc.fault((*path, "collection"), what, remedy=nearest(recipe.collection, found))
        else:
            yield from _columns(recipe, collection, doc, path=path)


def _columns(recipe: Recipe, collection: Collection, doc: Document, *, path: Path) -> Iterator[Fault]:
    if collection.spec.series is not None:
        what = f"`{collection.name}` is a series: one household's is never anonymous, whatever name it loses"
        yield doc.fault((*path, "collection"), what, remedy="remove the recipe: the series is deleted")
        return
    if collection.source.kind in _WRITTEN and not any(c.meta.primary_key for c in collection.columns.values()):
        what = f"no field of `{collection.name}` is its `primary_key`: its records can't be told apart once emptied"
        yield doc.fault((*path, "collection"), what, remedy="set `primary_key: true`, or remove the recipe")
    for at, names in ((("keeps",), recipe.keeps), (("household",), (recipe.household,))):
        for n, name in enumerate(names):
            place = (*path, *at, n) if at == ("keeps",) else (*path, *at)
            column = collection.columns.get(name)
            if column is None:
                remedy = nearest(name, collection.columns)
                yield doc.fault(place, f"`{collection.name}` has no field `{name}`", remedy=remedy)
            elif at == ("keeps",) and (why := _telling(column)):
                yield doc.fault(place, f"`{name}` may not stay: {why}", remedy="take it out of `keeps`")
    if recipe.household in recipe.keeps:
        what = f"`{recipe.household}` names the household and may not stay"
        yield doc.fault((*path, "household"), what, remedy="take it out of `keeps`")


def _telling(column: Column) -> str:
    """Why somebody could be recognised by this field; "" if not by it alone."""
    if column.meta.primary_key or column.meta.identity or column.meta.references:
        return "it is a key"
    if not column.model.data_categories:
        return "nothing says what it holds"
    for category in column.model.data_categories:
        if category == "user":
            return "`user` may be anything"
        if category not in _AREA and any(category == t or category.startswith(f"{t}.") for t in _TELLING):
            return f"`{category}` points at one person or home"
    return ""
