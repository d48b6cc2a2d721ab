"""Erase: exactly the rows that were approved, as they were approved, in one transaction, or nothing.

Before anyone approves it the same statements are run and undone. What others point at is refused, never cascaded.
"""

from collections.abc import Sequence
from datetime import tzinfo

import sqlalchemy as sa
from sqlalchemy import exc

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.sql_effects import Effects
from workflows.connectors.sql_masking import neutral
from workflows.connectors.sql_parts import Treatment
from workflows.connectors.sql_rehearsal import Rehearsal, code_of
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
    standings = _locked(connection, schema, items, zone=zone)
    judge(connection, schema, standings)
    Rehearsal(connection, schema, side_tables=side_tables).run(standings)
    return _previewed(standings)


def _locked(connection: sa.Connection, schema: Schema, items: Sequence[EraseItem], *, zone: tzinfo) -> list[Standing]:
    """As they stand; those refused whose rows we may not lock, since without that nobody may erase them either."""
    groups: dict[str, list[EraseItem]] = {}
    for item in items:
        groups.setdefault(item.collection, []).append(item)
    found: dict[int, Standing] = {}
    for name in sorted(groups):
        point = connection.begin_nested()
        try:
            standings = stand(connection, schema, groups[name], zone=zone, lock=True)
            point.commit()
        except exc.DBAPIError as error:
            point.rollback()
            code = code_of(error)
            standings = stand(connection, schema, groups[name], zone=zone, lock=False)
            for standing in standings:
                standing.refused = standing.refused or code
        found |= {id(standing.item): standing for standing in standings}
    return [found[id(item)] for item in items]


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
    return ReceiptOutcome.ERASED if standing.item.action is Action.DELETE else ReceiptOutcome.MASKED
