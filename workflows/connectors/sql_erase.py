"""Erase: exactly the rows that were approved, as they were approved, in one transaction, or nothing.

Before anyone approves it the same statements are run and undone. What others point at is refused, never cascaded.
"""

from collections.abc import Sequence
from datetime import tzinfo

import sqlalchemy as sa

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.sql_effects import Effects
from workflows.connectors.sql_masking import neutral
from workflows.connectors.sql_parts import Treatment
from workflows.connectors.sql_rehearsal import Rehearsal
from workflows.connectors.sql_schema import Schema
from workflows.connectors.sql_standing import Standing, judge, stand
from workflows.ports import EraseItem, PreviewedItem


def preview(
    connection: sa.Connection, schema: Schema, items: Sequence[EraseItem], *, zone: tzinfo
) -> list[PreviewedItem]:
    """What `erase` would do with each item, as far as looking tells. A record masked before is "nothing_personal"."""
    standings = stand(connection, schema, items, zone=zone, lock=False)
    judge(connection, schema, standings)
    return _previewed(standings)


def rehearse(
    connection: sa.Connection,
    schema: Schema,
    items: Sequence[EraseItem],
    *,
    zone: tzinfo,
    side_tables: Sequence[str] = (),
) -> list[PreviewedItem]:
    """The same by doing it. The caller rolls the transaction back, whatever comes of it."""
    standings = stand(connection, schema, items, zone=zone, lock=True)
    judge(connection, schema, standings)
    Rehearsal(connection, schema, side_tables=side_tables).run(standings)
    return _previewed(standings)


def _previewed(standings: Sequence[Standing]) -> list[PreviewedItem]:
    return [PreviewedItem(s.item.item_no, _word(s), s.fields if s.able else ()) for s in standings]


def _word(standing: Standing) -> str:
    if standing.refused:
        return standing.refused
    if not standing.rows:
        return "absent"
    if standing.drifted:
        return "drifted"
    return "nothing_personal" if _is_masked(standing) else ""


def _is_masked(standing: Standing) -> bool:
    """Whether masking would write what is there already: then there is nothing to do, and nothing to show for it."""
    bound, row = standing.bound, standing.rows[0]
    if bound is None or standing.item.action is not Action.MASK:
        return False
    makers = {f: neutral(bound, f) for f in standing.fields}
    return all(make is not None and row[f] == make() for f, make in makers.items())


def erase(
    connection: sa.Connection,
    schema: Schema,
    items: Sequence[EraseItem],
    *,
    zone: tzinfo,
    side_tables: Sequence[str] = (),
) -> dict[int, ReceiptOutcome]:
    """Treat the items in this transaction; what became of each.

    Raises `PersonMustLook` with "count_differs", "side_effects" or "source_keeps" if it is not what was approved.
    """
    standings = stand(connection, schema, items, zone=zone, lock=True)
    judge(connection, schema, standings)
    if any(s.able for s in standings):
        Treatment(connection, schema, standings, effects=Effects(connection, side_tables)).run()
    return {s.item.item_no: _outcome(s) for s in standings}


def _outcome(standing: Standing) -> ReceiptOutcome:
    if standing.refused:
        return ReceiptOutcome.REFUSED
    if not standing.rows:
        return ReceiptOutcome.ABSENT
    if standing.drifted:
        return ReceiptOutcome.DRIFTED
    return ReceiptOutcome.MASKED if standing.item.action is Action.MASK else ReceiptOutcome.ERASED
