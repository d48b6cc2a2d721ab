"""Which kinds of source there are, and what each needs under `connection`.

A package of somebody else's adds a kind with an entry point of the group `vastine.kinds` that names a
`SourceKind`; from then on its sources are checked, searched and erased like any other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from workflows.errors import Fault
from workflows.register.document import Document
from workflows.register.model import Register, SourceSpec, Strict

GROUP = "vastine.kinds"


def nothing_more(spec: SourceSpec, doc: Document) -> Iterator[Fault]:  # noqa: ARG001 (the shape of a check)
    """A kind whose connection model tells every mistake there can be."""
    return iter(())


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind: the model of its `connection`, what else can be wrong, and, outside this product, what speaks to it.

    `build(spec, register, environ)` makes its `Connector` and may raise `BadInput`; the kinds of the product leave
    it empty, since only the wiring knows their classes.
    """

    name: str
    connection: type[Strict]
    faults: Callable[[SourceSpec, Document], Iterator[Fault]] = nothing_more
    build: Callable[[SourceSpec, Register, Mapping[str, str]], Any] | None = None
    nested: bool = False  # its records are documents: a field inside a field counts by itself, by its dotted name


@cache
def kinds() -> Mapping[str, SourceKind]:
    """All kinds by name. Raises `ValueError` where two packages give a kind the same name."""
    from workflows.register.kind_models import KINDS  # noqa: PLC0415  # they are built from this module's class

    found = {kind.name: kind for kind in KINDS}
    for point in entry_points(group=GROUP):
        kind = point.load()
        if kind.name in found:
            raise ValueError(f"two packages give sources of kind {kind.name!r}; remove one of them")
        found[kind.name] = kind
    return found
