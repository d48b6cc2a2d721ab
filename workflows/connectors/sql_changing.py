"""Restrict records, let them go again, or put them right: in one transaction with the receipts, or not at all.

The same discipline as erasing: the record is the one that was decided on, by its digest; nothing else changes; what
was written is looked at before it counts.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import tzinfo
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import exc

from models.vocabulary import Action
from workflows.connectors.sql_effects import Effects
from workflows.connectors.sql_parts import same
from workflows.connectors.sql_refusals import refusal_of
from workflows.connectors.sql_schema import Bound, Schema
from workflows.connectors.sql_standing import Standing, are, stand
from workflows.connectors.sql_values import NO_MATCH, typed
from workflows.errors import PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem, ChangeOutcome, EraseItem
from workflows.register.source_parts import Restriction


def change(
    connection: sa.Connection,
    schema: Schema,
    items: Sequence[ChangeItem],
    *,
    zone: tzinfo,
    side_tables: Sequence[str] = (),
) -> list[ChangedItem]:
    """Write the items' values; what became of each, with its digest afterwards.

    Raises `PersonMustLook` with the code of the database's refusal, or "side_effects": then nothing was changed.
    """
    standings = _stand(connection, schema, items, zone=zone, lock=True)
    effects = Effects(connection, side_tables)
    effects.start()
    outcomes: dict[int, tuple[ChangeOutcome, str]] = {}
    for item, standing in zip(items, standings, strict=True):
        values, refused = _values(schema, standing, item.values)
        outcomes[item.item_no] = _outcome(standing, values, refused)
        if outcomes[item.item_no][0] == "changed" and standing.bound is not None:
            _write(connection, standing.bound, standing.rows[0], values=values, effects=effects)
    effects.check()
    after = _stand(connection, schema, items, zone=zone, lock=False)
    found = []
    for item, standing in zip(items, after, strict=True):
        outcome, refused = outcomes[item.item_no]
        if outcome == "changed":
            _see(schema, standing, item.values)
        found.append(ChangedItem(item.item_no, outcome, standing.digest, refused))
    return found


def digests(connection: sa.Connection, schema: Schema, items: Sequence[ChangeItem], *, zone: tzinfo) -> dict[int, str]:
    """The digests of the records as they are now, by item number; "" for one that is gone."""
    return {s.item.item_no: s.digest for s in _stand(connection, schema, items, zone=zone, lock=False)}


def answered(item_no: int, word: str, digest: str) -> ChangedItem:
    """An earlier answer, by its receipt."""
    return ChangedItem(item_no, cast("ChangeOutcome", word), digest)


def restriction(restrict: Restriction | None, *, on: bool) -> Mapping[str, Any]:
    """The values that mark a record as restricted, or as free again. Raises `PersonMustLook` where none is declared."""
    if restrict is None:
        raise PersonMustLook("restrict_by_hand", detail="the register names no column that restricts these records")
    return {restrict.column: restrict.value if on else restrict.free}


def _stand(
    connection: sa.Connection, schema: Schema, items: Sequence[ChangeItem], *, zone: tzinfo, lock: bool
) -> list[Standing]:
    as_erased = [EraseItem(i.item_no, i.collection, i.locator, Action.RESTRICT, (), i.digest) for i in items]
    return stand(connection, schema, as_erased, zone=zone, lock=lock)


def _values(schema: Schema, standing: Standing, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The values as the columns take them; or why not, as a code."""
    bound, made = standing.bound, dict[str, Any]()
    if bound is None or standing.refused:
        return made, standing.refused or "unknown_collection"
    if bound.node.spec.series or not bound.keyed:
        return made, "no_key"
    keys = _keys(schema, bound)
    for name, value in wanted.items():
        made[name], refused = _value(bound, name, value, keys=keys)
        if refused:
            return made, refused
    return made, "" if made else "no_values"


def _value(bound: Bound, name: str, value: Any, *, keys: Collection[str]) -> tuple[Any, str]:
    column = bound.table.c.get(name)
    made = None if value is None or column is None else typed(column, value)
    if name not in bound.node.fields or column is None:
        refused = "unknown_field"
    elif name in keys:
        refused = "key"
    elif column.computed is not None:
        refused = "computed"
    elif value is None:
        refused = "" if column.nullable else "not_null"
    else:
        longest = getattr(column.type, "length", None)
        refused = "unfit" if made is NO_MATCH or (isinstance(made, str) and longest and len(made) > longest) else ""
    return made, refused


def _same(found: Any, made: Any) -> bool:
    """To the letter, but for the blanks that CHAR adds: a name may be put right in its capitals alone."""
    if isinstance(found, str) and isinstance(made, str):
        return found.rstrip() == made.rstrip()
    return same(found, made)


def _keys(schema: Schema, bound: Bound) -> set[str]:
    keys = set(bound.key)
    for fk in schema.foreign_keys:
        keys |= set(fk.child_columns) if fk.child is bound.table else set()
        keys |= set(fk.parent_columns) if fk.parent is bound.table else set()
    return keys


def _outcome(standing: Standing, values: Mapping[str, Any], refused: str) -> tuple[ChangeOutcome, str]:
    if refused:
        return "refused", refused
    if not standing.rows:
        return "absent", ""
    if all(_same(standing.rows[0][name], value) for name, value in values.items()):
        return "as_it_was", ""  # by us or by somebody else: there is nothing to do
    if standing.drifted:
        return "drifted", ""
    return "changed", ""


def _write(
    connection: sa.Connection, bound: Bound, row: Mapping[str, Any], *, values: Mapping[str, Any], effects: Effects
) -> None:
    key = tuple(row[c] for c in bound.key)
    try:
        done = connection.execute(sa.update(bound.table).where(are(bound, [key])).values(dict(values)))
    except exc.DBAPIError as error:
        code = refusal_of(error)
        if not code:
            raise
        raise PersonMustLook(code, detail="the source refuses the new value") from None
    if done.rowcount != 1:
        raise PersonMustLook("count_differs", detail="the source would change more or fewer rows than decided")
    effects.updated(bound.table, 1)


def _see(schema: Schema, standing: Standing, wanted: Mapping[str, Any]) -> None:
    """A trigger may have put the old value back."""
    values, _ = _values(schema, standing, wanted)
    if not standing.rows or any(not _same(standing.rows[0][name], value) for name, value in values.items()):
        raise PersonMustLook("source_keeps", detail="the source put back what was written")
