"""What do collecting and erasing cost beside the same raw SQL by the driver?"""

import gc
import statistics
import time
from collections.abc import Callable

import psycopg
from psycopg.rows import dict_row

from bench import shop
from bench.place import Place
from bench.report import Report, spread
from models.vocabulary import ReceiptOutcome
from workflows.connectors.erasing import plan_action
from workflows.ports import EraseItem, Lead
from workflows.rules.items import Item
from workflows.runtime import Runtime

TIMES = 40


def measure(place: Place) -> Report:
    """Collect one customer, erase one customer; each time another one, the two ways in turn."""
    report = Report("One customer of 774 rows in seven tables, collected and erased, beside the driver alone")
    rt = place.runtime(render_pdf=False)
    try:
        _collect(report, place, rt)
        _erase(report, place, rt)
    finally:
        rt.sessions.kw["bind"].dispose()
    return report


def collect(rt: Runtime, customer: int) -> list[Item]:
    """Every record of a customer."""
    found: list[Item] = []
    rt.connectors["shop"].collect({"identity:email": [Lead(shop.email(customer))]}, found.append)
    return found


def _collect(report: Report, place: Place, rt: Runtime) -> None:
    with psycopg.connect(place.shop_url, row_factory=dict_row) as connection:

        def raw(customer: int) -> int:
            rows = 0
            for statement, values in shop.statements(customer):
                rows += len(connection.execute(statement, values).fetchall())
            connection.rollback()
            return rows

        assert raw(1) == len(collect(rt, 1)) == shop.ROWS_OF_ONE
        ours, theirs, cpu = _in_turn(lambda n: collect(rt, n), raw, range(1, TIMES + 1))
    _ratio(report, "collect", ours, theirs, cpu=cpu, aim=2)


def _erase(report: Report, place: Place, rt: Runtime) -> None:
    first = place.scalar_of(place.shop_url, "SELECT max(id) + 1 FROM customer")
    shop.fill(place.shop_url, 2 * TIMES, first=first)
    plans = {n: plan(rt, n) for n in range(first, first + TIMES)}
    connector = rt.connectors["shop"]
    with psycopg.connect(place.shop_url) as connection:

        def ours(n: int) -> None:
            done = connector.erase(f"bench-{n}", 1, plans[n])
            assert {d.outcome for d in done} == {ReceiptOutcome.ERASED}, {d.outcome for d in done}

        def raw(n: int) -> None:
            for statement, values in shop.deletions(n + TIMES):
                connection.execute(statement, values)
            connection.commit()

        mine, theirs, cpu = _in_turn(ours, raw, range(first, first + TIMES))
    left = place.scalar_of(place.shop_url, "SELECT count(*) FROM login WHERE customer_id >= %s", first)
    assert left == 0, "both ways erase everything"
    _ratio(report, "erase", mine, theirs, cpu=cpu, aim=3)
    report.notes.append("erase reads every row again, compares it with what was approved, and keeps a receipt for each")


def plan(rt: Runtime, customer: int) -> list[EraseItem]:
    """Everything of a customer, to be erased."""
    found = []
    for n, item in enumerate(collect(rt, customer)):
        action, fields = plan_action(rt.register, item)
        found.append(EraseItem(n, item.collection, item.locator, action=action, fields=fields, digest=item.digest))
    return found


def _in_turn(
    ours: Callable[[int], object], theirs: Callable[[int], object], numbers: range
) -> tuple[list[float], list[float], tuple[float, float]]:
    mine: list[float] = []
    raw: list[float] = []
    cpu = [0.0, 0.0]
    gc.collect()
    gc.freeze()  # as every worker does before it forks: what was made beforehand is not looked through again
    for n in numbers:
        for index, (work, times) in enumerate(((ours, mine), (theirs, raw))):
            start, spent = time.perf_counter(), time.process_time()
            work(n)
            times.append(time.perf_counter() - start)
            cpu[index] += (time.process_time() - spent) / len(numbers)
    return mine, raw, (cpu[0], cpu[1])


def _ratio(
    report: Report, name: str, ours: list[float], theirs: list[float], *, cpu: tuple[float, float], aim: float
) -> None:
    ratio = statistics.median(ours) / statistics.median(theirs)
    report.add(f"{name} ÷ raw SQL", ratio, "×", aim=aim)
    report.add(name, 1000 * statistics.median(ours), "ms", told=f"{spread(ours)}, {1000 * cpu[0]:.1f} ms CPU here")
    report.add(f"{name} by raw SQL", 1000 * statistics.median(theirs), "ms",
               told=f"{spread(theirs)}, {1000 * cpu[1]:.1f} ms CPU here")  # fmt: skip
