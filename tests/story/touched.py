"""What an erasure did to the sources, compared with what was approved: row by row, over all tables."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.story.house import Dump, Row

PlanItem = Mapping[str, Any]
"""An item as `vastine plan --json` shows it."""


def check_touched(before: Dump, after: Dump, items: Iterable[PlanItem]) -> int:
    """Exactly the records of `items` are gone or masked, and no other is touched; how many were.

    An item counts with its `action` and `fields`; one without fields may lose any field of its own record.
    """
    by_table: dict[tuple[str, str], list[PlanItem]] = {}
    for item in items:
        by_table.setdefault((item["source"], item["collection"]), []).append(item)
    assert before.keys() == after.keys()
    touched = 0
    for table, was in before.items():
        now, mine = after[table], by_table.get(table, [])
        gone, made = was - now, now - was
        for row in gone:
            assert any(is_of(item, row) for item in mine), f"a record of {table} that nobody approved is gone"
        for row in made:
            item = next((i for i in mine if i["action"] == "mask" and is_of(i, row)), None)
            assert item is not None, f"a record of {table} was changed that nobody approved"
            old = next(r for r in gone if is_of(item, r))
            changed = {column for column, _ in row ^ old}
            assert not item["fields"] or changed <= set(item["fields"])
        for item in mine:
            assert any(is_of(item, row) for row in was)
            left = [row for row in now if is_of(item, row)]
            assert len(left) == (1 if item["action"] == "mask" else 0), f"{table} still has what should be gone"
        touched += len(gone)
    return touched


def is_of(item: PlanItem, row: Row) -> bool:
    """Whether a record is the one, or one of the series, that a plan item means."""
    values, where = dict(row), item["locator"]
    key = where.get("key", where)
    if any(values.get(column) != str(value) for column, value in key.items()):
        return False
    if "at" not in where:
        return True
    at = datetime.fromisoformat(values[where["at"]]).replace(tzinfo=UTC)
    return datetime.fromisoformat(where["from"]) <= at < datetime.fromisoformat(where["to"])
