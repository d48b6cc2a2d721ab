"""A million records against twenty hold rules: how many times the driver's own streaming of the same records?"""

import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg

from bench.place import Place
from bench.report import Report
from models.vocabulary import Action, Ownership
from workflows.register.load import load_register
from workflows.register.model import HoldRule
from workflows.rules.holds import assess, compile_rules
from workflows.rules.items import Item, item_of
from workflows.rules.subject import subject_facts

ITEMS, HELD = 1_000_000, 100_000
TODAY = date(2026, 11, 24)
_FILL = f"""
CREATE TABLE record (id BIGINT PRIMARY KEY, category VARCHAR(3) NOT NULL, day DATE NOT NULL, year_end DATE NOT NULL,
  owed NUMERIC(10, 2) NOT NULL, due DATE NOT NULL, number VARCHAR(12) NOT NULL, name VARCHAR(60) NOT NULL);
INSERT INTO record SELECT n, (ARRAY['C05', 'C05', 'C05', 'C06', 'C07', 'C07', 'C09', 'C11'])[1 + n % 8],
  date '2018-01-01' + (n * 7 % 3200)::int, make_date(2018 + (n % 9)::int, 12, 31), (n % 50 = 0)::int * 40.5,
  date '2022-01-01' + (n * 3 % 1600)::int, 'L' || n, 'Somebody ' || n FROM generate_series(1, {ITEMS}) AS n;
"""
Row = tuple[Any, ...]


def measure(place: Place) -> Report:
    """Both in one process; the records are made of the very rows the driver streamed."""
    rules = tuple(load_register("register").holds)
    rules += tuple(_another(rules[0], f"X{n}") for n in range(20 - len([r for r in rules if r.active])))
    report = Report(f"{ITEMS:,} records against {sum(r.active for r in rules)} rules, beside the driver alone")
    url = place.postgres.create_database()
    with psycopg.connect(url) as connection:
        connection.execute(_FILL)
        connection.commit()
        for name, many in (("all", ITEMS), ("held, looked at again", HELD)):
            start = time.perf_counter()
            rows = list(_rows(connection, many))
            raw = time.perf_counter() - start
            items = [_item(row) for row in rows]
            del rows
            start = time.perf_counter()
            held = sum(bool(verdict.holds) for _, verdict in _assessed(items, rules))
            ours = time.perf_counter() - start
            report.add(f"{name}: as many times the driver's streaming", ours / raw, "x", aim=5, told=f"{held} held")
            report.add(f"{name}: a record", ours / many * 1e6, "µs")
    return report


def _another(rule: HoldRule, name: str) -> HoldRule:
    return rule.model_copy(update={"id": name})


def _rows(connection: psycopg.Connection[Any], many: int) -> Iterator[Row]:
    with connection.cursor(name="all") as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT * FROM record ORDER BY id LIMIT %s", (many,))
        yield from cursor


def _item(row: Row) -> Item:
    number, category, day, year_end, owed, due, invoice, name = row
    facts: dict[str, Any] = {"on": day.isoformat()}
    if category in ("C07", "C09"):
        facts |= {"fiscal_year_end": year_end.isoformat(), "number": invoice}
    if category == "C07":
        facts |= {"open_balance": float(owed), "due_on": due.isoformat()}
    fields = {"id": number, "name": name}
    return item_of("s", "record", {"id": number}, category, Ownership.OWN, "0" * 64, fields, facts, day, "")


def _assessed(items: list[Item], rules: tuple[HoldRule, ...]) -> Iterator[Any]:
    subject = subject_facts([], today=TODAY)
    roles = {"name": "name", "id": "customer_no"}
    return assess(
        items,
        compile_rules(rules),
        today=TODAY,
        roles=lambda _source, _collection: roles,
        erasure_kind=lambda _item: (Action.DELETE, ()),
        subject=subject,
    )
