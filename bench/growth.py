"""Do collecting and erasing stay as near to raw SQL for the ten-thousandth request as for the first?

20,000 people of few rows each in one PostgreSQL; half of them are served by us, half by the driver alone.
"""

import time
from collections.abc import Callable, Iterable

import psycopg
from psycopg.rows import dict_row

from bench import shop
from bench.place import Place
from bench.report import Report
from bench.sources import collect, plan
from models.vocabulary import ReceiptOutcome

PEOPLE = 20_000
REQUESTS = (1, 100, 10_000)
_HALF = PEOPLE // 2


def measure(place: Place) -> Report:
    """The ratios for 1, 100 and 10,000 requests, and how they grow."""
    first = int(place.scalar_of(place.shop_url, "SELECT max(id) + 1 FROM customer"))
    shop.fill(place.shop_url, PEOPLE, first=first, rows=shop.FEW)
    report = Report(f"Collecting and erasing over a register of {PEOPLE:,} people, beside the driver alone")
    rt = place.runtime()
    connector = rt.connectors["shop"]
    collect(rt, first)  # the schema is read once
    with psycopg.connect(place.shop_url, row_factory=dict_row) as connection:

        def read(customer: int) -> None:
            for statement, values in shop.statements(customer):
                connection.execute(statement, values).fetchall()
            connection.rollback()

        def delete(customer: int) -> None:
            for statement, values in shop.deletions(customer):
                connection.execute(statement, values)
            connection.commit()

        def erase(customer: int) -> None:
            done = connector.erase(f"growth-{customer}", 1, plans[customer])
            assert {one.outcome for one in done} == {ReceiptOutcome.ERASED}

        _told(report, "collect", first, ours=lambda n: collect(rt, n), theirs=read, aim=2)
        plans = {n: plan(rt, n) for n in range(first, first + _HALF)}
        _told(report, "erase", first, ours=erase, theirs=delete, aim=3, once=True)
    rt.sessions.kw["bind"].dispose()
    return report


def _told(
    report: Report,
    name: str,
    first: int,
    *,
    ours: Callable[[int], object],
    theirs: Callable[[int], object],
    aim: float,
    once: bool = False,
) -> None:
    """`once`: a person can't be served twice, so each count takes the people after those of the one before."""
    ratios, at = [], first
    for count in REQUESTS:
        people = range(at, first + _HALF if once and count == REQUESTS[-1] else at + count)
        mine, raw = _seconds(ours, people), _seconds(theirs, [n + _HALF for n in people])
        ratios.append(mine / raw)
        told = f"{1000 * mine / len(people):.2f} and {1000 * raw / len(people):.2f} ms each"
        report.add(f"{name} ÷ raw SQL, {len(people):,} requests", mine / raw, "×", aim=aim, told=told)
        at = people.stop if once else first
    report.add(f"{name}: ratio of the most requests ÷ ratio of a hundred", ratios[-1] / ratios[1], "×", aim=1.2)


def _seconds(work: Callable[[int], object], people: Iterable[int]) -> float:
    start = time.perf_counter()
    for one in people:
        work(one)
    return time.perf_counter() - start
