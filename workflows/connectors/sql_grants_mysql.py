"""What a user of MariaDB or MySQL may do, level by level: everywhere, in a database, on a table, on columns."""

from collections.abc import Iterator, Mapping
from typing import Literal

import sqlalchemy as sa

from workflows.connectors.sql_schema import RECEIPTS
from workflows.rules.privileges import Need, Place, Privilege

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "DROP", "CREATE", "ALTER", "TRIGGER", "INDEX"})
_RIGHTS = frozenset({"SELECT", *_WRITES})
_LEVELS = """
SELECT '' AS base, '' AS tab, privilege_type FROM information_schema.user_privileges WHERE grantee = :me
UNION ALL SELECT table_schema, '', privilege_type FROM information_schema.schema_privileges WHERE grantee = :me
UNION ALL SELECT table_schema, table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = :me
UNION ALL SELECT table_schema, table_name, privilege_type FROM information_schema.column_privileges
WHERE grantee = :me
"""
Levels = Mapping[Place, frozenset[str]]
"""("", "") is everywhere, (database, "") a whole database."""


def levels_of(connection: sa.Connection) -> tuple[str, Levels]:
    """The user as statements name it, and its rights at each level."""
    user, _, host = str(connection.exec_driver_sql("SELECT current_user()").scalar_one()).rpartition("@")
    me = f"'{user}'@'{host}'"
    found: dict[Place, set[str]] = {}
    for base, table, right in connection.execute(sa.text(_LEVELS), {"me": me}):
        if str(right).upper() in _RIGHTS:
            found.setdefault((str(base), str(table)), set()).add(str(right).upper())
    return me, {place: frozenset(rights) for place, rights in found.items()}


def may_write_mysql(levels: Levels) -> bool:
    """Whether this user can change anything."""
    return any(rights & _WRITES for rights in levels.values())


def reading_mysql(me: str, levels: Levels) -> list[Privilege]:
    """Everything a user who only searches may do beyond reading."""
    more = {place: rights & _WRITES for place, rights in levels.items()}
    found = list(_surplus(me, more, "reading", "it may write"))
    return found or [Privilege("reading", "ok", "it can write nowhere and creates nothing")]


def erasing_mysql(me: str, levels: Levels, need: Need) -> list[Privilege]:
    """Everything a user who erases may do beyond it, and everything they may not do and need."""
    wanted = {**need.tables, need.receipts: frozenset({"SELECT", "INSERT"})}
    if not need.receipts_exist:
        wanted[need.receipts] |= {"CREATE"}
    more = {place: rights - wanted.get(place, frozenset()) for place, rights in levels.items()}
    found = list(_surplus(me, more, "erasing", "it may do more than erase what is described"))
    lacking: dict[str, list[str]] = {}
    for place, rights in sorted(need.tables.items()):
        has = levels.get(("", ""), frozenset()) | levels.get((place[0], ""), frozenset())
        lacks = rights - has - levels.get(place, frozenset())
        if lacks:
            lacking.setdefault(", ".join(sorted(lacks)), []).append(_level(place))
    for missing, places in lacking.items():
        grants = " ".join(f"GRANT {missing} ON {place} TO {me};" for place in places)
        found.append(Privilege("erasing", "fail", f"it may not {missing} on {', '.join(places)}", grants))
    return found or [Privilege("erasing", "ok", f"it can do what erasing needs in {len(need.tables)} tables, no more")]


def _surplus(me: str, more: Levels, who: Literal["reading", "erasing"], text: str) -> Iterator[Privilege]:
    for place, rights in sorted(more.items()):
        if rights and RECEIPTS not in place:
            given, where = ", ".join(sorted(rights)), _level(place)
            yield Privilege(who, "warn", f"{text}: {given} on {where}", f"REVOKE {given} ON {where} FROM {me};")


def _level(place: Place) -> str:
    base, table = (part.replace("`", "``") for part in place)
    return f"`{base}`.`{table}`" if table else f"`{base}`.*" if base else "*.*"
