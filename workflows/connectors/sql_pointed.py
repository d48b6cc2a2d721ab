"""Whether rows of other people point at a row: by foreign key, be its table described or not, or by reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Ownership
from workflows.connectors.sql_found import Discovery, Found
from workflows.connectors.sql_leaves import Leaves
from workflows.connectors.sql_lookup import BINDS, ROWS, chunks, matches, picker
from workflows.connectors.sql_pointers import Pointer, pointers_of
from workflows.connectors.sql_schema import Bound
from workflows.connectors.sql_values import local_day
from workflows.connectors.windows import covers, merged


@dataclass(frozen=True, slots=True)
class Pointed:
    """Who points at a row besides the person's own rows."""

    anyone: bool = False
    people: bool = False  # a row that is itself about somebody: it carries an identity or is a subject


_NOBODY = Pointed()
NOT_THEIRS = (Ownership.THIRD_PARTY, Ownership.CANDIDATE)
"""What nobody has said to be the person's may be somebody else's."""


class Pointers:
    """Asks, batch by batch, who else points at rows."""

    def __init__(self, connection: sa.Connection, discovery: Discovery, leaves: Leaves) -> None:
        self._connection, self._found, self._leaves = connection, discovery, leaves
        self._by_node: dict[str, tuple[Pointer, ...]] = {}
        self._strangers: dict[Pointer, set[tuple[Any, ...]]] = {}

    def at(self, bound: Bound, batch: Sequence[Found]) -> list[Pointed]:
        """For each row of the batch, in order."""
        anyone: set[int] = set()
        people: set[int] = set()
        pointers = self._pointers(bound)
        whole = bool(pointers) and all(map(_whole, batch))
        for pointer in pointers:
            strangers = self._third_parties(pointer)
            if whole and not strangers and _followed(bound, pointer):
                continue  # all that points here was found, and is the person's
            about = self._about_people(pointer)
            values: dict[tuple[Any, ...], list[int]] = {}
            pick = picker(pointer.columns)
            for i, found in enumerate(batch):
                value = pick(found.links)
                if None not in value and not all_looked_up(bound, pointer, found):
                    values.setdefault(value, []).append(i)
                elif value in strangers:
                    anyone.add(i)
                    people |= {i} if about else set()
            for value, maybe in self._ask(pointer, values, batch=batch) if values else ():
                # Should a candidate be the person's, then what it has below it most likely is as well.
                hit = {i for i in values.get(value, ()) if not (maybe and batch[i].ownership is Ownership.CANDIDATE)}
                anyone |= hit
                people |= hit if about else set()
        if not anyone:
            return [_NOBODY] * len(batch)
        return [Pointed(i in anyone, i in people) for i in range(len(batch))]

    def _pointers(self, bound: Bound) -> tuple[Pointer, ...]:
        known = self._by_node.get(bound.name)
        if known is None:
            known = self._by_node[bound.name] = pointers_of(self._found.schema, bound)
        return known

    def _third_parties(self, pointer: Pointer) -> set[tuple[Any, ...]]:
        """The values with which rows that were found, and are another's, point here."""
        known = self._strangers.get(pointer)
        if known is None:
            rows = self._found.piles[pointer.node].rows.values() if pointer.node else ()
            pick = picker(pointer.child_columns)
            known = {pick(f.links) for f in rows if f.ownership in NOT_THEIRS}
            self._strangers[pointer] = known
        return known

    def _about_people(self, pointer: Pointer) -> bool:
        if not pointer.node:
            return False
        subject = self._found.subject
        return bool(self._found.schema.bound[pointer.node].node.identities) or bool(
            subject and subject.collection == pointer.node
        )

    def _ask(
        self, pointer: Pointer, values: dict[tuple[Any, ...], list[int]], *, batch: Sequence[Found]
    ) -> Iterator[tuple[tuple[Any, ...], bool]]:
        """The values with which rows that are not the person's point here, and whether these rows are candidates."""
        bound = self._found.schema.bound.get(pointer.node)
        if bound is not None and bound.node.spec.series:
            for value in self._ask_series(bound, pointer, values=values, batch=batch):
                yield value, False
            return
        columns = [pointer.child.c[c] for c in pointer.child_columns]
        width = len(columns)
        for chunk in chunks(values, max(1, BINDS // width)):
            condition = matches(pointer.child, pointer.child_columns, values=chunk)
            if bound is None:
                for row in self._connection.execute(sa.select(*columns).where(condition).distinct()):
                    yield tuple(row), False
                continue
            streamed = self._leaves.needed(bound.name)
            statement = sa.select(*columns, *(pointer.child.c[c] for c in streamed or bound.key)).where(condition)
            result = self._connection.execute(statement, execution_options={"stream_results": True})
            for part in result.partitions(ROWS):
                for row in part:
                    if streamed:
                        if not self._leaves.owns(bound.name, dict(zip(streamed, row[width:], strict=True))):
                            yield tuple(row[:width]), False
                    elif not self._found.owned(bound.name, tuple(row[width:])):
                        yield tuple(row[:width]), self._found.maybe(bound.name, tuple(row[width:]))

    def _ask_series(
        self, bound: Bound, pointer: Pointer, *, values: dict[tuple[Any, ...], list[int]], batch: Sequence[Found]
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a series outside the person's time are somebody else's: its first and last day tell."""
        series = bound.node.spec.series
        if series is None:
            return
        at = pointer.child.c[series.at]
        columns = [pointer.child.c[c] for c in pointer.child_columns]
        for chunk in chunks(values, max(1, BINDS // len(columns))):
            statement = sa.select(*columns, sa.func.min(at), sa.func.max(at)).group_by(*columns)
            for row in self._connection.execute(
                statement.where(matches(pointer.child, pointer.child_columns, values=chunk))
            ):
                value = tuple(row[:-2])
                days = [local_day(v, self._found.zone) for v in row[-2:]]
                for i in values.get(value, ()):
                    windows = batch[i].windows
                    gaps = windows is not None and len(merged(windows)) > 1
                    if gaps or not pointer.followed or any(d is None or not covers(windows, d) for d in days):
                        yield value


def all_looked_up(bound: Bound, pointer: Pointer, found: Found) -> bool:
    """Whether every row that points here by this pointer was found already."""
    return _followed(bound, pointer) and _whole(found)


def _followed(bound: Bound, pointer: Pointer) -> bool:
    return pointer.followed and pointer.columns[0] not in bound.node.spec.windows


def _whole(found: Found) -> bool:
    return found.strong and found.windows is None and found.ownership is Ownership.OWN
