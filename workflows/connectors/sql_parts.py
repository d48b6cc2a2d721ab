"""The statements that treat records, in parts: what is masked, collection by collection, then what is deleted,
children first. Every statement must change as many rows as were planned, and what is masked must stay so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Action
from workflows.connectors.sql_effects import Effects
from workflows.connectors.sql_lookup import BINDS, chunks, matches, picker
from workflows.connectors.sql_masking import neutral
from workflows.connectors.sql_mysql import MYSQL
from workflows.connectors.sql_order import waves
from workflows.connectors.sql_schema import Bound, ForeignKey, Schema
from workflows.connectors.sql_standing import Row, Standing, are
from workflows.errors import PersonMustLook

Mark = tuple[int, int]
"""(number of the standing, number of the row in it)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that the same statements treat."""

    marks: Sequence[Mark]
    run: Callable[[Sequence[Mark]], None]


class Treatment:
    """What is to be done with these standings in one transaction, and what of it was counted."""

    def __init__(
        self, connection: sa.Connection, schema: Schema, standings: Sequence[Standing], *, effects: Effects
    ) -> None:
        self._connection, self._schema, self._standings = connection, schema, standings
        self._effects = effects

    def run(self) -> None:
        """Do all of it. Raises `PersonMustLook` if the source does anything else than that."""
        self.begin()
        for part in self.parts():
            part.run(part.marks)
        self.end()

    def begin(self) -> None:
        """From here on it is counted, and constraints that can wait do."""
        self._effects.start()
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def end(self) -> None:
        """What waited is checked now, and what happened is compared with what was planned."""
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        self._effects.check()

    def parts(self) -> list[Part]:
        """In the order in which they must be done."""
        able = [(i, s) for i, s in enumerate(self._standings) if s.able]
        parts = list(self._masks([(i, s) for i, s in able if s.item.action in (Action.MASK, Action.ANONYMISE)]))
        deletes = {i: s for i, s in able if s.item.action is Action.DELETE}
        marks = {(i, n): row for i, s in deletes.items() for n, row in enumerate(s.rows)}
        ordered, cyclic = waves(marks, self._points_at(deletes))
        parts += [Part(wave, self._delete) for wave in ordered]
        return [*parts, Part(cyclic, self._delete_cycle)] if cyclic else parts

    def _masks(self, able: Sequence[tuple[int, Standing]]) -> list[Part]:
        """One prepared statement for all rows of a collection that lose the same fields."""
        groups: dict[tuple[str, tuple[str, ...]], list[Mark]] = {}
        for i, standing in able:
            if standing.bound is not None:
                groups.setdefault((standing.bound.name, standing.fields), []).append((i, 0))
        return [Part(marks, self._mask) for marks in groups.values()]

    def _mask(self, marks: Sequence[Mark]) -> None:
        standings = [self._standings[i] for i, _ in marks]
        bound, fields = standings[0].bound, standings[0].fields
        if bound is None:
            return
        makers = {f: neutral(bound, f) for f in fields}
        made: list[Mapping[str, Any]] = [{f: make() for f, make in makers.items() if make} for _ in standings]
        if self._connection.dialect.name in MYSQL and bound.keyed:
            standings, made = _changing(standings, made)  # of the others it is not sure whether they are counted
            if not standings:
                return
        if not bound.keyed:
            for standing, values in zip(standings, made, strict=True):
                statement = sa.update(bound.table).where(are(bound, [_key(bound, standing.rows[0])])).values(values)
                self._expect(self._connection.execute(statement).rowcount, len(standing.rows))
                self._effects.updated(bound.table, len(standing.rows))
            return
        condition = sa.and_(*(bound.table.c[c] == sa.bindparam(f"key_{i}") for i, c in enumerate(bound.key)))
        statement = sa.update(bound.table).where(condition)
        statement = statement.values({f: sa.bindparam(f"new_{i}") for i, f in enumerate(fields)})
        parameters = []
        for standing, values in zip(standings, made, strict=True):
            one: dict[str, Any] = {f"key_{i}": standing.rows[0][c] for i, c in enumerate(bound.key)}
            parameters.append(one | {f"new_{i}": values[f] for i, f in enumerate(fields)})
        self._expect(self._connection.execute(statement, parameters).rowcount, len(parameters))
        self._effects.updated(bound.table, len(standings))
        self._see(bound, {_key(bound, s.rows[0]): values for s, values in zip(standings, made, strict=True)}, fields)

    def _see(self, bound: Bound, made: Mapping[tuple[Any, ...], Mapping[str, Any]], fields: tuple[str, ...]) -> None:
        """Look at what was masked: a trigger may have put the old value back."""
        columns = [bound.table.c[c] for c in (*bound.key, *fields)]
        for chunk in chunks(made, max(1, BINDS // len(bound.key))):
            for row in self._connection.execute(sa.select(*columns).where(are(bound, chunk))):
                values = made.get(tuple(row[: len(bound.key)]), {})
                now = dict(zip(fields, row[len(bound.key) :], strict=True))
                if any(not same(now[f], value) for f, value in values.items()):
                    raise PersonMustLook("source_keeps", detail="the source put back what was masked")

    def _points_at(self, deletes: Mapping[int, Standing]) -> dict[Mark, set[Mark]]:
        rows: dict[int, list[tuple[Mark, Row]]] = {}
        for i, standing in deletes.items():
            if standing.bound is not None:
                of_table = rows.setdefault(id(standing.bound.table), [])
                of_table.extend(((i, n), row) for n, row in enumerate(standing.rows))
        result: dict[Mark, set[Mark]] = {}
        for fk in self._schema.foreign_keys:
            up, down = picker(fk.child_columns), picker(fk.parent_columns)
            parents = {down(row): mark for mark, row in rows.get(id(fk.parent), ())}
            for mark, row in rows.get(id(fk.child), ()) if parents else ():
                parent = parents.get(up(row))
                if parent is not None:
                    result.setdefault(mark, set()).add(parent)
        return result

    def _delete_cycle(self, marks: Sequence[Mark]) -> None:
        """The pointers that may be empty are emptied, then the rows go together."""
        if self._connection.dialect.name == "sqlite":
            self._connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        self._loosen(marks)
        self._delete(marks)

    def _loosen(self, marks: Sequence[Mark]) -> None:
        """Empty the foreign keys of rows in cycles that may be NULL and are no part of the row's key."""
        for bound, rows in self._by_collection(marks):
            loose = {
                c
                for fk in self._schema.foreign_keys
                if fk.child is bound.table and _optional(bound, fk)
                for c in fk.child_columns
                if bound.table.c[c].nullable
            }
            if not loose:
                continue
            pointing = [row for row in rows if any(row[c] is not None for c in loose)]
            for chunk in chunks([_key(bound, row) for row in pointing], max(1, BINDS // len(bound.key))):
                statement = sa.update(bound.table).where(matches(bound.table, bound.key, values=chunk))
                self._expect(self._connection.execute(statement.values(dict.fromkeys(loose))).rowcount, len(chunk))
            self._effects.updated(bound.table, len(pointing))

    def _delete(self, marks: Sequence[Mark]) -> None:
        for bound, rows in self._by_collection(marks):
            keys = list(dict.fromkeys(_key(bound, row) for row in rows))
            left = len(rows)
            for chunk in chunks(keys, max(1, BINDS // len(bound.key))):
                left -= self._connection.execute(sa.delete(bound.table).where(are(bound, chunk))).rowcount
            self._expect(left, 0)
            self._effects.deleted(bound.table, len(rows))

    def _by_collection(self, marks: Sequence[Mark]) -> list[tuple[Bound, list[Row]]]:
        groups: dict[str, tuple[Bound, list[Row]]] = {}
        for i, n in marks:
            bound = self._standings[i].bound
            if bound is not None:
                groups.setdefault(bound.name, (bound, []))[1].append(self._standings[i].rows[n])
        return list(groups.values())

    @staticmethod
    def _expect(changed: int, planned: int) -> None:
        if changed != planned:
            raise PersonMustLook("count_differs", detail="the source would change more or fewer rows than approved")


def _key(bound: Bound, row: Row) -> tuple[Any, ...]:
    return tuple(row[c] for c in bound.key)


def _optional(bound: Bound, fk: ForeignKey) -> bool:
    return bound.keyed and not set(fk.child_columns) & set(bound.key)


def _changing(
    standings: Sequence[Standing], made: Sequence[Mapping[str, Any]]
) -> tuple[list[Standing], list[Mapping[str, Any]]]:
    """Those whose rows do not hold the new values already."""
    pairs = [
        (standing, values)
        for standing, values in zip(standings, made, strict=True)
        if any(not same(standing.rows[0][f], value) for f, value in values.items())
    ]
    return [standing for standing, _ in pairs], [values for _, values in pairs]


def same(found: Any, made: Any) -> bool:
    """Whether a column holds what was written to it: CHAR pads, and some zones come back with their offset."""
    if found is None or made is None:
        return found is made
    if isinstance(found, datetime) and isinstance(made, datetime):
        return found.replace(tzinfo=None) == made.replace(tzinfo=None)
    return bool(found == made) or str(found).strip().casefold() == str(made).strip().casefold()
