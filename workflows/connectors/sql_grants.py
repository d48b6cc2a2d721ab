"""What a database user may do, asked of the database's own catalogue; nothing is tried."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from workflows.connectors.dataset import Graph, Node
from workflows.connectors.sql_grants_mysql import erasing_mysql, levels_of, may_write_mysql, reading_mysql
from workflows.connectors.sql_schema import RECEIPTS, Schema
from workflows.connectors.sql_source import SqlSource, is_writable_file
from workflows.rules.privileges import Grants, Need, Place, Privilege, erasing_faults, may_write, reading_faults

_TABLES = """
SELECT n.nspname, c.relname, pg_has_role(c.relowner, 'USAGE') AS owned, p.name, coalesce(g.names, '{}') AS through
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(name)
LEFT JOIN LATERAL (
  SELECT array_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END) AS names
  FROM (
    SELECT (aclexplode(c.relacl)).*
    UNION ALL
    SELECT (aclexplode(t.attacl)).* FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL
  ) a
  WHERE a.privilege_type = p.name AND CASE WHEN a.grantee = 0 THEN true ELSE pg_has_role(a.grantee, 'USAGE') END
) g ON true
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, p.name)
       OR (p.name IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(c.oid, p.name)))
"""
_ROLE = "SELECT current_user, rolsuper, current_schema() FROM pg_roles WHERE rolname = current_user"
_CREATES = """
SELECT nspname FROM pg_namespace
WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(oid, 'CREATE')
"""


_NOBODY = Privilege(
    "erasing",
    "warn",
    "nobody may erase here: an erasure stops before this source",
    "name a user who may under `connection.erase`, or erase by hand",
)
_BOTH = Privilege(
    "reading",
    "warn",
    "one user searches and erases: whoever has its password can do both",
    "name a second user under `connection.erase`, then take the right to write from this one",
)


def privileges(source: SqlSource, eraser: SqlSource, *, graph: Graph, schema: Schema) -> list[Privilege]:
    """What the user who reads and the one who erases may do too much, or too little. Raises as a search does."""
    if source.dialect == "sqlite":
        return _of_file(source, eraser)
    if source.dialect in ("mysql", "mariadb"):
        return _of_mysql(source, eraser, graph=graph, schema=schema)
    if source.dialect != "postgresql":
        text = f"what a user may do in {source.dialect} is not looked at; compare it with the description by hand"
        return [Privilege("reading", "warn", text, "see docs/how-to/find-out-what-a-database-holds.md")]
    with source.reading() as connection:
        reader = _grants(connection)
    if eraser is source and not may_write(reader):
        return [*reading_faults(reader), _NOBODY]
    with eraser.reading() as connection:
        grants = _grants(connection)
        need = _need(connection, graph, schema)
    if eraser is source:
        return [_BOTH, *erasing_faults(grants, need)]
    return [*reading_faults(reader), *erasing_faults(grants, need)]


def _of_mysql(source: SqlSource, eraser: SqlSource, *, graph: Graph, schema: Schema) -> list[Privilege]:
    with source.reading() as connection:
        me, levels = levels_of(connection)
    if eraser is source and not may_write_mysql(levels):
        return [*reading_mysql(me, levels), _NOBODY]
    with eraser.reading() as connection:
        erasing = erasing_mysql(*levels_of(connection), _need(connection, graph, schema))
    return [_BOTH, *erasing] if eraser is source else [*reading_mysql(me, levels), *erasing]


def _grants(connection: sa.Connection) -> Grants:
    user, superuser, _ = connection.execute(sa.text(_ROLE)).one()
    tables: dict[Place, set[str]] = {}
    through: dict[tuple[Place, str], frozenset[str]] = {}
    owned = set()
    for schema, name, owns, right, names in connection.exec_driver_sql(_TABLES.replace("%", "%%")):
        place = (str(schema), str(name))
        tables.setdefault(place, set()).add(right)
        through[place, right] = frozenset(map(str, names))
        if owns:
            owned.add(place)
    creates = connection.exec_driver_sql(_CREATES.replace("%", "%%")).scalars()
    rights: Mapping[Place, frozenset[str]] = {place: frozenset(found) for place, found in tables.items()}
    return Grants(str(user), bool(superuser), rights, through, frozenset(owned), frozenset(map(str, creates)))


def _need(connection: sa.Connection, graph: Graph, schema: Schema) -> Need:
    """The described tables and those that point at them; a mask needs UPDATE, and so does the lock before it."""
    default = str(connection.dialect.default_schema_name or "")
    tables: dict[Place, set[str]] = {}
    for node in graph.nodes.values():
        place = _place(schema.bound[node.name].table, default)
        tables.setdefault(place, set()).update(_rights(node))
    described = frozenset(tables)
    for key in schema.foreign_keys:
        if _place(key.parent, default) in described:
            tables.setdefault(_place(key.child, default), set()).add("SELECT")
    needed = {place: frozenset(rights) for place, rights in tables.items()}
    return Need(needed, (default, RECEIPTS), sa.inspect(connection).has_table(RECEIPTS))


def _rights(node: Node) -> Sequence[str]:
    if node.spec.erase == "keep":
        return ("SELECT",)
    if node.spec.erase == "delete" or node.strategy == "delete":
        return ("SELECT", "UPDATE", "DELETE")
    masks = any(field.personal and field.maskable for field in node.fields.values())
    return ("SELECT", "UPDATE") if masks else ("SELECT",)


def _place(table: sa.Table, default: str) -> Place:
    return (str(table.schema or default), str(table.name))


def _of_file(source: SqlSource, eraser: SqlSource) -> list[Privilege]:
    """A file knows no users: what a connection may do is how it opens the file."""
    with source.reading() as connection:
        writable = is_writable_file(connection)
    if eraser is source:
        text = "a file has no users of its own: searches open it for reading only" if writable else "it only reads"
        return [Privilege("reading", "ok", text)]
    with eraser.reading() as connection:
        erases = is_writable_file(connection)
    remedy = "write `url` as sqlite:///file:PATH?mode=ro&uri=true"
    read = Privilege("reading", "ok", "it opens the file so that it can't be written")
    if writable:
        read = Privilege("reading", "warn", "it opens the file so that it could be written", remedy)
    if erases:
        return [read, Privilege("erasing", "ok", "it may write the file")]
    return [read, Privilege("erasing", "fail", "it may not write the file", "let Vastine's user write file and folder")]
