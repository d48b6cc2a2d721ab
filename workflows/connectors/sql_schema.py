"""What the database really has, beside what the dataset says: identifiers come from here and nowhere else.

Everything the dataset names must exist, or nothing is read. Foreign keys are those the database knows,
also from tables that no dataset describes, since their rows may point at a person's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from workflows.connectors.dataset import Edge, Graph, Node
from workflows.connectors.sql_catalogue import (
    ORDINARY,
    Relation,
    as_kept,
    pointing_schemas,
    relations,
    uniques_of,
)
from workflows.errors import NeverAgain
from workflows.register.recipes import Recipe

RECEIPTS = "vastine_receipts"


@dataclass(frozen=True, slots=True)
class Bound:
    """A collection with its table. `key` finds one row again; `keyed` is false where no key is declared."""

    node: Node
    table: sa.Table
    key: tuple[str, ...]
    keyed: bool
    uniques: frozenset[frozenset[str]]
    distinct: frozenset[str] = frozenset()  # columns that a unique key or index is over
    nulls_alike: frozenset[str] = frozenset()  # of those, where two rows without a value are alike too
    stuck: str = ""  # code: why nothing can be erased in it

    @property
    def name(self) -> str:
        """The collection's name in items."""
        return self.node.name


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`child` rows point at `parent` rows. `on_delete` is the database's word, upper case, or empty."""

    child: sa.Table
    child_columns: tuple[str, ...]
    parent: sa.Table
    parent_columns: tuple[str, ...]
    on_delete: str
    seen: bool = True  # whether we may read who points


@dataclass(frozen=True, slots=True)
class Way:
    """An edge whose direction in the schema is known: `up` leads from a row to the one it points at."""

    source: str
    source_fields: tuple[str, ...]
    target: str
    target_fields: tuple[str, ...]
    up: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """One source, bound."""

    fingerprint: str
    bound: Mapping[str, Bound]
    ways: tuple[Way, ...]
    foreign_keys: tuple[ForeignKey, ...]
    recipes: tuple[Recipe, ...] = ()

    def up(self, target: str, fields: tuple[str, ...]) -> bool:
        """Whether these fields name exactly one row of the collection: what points there points at a parent."""
        return frozenset(fields) in self.bound[target].uniques


def fingerprint(connection: sa.Connection, schemas: Iterable[str | None]) -> str:
    """A short text that changes whenever tables, columns or constraints do."""
    if connection.dialect.name == "sqlite":
        return str(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())
    if connection.dialect.name != "postgresql":
        return ""
    named = [s for s in schemas if s]
    mark = connection.execute(
        sa.text(
            "SELECT md5(string_agg(line, ',' ORDER BY line)) FROM ("
            "SELECT concat_ws(':', 'a', a.attrelid, a.attname, a.atttypid, a.attnotnull, a.attgenerated, a.atttypmod)"
            " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND (n.nspname = ANY(:named) OR n.nspname = current_schema()) AND c.relname <> :receipts"
            " UNION ALL SELECT concat_ws(':', 'c', k.oid, k.conname, k.conrelid, k.confdeltype, k.confrelid)"
            " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " WHERE k.contype IN ('p', 'u', 'f') AND k.conrelid >= 16384 AND c.relname <> :receipts"
            " UNION ALL SELECT concat_ws(':', 'i', x.indexrelid, x.indrelid) FROM pg_index x WHERE x.indisunique"
            " AND x.indrelid >= 16384 AND x.indrelid <> coalesce(to_regclass(:receipts), 0::oid)) lines(line)"
        ),
        {"named": named, "receipts": RECEIPTS},
    ).scalar_one()
    return str(mark)


DIALECT = "dialect"
"""Key in `MetaData.info`: the database that the tables were read from."""


