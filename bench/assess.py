"""A million records against twenty hold rules: how many times the driver's own streaming of the same records?"""

import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg

from bench.place import ROOT, Place
from bench.report import Report, spread
from models.vocabulary import Action, Ownership
from workflows.register.load import load_register
from workflows.rules.holds import CompiledRules, assess, compile_rules
from workflows.rules.items import Item, Verdict
from workflows.rules.subject import subject_facts

ITEMS, HELD, RULES = 1_000_000, 100_000, 20
_ROUNDS = 3
TODAY = date(2026, 11, 24)
_TABLE = """
CREATE TABLE record (id BIGINT PRIMARY KEY, category VARCHAR(3) NOT NULL, day DATE NOT NULL, year_end DATE NOT NULL,
  owed NUMERIC(10, 2) NOT NULL, due DATE NOT NULL, number VARCHAR(12) NOT NULL, name VARCHAR(60) NOT NULL)
"""
_ROWS = """
INSERT INTO record SELECT n, (ARRAY['C05', 'C05', 'C05', 'C06', 'C07', 'C07', 'C09', 'C11'])[1 + n %% 8],
  date '2018-01-01' + (n * 7 %% 3200)::int, make_date(2018 + (n %% 9)::int, 12, 31), (n %% 50 = 0)::int * 40.5,
  date '2022-01-01' + (n * 3 %% 1600)::int, 'L' || n, 'Somebody ' || n FROM generate_series(1, %s) AS n
"""
Row = tuple[Any, ...]


def measure(place: Place, *, records: int = ITEMS, held_records: int = HELD) -> Report:
    """Both in one process and in turns; the records are made of the very rows the driver streamed."""
    report = Report(f"{records:,} records against {RULES} rules, beside the driver alone")
    compiled = compiled_rules()
    with psycopg.connect(place.postgres.create_database()) as connection:
        connection.execute(_TABLE)
        connection.execute(_ROWS, (records,))
        connection.commit()
        held = _told(report, "all", compiled, connection=connection)[:held_records]
        connection.execute("CREATE TABLE held AS SELECT * FROM record WHERE id = ANY (%s) ORDER BY id", (held,))
        connection.execute("ALTER TABLE record RENAME TO every")
        connection.execute("ALTER TABLE held RENAME TO record")
        connection.commit()
        _told(report, "held, looked at again", compiled, connection=connection)
    return report


def _told(report: Report, name: str, compiled: CompiledRules, *, connection: psycopg.Connection[Any]) -> list[int]:
    """The numbers of those that are held, after a line on how long that took."""
    held: list[int] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        rows = list(_rows(connection))
        seconds[0].append(time.perf_counter() - start)
        items = [item(row) for row in rows]
        del rows
        start = time.perf_counter()
        held = [item.locator["id"] for item, verdict in assessed(items, compiled) if verdict.holds]
        seconds[1].append(time.perf_counter() - start)
    raw, ours = min(seconds[0]), min(seconds[1])
    told = f"{len(held)} of {len(items)} held; rules {spread(seconds[1])}; driver {spread(seconds[0])}"
    report.add(f"{name}: as many times the driver's streaming", ours / raw, "x", aim=5, told=told)
    report.add(f"{name}: a record", ours / len(items) * 1e6, "µs")
    return held


def compiled_rules() -> CompiledRules:
    """The demo's rules, and the first of them under other names until there are twenty."""
    rules = tuple(load_register(ROOT / "register").holds)
    missing = RULES - sum(rule.active for rule in rules)
    return compile_rules([*rules, *(rules[0].model_copy(update={"id": f"X{n}"}) for n in range(missing))])


def _rows(connection: psycopg.Connection[Any]) -> Iterator[Row]:
    with connection.cursor(name="all") as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT * FROM record")
        yield from cursor


def item(row: Row) -> Item:
    """The record of a row."""
    number, category, day, year_end, owed, due, invoice, name = row
    facts: dict[str, Any] = {"on": day.isoformat()}
    if category in ("C07", "C09"):
        facts |= {"fiscal_year_end": year_end.isoformat(), "number": invoice}
    if category == "C07":
        facts |= {"open_balance": float(owed), "due_on": due.isoformat()}
    fields = {"id": number, "name": name}
    return Item(
        source="s",
        collection="record",
        locator={"id": number},
        category=category,
        ownership=Ownership.OWN,
        digest="0" * 64,
        fields=fields,
        facts=facts,
        on=day,
    )


def assessed(items: list[Item], compiled: CompiledRules) -> Iterator[tuple[Item, Verdict]]:
    """Each with its verdict; of the person nothing else is known."""
    subject = subject_facts([], today=TODAY)
    roles = {"name": "name", "id": "customer_no"}
    return assess(
        items,
        compiled,
        today=TODAY,
        roles=lambda _source, _collection: roles,
        erasure_kind=lambda _item: (Action.DELETE, ()),
        subject=subject,
    )
