"""Items that are written together, straight from the driver's rows, are those that would be made one by one."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.vocabulary import Ownership
from tests.connectors.shop import KEY, dataset, field, register, source
from tests.effort import examples
from workflows.connectors.dataset import build_graph
from workflows.connectors.sql_items import ItemMaker, as_rows
from workflows.connectors.sql_schema import Bound

HELSINKI = ZoneInfo("Europe/Helsinki")
zones: st.SearchStrategy[Any] = st.sampled_from([None, UTC, HELSINKI, timezone(timedelta(hours=5, minutes=45))])
COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    # name -> its type in the database, and what a driver gives
    "id": (sa.Integer(), st.integers(-(2**63), 2**63 - 1)),
    "name": (sa.String(), st.text()),
    "price": (sa.Numeric(10, 2), st.decimals(-(10**8), 10**8, places=2) | st.sampled_from([Decimal("NaN"), 1.5])),
    "seen": (sa.DateTime(), st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)),  # noqa: DTZ001
    "day": (sa.Date(), st.dates() | st.text(max_size=10)),
    "yes": (sa.Boolean(), st.booleans()),
    "share": (sa.Float(), st.floats()),
    "photo": (sa.LargeBinary(), st.binary(max_size=5)),
    "more": (sa.JSON(), st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=2)),
    "Ålder": (sa.SmallInteger(), st.integers(0, 200)),
}
FACTS = {"number": "name", "amount": {"field": "share"}, "due_on": "day"}


def maker(shown: tuple[str, ...], key: tuple[str, ...], *, on: str | None, facts: bool) -> ItemMaker:
    fields = [field("id", KEY, primary_key=True), *(field(name, "user.content") for name in shown if name != "id")]
    told: dict[str, Any] = {"facts": FACTS} if facts else {}
    if on:
        told["on"] = on
    spec = source("s", dataset({"thing": fields}, key="s"), person={"collections": {"thing": told}} if told else None)
    registered = register(spec)
    table = sa.Table("thing", sa.MetaData(), *(sa.Column(name, kind) for name, (kind, _) in COLUMNS.items()))
    bound = Bound(build_graph(spec, registered).nodes["thing"], table, key, keyed=True, uniques=frozenset())
    return ItemMaker(bound, source="s", register=registered, zone=HELSINKI)


ALL = tuple(COLUMNS)
row = st.tuples(*(st.none() | values for _, values in COLUMNS.values()))
PLAIN = (1, "a,\n", Decimal("1.50"), datetime(2024, 3, 31, 3, 30), date(2024, 1, 1), True, 0.1, b"x", {"a": 1}, 7)  # noqa: DTZ001
HUGE = (*PLAIN[:8], {"n": 2**70}, 7)


@settings(max_examples=examples(100), deadline=None)
@example(rows=[PLAIN, PLAIN], shown=ALL, key=("id",), on="day", facts=True)
@given(
    rows=st.lists(row, min_size=1, max_size=4),
    shown=st.sampled_from([ALL, ("id",), ("id", "name", "price", "share", "day"), ("id", "more", "Ålder")]),
    key=st.sampled_from([("id",), ("id", "name"), ("seen", "id"), ALL]),
    on=st.sampled_from([None, "day", "seen"]),
    facts=st.booleans(),
)
def test_together_or_one_by_one_the_lines_are_the_same(
    rows: list[tuple[Any, ...]], shown: tuple[str, ...], key: tuple[str, ...], on: str | None, facts: bool
) -> None:
    facts = facts and {"name", "share", "day"} <= set(shown)
    on = on if on in shown else None
    made = maker(shown, key, on=on, facts=facts)
    one_by_one = [i.to_json() for i in made.items(as_rows(ALL, rows), ownership=Ownership.OWN, path="thing.id")]
    batch = made.batch(rows, ownership=Ownership.OWN, path="thing.id")
    if batch is None:
        assert any(abs(v) >= 2**63 for r in rows for v in _numbers(r))
        return
    assert batch.lines.splitlines() == one_by_one
    assert (batch.count, batch.collection, batch.ownership) == (len(rows), "thing", Ownership.OWN)


def test_what_has_to_be_written_patiently_is_not_written_together() -> None:
    made = maker(ALL, ("id",), on=None, facts=False)
    assert made.batch([PLAIN, HUGE], ownership=Ownership.OWN, path="p") is None


def _numbers(row: tuple[Any, ...]) -> list[int]:
    return [v for v in (row[8] or {}).values() if isinstance(v, int)]