def read_schema(connection: sa.Connection, graph: Graph, *, mark: str) -> Schema:
    """Reflect and bind. Raises `NeverAgain("schema_changed")` naming every table and column that is missing."""
    ours = {(_schema_of(node, connection), node.collection) for node in graph.nodes.values()}
    schemas = {schema for schema, _ in ours} | pointing_schemas(connection)
    metadata = sa.MetaData(info={DIALECT: connection.dialect.name})
    event.listen(metadata, "column_reflect", as_kept)
    known = {schema: relations(connection, schema) for schema in schemas}
    for schema in schemas:
        _reflect(connection, metadata, schema, known=known[schema], ours={name for s, name in ours if s == schema})
    bound = {}
    missing: list[str] = []
    for node in graph.nodes.values():
        schema = _schema_of(node, connection)
        table = metadata.tables.get(f"{schema}.{node.collection}" if schema else node.collection)
        if table is None:
            missing.append(f"{node.dataset}:{node.collection}")
            continue
        missing += [node.address(field) for field in _named(node) if field not in table.c]
        bound[node.name] = _bind(connection, node, table, relation=known[schema].get(node.collection, ORDINARY))
    if missing:
        raise NeverAgain("schema_changed", detail="not in the database: " + ", ".join(sorted(missing)))
    foreign_keys = tuple(_foreign_keys(metadata, known))
    return Schema(mark, bound, tuple(ways_of(graph, bound, foreign_keys)), foreign_keys, graph.recipes)


def _reflect(
    connection: sa.Connection,
    metadata: sa.MetaData,
    schema: str | None,
    *,
    known: Mapping[str, Relation],
    ours: set[str],
) -> None:
    """Read the tables of a schema; of ours only the columns that may be read, so that nothing asks for others."""
    secured = sorted(name for name in ours if known.get(name, ORDINARY).secured)
    if secured:
        text = f"row level security would hide rows of {', '.join(secured)}: give this user BYPASSRLS"
        raise NeverAgain("row_security", detail=text)
    for name in sorted(ours):
        if hidden := known.get(name, ORDINARY).hidden:
            columns = [c["name"] for c in sa.inspect(connection).get_columns(name, schema=schema)]
            readable = [c for c in columns if c not in hidden]
            if not readable:
                raise NeverAgain("not_permitted", detail=f"this user may not read {name}")
            sa.Table(
                name, metadata, schema=schema, autoload_with=connection, include_columns=readable, resolve_fks=False
            )
    partitions = {name for name, relation in known.items() if relation.partition} - ours

    def wanted(name: str, _metadata: sa.MetaData) -> bool:
        return name != RECEIPTS and name not in partitions

    metadata.reflect(connection, schema=schema, views=True, resolve_fks=False, only=wanted)


def names_of(columns: Iterable[sa.Column[Any]]) -> tuple[str, ...]:
    """Their names as plain texts: SQLAlchemy's own kind of text is no key that the writer of JSON takes."""
    return tuple(str(c.name) for c in columns)


def _schema_of(node: Node, connection: sa.Connection) -> str | None:
    """None for the schema that the database uses by itself, so that one table never gets two names."""
    if connection.dialect.name == "sqlite" or node.schema == connection.dialect.default_schema_name:
        return None
    return node.schema


def _named(node: Node) -> set[str]:
    """Every column that the dataset or `person:` names."""
    spec = node.spec
    names = {*node.fields, *spec.owner, *spec.windows, *spec.columns, *spec.third_party}
    names |= {f if isinstance(f, str) else f.field for f in spec.facts.values()}
    names |= {column for window in spec.windows.values() for column in (window.start, window.end)}
    names |= {name for name in (spec.on, spec.created) if name}
    return names | ({spec.series.at, *spec.series.key} if spec.series else set())


def _bind(connection: sa.Connection, node: Node, table: sa.Table, *, relation: Relation) -> Bound:
    reflected = names_of(table.primary_key.columns)
    uniques = uniques_of(connection, table)
    key = reflected or tuple(f for f in node.primary if f in table.c)
    if not key and any(isinstance(c.type, (sa.JSON, sa.ARRAY)) for c in table.columns):
        text = f"{node.name} has no key and columns that can't tell rows apart: name its primary_key in the dataset"
        raise NeverAgain("no_key", detail=text)
    return Bound(
        node=node,
        table=table,
        key=key or names_of(table.columns),
        keyed=bool(key),
        uniques=uniques.keys | ({frozenset(node.primary)} if node.primary else set()),
        distinct=uniques.distinct,
        nulls_alike=uniques.nulls_alike,
        stuck=relation.stuck,
    )


