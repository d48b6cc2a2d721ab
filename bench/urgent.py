"""Does an urgent request overtake a backlog?"""

import statistics
import time

from bench import batch
from bench.place import Place
from bench.report import Report, spread
from bench.throughput import working

TIMES = 7


def measure(place: Place, *, backlog: int = 150) -> Report:
    """Latency of one request alone, and of one nearly due on top of a backlog; with and without PDF."""
    report = Report("One request alone, and an urgent one on top of a backlog")
    for mode, name, waiting in (("no-pdf", "without PDF", backlog), ("full", "with PDF", backlog // 2)):
        with working(place, mode) as (rt, _):
            alone = []
            for n in range(TIMES):
                alone.append(batch.answer_seconds(place, batch.open_one(rt, n + 1, received_on=batch.nearly_due())))
                batch.wait_until_idle(place)
            for customer in range(1, waiting + 1):
                batch.open_one(rt, customer)
            urgent = []
            for n in range(TIMES):
                urgent.append(batch.answer_seconds(place, batch.open_one(rt, n + 1, received_on=batch.nearly_due())))
                time.sleep(0.2)
            left = place.scalar("SELECT count(*) FROM requests WHERE state <> 'closed'")
            batch.wait_until_idle(place)
        told = spread(alone)
        aim = 850 if mode == "full" else None
        report.add(f"one request alone {name}", 1000 * statistics.median(alone), "ms", aim=aim, told=told)
        ratio = statistics.median(urgent) / statistics.median(alone)
        told = f"{spread(urgent)}, {left} of {waiting} still waited at the end"
        report.add(f"urgent on a backlog ÷ alone {name}", ratio, "×", aim=2, told=told)
    report.notes.append("the nearest product: 850 ms for one alone (no PDF), and nothing overtakes")
    return report
