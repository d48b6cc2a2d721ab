"""Collections of records in the shape that the rules for databases read: a table of links, with its keys and ways.

The tables exist in memory only. A collection without a primary key has one column more, `LOCATOR`, for the text of
each record's locator.
"""

import sqlalchemy as sa

from workflows.connectors.dataset import Graph, Node
from workflows.connectors.sql_schema import Bound, Schema, ways_of

LOCATOR = "\x00locator"
"""No column of any source has this name."""


def shape_of(graph: Graph, *, keyed: bool = True) -> Schema:
    """The source's collections, bound to nothing, and the ways between them with their direction.

    Without `keyed` records with one primary key may stand in several places, and only their locators tell them apart.
    """
    metadata = sa.MetaData()
    bound = {node.name: _bound(node, metadata, keyed=keyed) for node in graph.nodes.values()}
    return Schema("", bound, tuple(ways_of(graph, bound, ())), (), graph.recipes)


def _bound(node: Node, metadata: sa.MetaData, *, keyed: bool) -> Bound:
    names = list(dict.fromkeys((*node.fields, *named_columns(node))))
    keyed = keyed and bool(node.primary)
    key = node.primary if keyed else (LOCATOR,)
    if not keyed:
        names.append(LOCATOR)
    table = sa.Table(node.name, metadata, *(sa.Column(name, sa.String) for name in names))
    uniques = frozenset({frozenset(node.primary)} if node.primary else ())
    return Bound(node=node, table=table, key=key, keyed=keyed, uniques=uniques)


def named_columns(node: Node) -> tuple[str, ...]:
    """Every column that the dataset or `person:` names."""
    spec = node.spec
    names: list[str] = [*node.fields, *spec.owner, *spec.windows, *spec.third_party, *spec.columns]
    names += [f if isinstance(f, str) else f.field for f in spec.facts.values()]
    names += [c for w in spec.windows.values() for c in (w.start, w.end)]
    names += [name for name in (spec.on, spec.created) if name]
    names += [spec.series.at, *spec.series.key] if spec.series else []
    return tuple(dict.fromkeys(names))