def _foreign_keys(metadata: sa.MetaData, known: Mapping[str | None, Mapping[str, Relation]]) -> Iterable[ForeignKey]:
    for table in metadata.tables.values():
        relation = known.get(table.schema, {}).get(table.name, ORDINARY)
        for constraint in table.foreign_key_constraints:
            target = constraint.elements[0].target_fullname.rpartition(".")[0]
            parent = metadata.tables.get(target)
            if parent is None:
                continue
            columns = tuple(map(str, constraint.column_keys))
            yield ForeignKey(
                child=table,
                child_columns=columns,
                parent=parent,
                parent_columns=tuple(e.target_fullname.rpartition(".")[2] for e in constraint.elements),
                on_delete=(constraint.ondelete or "").upper(),
                seen=not relation.secured and not relation.hidden.intersection(columns),
            )


def ways_of(graph: Graph, bound: Mapping[str, Bound], foreign_keys: tuple[ForeignKey, ...]) -> Iterable[Way]:
    """Edges with their direction; edges that together carry a composite key become one."""
    groups: dict[tuple[str, str], list[Edge]] = {}
    for edge in graph.edges:
        groups.setdefault((edge.source, edge.target), []).append(edge)
    for (source, target), edges in groups.items():
        rest = list(edges)
        for columns in _composites(bound[source], bound[target], foreign_keys):
            parts = [e for e in rest if (e.source_fields[0], e.target_fields[0]) in columns]
            if len(parts) == len(columns):
                rest = [e for e in rest if e not in parts]
                yield _way(source, target, pairs=columns, bound=bound, foreign_keys=foreign_keys)
        whole = _undeclared(bound[source], bound[target], rest)
        if whole:
            rest = [e for e in rest if (e.source_fields[0], e.target_fields[0]) not in whole]
            yield _way(source, target, pairs=whole, bound=bound, foreign_keys=foreign_keys)
        for edge in rest:
            pair = ((edge.source_fields[0], edge.target_fields[0]),)
            yield _way(source, target, pairs=pair, bound=bound, foreign_keys=foreign_keys)


Pairs = tuple[tuple[str, str], ...]


def _composites(source: Bound, target: Bound, foreign_keys: tuple[ForeignKey, ...]) -> Iterable[Pairs]:
    """(source column, target column) pairs of the composite foreign keys between the two, either way."""
    for fk in foreign_keys:
        if len(fk.child_columns) < 2:
            continue
        if fk.child is source.table and fk.parent is target.table:
            yield tuple(zip(fk.child_columns, fk.parent_columns, strict=True))
        if fk.parent is source.table and fk.child is target.table:
            yield tuple(zip(fk.parent_columns, fk.child_columns, strict=True))


def _undeclared(source: Bound, target: Bound, edges: list[Edge]) -> Pairs:
    """A composite key that the database does not declare: each of its columns has exactly one edge."""
    for end in (0, 1):
        keys = (source if end == 0 else target).uniques
        for unique in sorted(keys, key=sorted):
            pairs = [(e.source_fields[0], e.target_fields[0]) for e in edges]
            parts = tuple(sorted(p for p in pairs if p[end] in unique))
            distinct = {p[0] for p in parts}, {p[1] for p in parts}
            if len(unique) > 1 and len(parts) == len(unique) == len(distinct[0]) == len(distinct[1]):
                return parts
    return ()


def _way(
    source: str, target: str, *, pairs: Pairs, bound: Mapping[str, Bound], foreign_keys: tuple[ForeignKey, ...]
) -> Way:
    starts, ends = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    child, parent = bound[source], bound[target]
    declared = any(
        (fk.child, fk.parent) == (child.table, parent.table)
        and set(zip(fk.child_columns, fk.parent_columns, strict=True)) == set(pairs)
        for fk in foreign_keys
    )
    reverse = any(
        (fk.parent, fk.child) == (child.table, parent.table)
        and set(zip(fk.parent_columns, fk.child_columns, strict=True)) == set(pairs)
        for fk in foreign_keys
    )
    unique_end = frozenset(ends) in parent.uniques
    unique_start = frozenset(starts) in child.uniques
    up = declared or (unique_end and not unique_start and not reverse)
    return Way(source, starts, target, ends, up=up)
