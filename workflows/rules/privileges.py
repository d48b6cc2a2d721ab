"""Who may do more in a source than their work needs, or less; and the statement that mends it.

Reading needs SELECT. Erasing needs SELECT on what is described and on what points at it, UPDATE to mask, DELETE to
delete, and a table of receipts. Whatever else a user may do is a way for a stolen password.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Place = tuple[str, str]
Status = Literal["ok", "warn", "fail"]
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Grants:
    """What one user may do: privileges by table, and to whom each was granted (the user, a role of theirs, PUBLIC)."""

    user: str
    superuser: bool = False
    tables: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    through: Mapping[tuple[Place, str], frozenset[str]] = field(default_factory=dict)  # (table, privilege) -> grantees
    owned: frozenset[Place] = frozenset()
    creates_in: frozenset[str] = frozenset()  # schemas


@dataclass(frozen=True, slots=True)
class Need:
    """What erasing needs: the privileges by table, and where the receipts are or would be."""

    tables: Mapping[Place, frozenset[str]]
    receipts: Place
    receipts_exist: bool


@dataclass(frozen=True, slots=True)
class Privilege:
    """One thing found: `who` is reading or erasing; `remedy` is the statement to run, or ""."""

    who: Literal["reading", "erasing"]
    status: Status
    text: str
    remedy: str = ""


def reading_faults(grants: Grants) -> list[Privilege]:
    """Everything a user who only searches may do beyond reading; one line that says so where there is nothing."""
    found = [*_mighty(grants, "reading", f"GRANT SELECT ON ALL TABLES IN SCHEMA … TO {quoted('vastine_reader')};")]
    writes = {p: rights & set(WRITES) for p, rights in grants.tables.items() if p not in grants.owned}
    for text, remedy in _beyond(grants, {p: rights for p, rights in writes.items() if rights}):
        found.append(Privilege("reading", "warn", f"it may write: {text}", remedy))
    for schema in sorted(grants.creates_in) if not grants.superuser else ():
        remedy = f"REVOKE CREATE ON SCHEMA {quoted(schema)} FROM PUBLIC, {quoted(grants.user)};"
        found.append(Privilege("reading", "warn", f"it may create tables in the schema {schema}", remedy))
    if not found:
        text = f"it can write to none of {len(grants.tables)} tables and creates none"
        return [Privilege("reading", "ok", text)]
    return found


def erasing_faults(grants: Grants, need: Need) -> list[Privilege]:
    """Everything a user who erases may do beyond it, and everything they may not do and need."""
    found = [*_mighty(grants, "erasing", "GRANT only what is described below to it")]
    wanted = {**need.tables, need.receipts: frozenset({"SELECT", "INSERT"})}
    if not grants.superuser:
        more: dict[Place, set[str]] = {}
        for place, rights in grants.tables.items():
            if place not in grants.owned and (extra := rights - wanted.get(place, frozenset())):
                more[place] = set(extra)
        for text, remedy in _beyond(grants, more):
            found.append(Privilege("erasing", "warn", f"it may do more than erase what is described: {text}", remedy))
        found += _lacking(grants, need)
    if not found:
        return [Privilege("erasing", "ok", f"it can do what erasing needs in {len(need.tables)} tables, and no more")]
    return found


def may_write(grants: Grants) -> bool:
    """Whether this user can change any row at all."""
    return grants.superuser or bool(grants.owned) or any(r & set(WRITES) for r in grants.tables.values())


def quoted(name: str) -> str:
    """A name as the database reads it back."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and not name[:1].isdigit()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _table(place: Place) -> str:
    return ".".join(quoted(part) for part in place if part)


def _named(places: Collection[Place]) -> str:
    names = [".".join(part for part in place if part) for place in sorted(places)]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _mighty(grants: Grants, who: Literal["reading", "erasing"], statement: str) -> Iterator[Privilege]:
    if not (grants.superuser or grants.owned):
        return
    text = f"{grants.user} is a superuser: nothing is forbidden to it"
    if not grants.superuser:
        text = f"{grants.user} owns {_named(grants.owned)}, and an owner may do everything"
    remedy = f"use a user of its own: CREATE ROLE vastine_{_ROLE[who]} LOGIN; {statement}"
    yield Privilege(who, "warn", text, remedy)


_ROLE = {"reading": "reader", "erasing": "eraser"}


def _beyond(grants: Grants, more: Mapping[Place, Iterable[str]]) -> Iterator[tuple[str, str]]:
    """(what, statement), the tables with the same surplus to the same grantees in one."""
    if grants.superuser:
        return
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Place]] = {}
    for place, rights in sorted(more.items()):
        to: dict[tuple[str, ...], list[str]] = {}
        for right in sorted(rights):
            through = grants.through.get((place, right)) or frozenset({grants.user})
            to.setdefault(tuple(sorted(through)), []).append(right)
        for holders, held in to.items():
            groups.setdefault((tuple(held), holders), []).append(place)
    for (what, whom), places in groups.items():
        tables, given = ", ".join(map(_table, places)), ", ".join(what)
        grantees = ", ".join(n if n == "PUBLIC" else quoted(n) for n in whom)
        yield f"{given} on {_named(places)}", f"REVOKE {given} ON {tables} FROM {grantees};"


def _lacking(grants: Grants, need: Need) -> Iterator[Privilege]:
    groups: dict[tuple[str, ...], list[Place]] = {}
    for place, rights in sorted(need.tables.items()):
        lacks = rights - grants.tables.get(place, frozenset())
        if lacks and place not in grants.owned:
            groups.setdefault(tuple(sorted(lacks)), []).append(place)
    for missing, places in groups.items():
        statement = f"GRANT {', '.join(missing)} ON {', '.join(map(_table, places))} TO {quoted(grants.user)};"
        yield Privilege("erasing", "fail", f"it may not {', '.join(missing)} on {_named(places)}", statement)
    there = grants.tables.get(need.receipts, frozenset())
    if need.receipts_exist and not {"SELECT", "INSERT"} <= there and need.receipts not in grants.owned:
        statement = f"GRANT SELECT, INSERT ON {_table(need.receipts)} TO {quoted(grants.user)};"
        yield Privilege("erasing", "warn", "it can keep no receipts, so an erasure is only looked after", statement)
    elif not need.receipts_exist and need.receipts[0] not in grants.creates_in:
        columns = "op_id varchar(100), item_no integer, fence bigint NOT NULL, outcome varchar(16) NOT NULL"
        statement = (
            f"CREATE TABLE {_table(need.receipts)} ({columns}, at varchar(40) NOT NULL, PRIMARY KEY (op_id, item_no));"
            f" GRANT SELECT, INSERT ON {_table(need.receipts)} TO {quoted(grants.user)};"
        )
        yield Privilege("erasing", "warn", "it can keep no receipts, so an erasure is only looked after", statement)
