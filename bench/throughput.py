"""How many access requests a minute, end to end, beside Celery tasks that do nothing?"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from bench import batch
from bench.place import Place
from bench.report import Report, spread
from bench.worker import STORY
from workers.app import make_app
from workflows.adapters.broker import CeleryBell
from workflows.runtime import Runtime

NOOPS = 3000
STEPS = len(STORY)
_QUEUE = "bench-noop"


def noop_rate(place: Place) -> float:
    """No-op tasks a second: queued first, then drained by two prefork processes."""
    app = make_app(place.settings())
    place.empty_broker()
    with app.producer_pool.acquire(block=True) as producer:
        for n in range(NOOPS):
            app.send_task("bench.noop", kwargs={"hint": str(n)}, queue=_QUEUE, producer=producer)
    app.close()
    worker = place.start("-m", "bench.noop", _QUEUE)
    with redis.Redis.from_url(place.redis.url) as client:
        while client.llen(f"vastine:{_QUEUE}") == NOOPS:
            time.sleep(0.005)
        start = time.monotonic()
        while client.llen(f"vastine:{_QUEUE}"):
            time.sleep(0.005)
        seconds = time.monotonic() - start
    place.end(worker)
    place.empty_broker()
    return NOOPS / seconds


@contextmanager
def working(place: Place, mode: str, *, warm: int = 6) -> Iterator[tuple[Runtime, int]]:
    """Two worker processes in this mode, warmed by so many requests; a runtime that rings for them, and their id."""
    place.empty_broker()
    worker = place.vastine("worker", "-c", "2") if mode == "full" else place.start("-m", "bench.worker", mode)
    place.wait_for_worker(worker)
    rt = place.runtime(bell=CeleryBell(make_app(place.settings())))
    try:
        for customer in range(1, warm + 1):
            batch.open_one(rt, customer)
        batch.wait_until_idle(place)
        yield rt, worker.pid
    finally:
        place.end(worker)
        rt.sessions.kw["bind"].dispose()


def measure(place: Place, *, without: int = 300, with_pdf: int = 80, bare: int = 300) -> Report:
    """Throughput without PDF, with PDF, and of the engine alone."""
    report = Report("Access requests end to end: 7 tables, 774 rows each, two worker processes, PostgreSQL and Redis")
    before = noop_rate(place)
    with working(place, "engine") as (rt, pid):
        engine = batch.run(place, rt, pid, range(1, bare + 1), queued_first=True, mailed_first=True)
        mailing = batch.run(place, rt, pid, range(1, bare + 1), queued_first=True)
    with working(place, "no-pdf") as (rt, pid):
        plain = batch.run(place, rt, pid, range(1, without + 1))
    with working(place, "full") as (rt, pid):
        full = batch.run(place, rt, pid, range(1, with_pdf + 1))
    after = noop_rate(place)
    noops = (before + after) / 2
    limit = STEPS / noops
    report.add("Celery no-op tasks on the same broker", noops, "/s", told=f"{before:.0f} before, {after:.0f} after")
    report.add("no-op tasks' time for the steps of one request", 1000 * limit, "ms", told=f"{STEPS} steps")
    report.add(
        "engine alone ÷ no-op tasks (same steps, no stage's work)",
        1 / engine.rate / limit,
        "×",
        aim=3,
        told=f"{engine.rate:.1f} requests/s over {engine.requests}, queued first, acknowledged before it counts",
    )
    report.add(
        "the same, a mail sent for each request too", 1 / mailing.rate / limit, "×", told=f"{mailing.rate:.1f}/s"
    )
    cpu = 1000 * engine.cpu_seconds / engine.requests
    report.add("worker CPU per request, engine alone", cpu, "ms")
    report.add("request without PDF ÷ no-op tasks", 1 / plain.rate / limit, "×")
    report.add("request with PDF ÷ no-op tasks", 1 / full.rate / limit, "×")
    for name, one, aim in (("without PDF", plain, 18.0), ("with PDF", full, 5.4)):
        told = f"{one.requests} in {one.seconds:.1f} s, opened by one process in {one.opening_seconds:.1f} s"
        report.add(f"requests {name}", one.rate, "/s", aim=aim, at_least=True, told=told)
        report.add(f"requests {name}", one.rate * 60, "/min")
        report.add(f"worker CPU per request {name}", 1000 * one.cpu_seconds / one.requests, "ms")
        report.add(f"commits per request {name}", one.counters.commits / one.requests, aim=40)
        report.add(f"WAL per request {name}", one.counters.wal_bytes / one.requests / 1024, "KiB")
        report.add(f"Redis commands per request {name}", one.counters.redis_commands / one.requests, aim=30)
        report.add(f"median answer, share of the batch's time {name}", one.median_share, "%", aim=60)
        report.notes.append(f"answers {name}: {spread(one.answered, 's', times=1)}")
    report.notes.append("the nearest product on two such cores: 1.8/s, 171 commits, 500 KiB of WAL, 250 Redis commands")
    return report
