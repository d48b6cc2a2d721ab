"""Where does the time of one access request go? In this process, without Celery, by step and by part."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from bench import batch
from bench.place import Place
from bench.report import Report
from models.vocabulary import Kind
from workflows import engine
from workflows.messages import WORK
from workflows.post import send_all
from workflows.runtime import Runtime
from workflows.wiring import STAGES

TIMES = 30


class Timed:
    """A stage, and how long its parts take."""

    def __init__(self, stage: Any, kind: Kind, spent: dict[str, float]) -> None:
        self._stage, self._kind, self._spent = stage, kind, spent

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The stage's method, timed."""
        method = getattr(self._stage, name)

        def timed(*values: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return method(*values, **named)
            finally:
                self._spent[f"{self._kind.value}: {name}"] += time.perf_counter() - start

        return timed


def measure(place: Place) -> Report:
    """Milliseconds by part, and statements by table."""
    report = Report("Where the time of one access request goes (one process, no Celery, without PDF)")
    spent: dict[str, float] = defaultdict(float)
    stages = {kind: Timed(stage, kind, spent) for kind, stage in STAGES.items()}
    rt = place.runtime(render_pdf=False, stages=stages)
    bind = rt.sessions.kw["bind"]
    for customer in range(1, 4):
        batch.open_one(rt, customer)
    engine.drain(rt)
    spent.clear()
    statements: dict[str, float] = defaultdict(float)
    _listen(bind, spent, statements)
    start, cpu = time.perf_counter(), time.process_time()
    for customer in range(1, TIMES + 1):
        batch.open_one(rt, customer)
    opened = time.perf_counter() - start
    engine.drain(rt, ("verify",), follow=WORK, budget_seconds=600)
    worked = time.perf_counter() - start - opened
    send_all(rt, most=5000)
    whole = time.perf_counter() - start
    used = time.process_time() - cpu
    report.add("whole request, opening to mail", 1000 * whole / TIMES, "ms", told=f"{TIMES} times, one after the other")
    report.add("  of it CPU of this process", 1000 * used / TIMES, "ms")
    report.add("opening", 1000 * opened / TIMES, "ms")
    report.add("steps", 1000 * worked / TIMES, "ms")
    report.add("mails", 1000 * (whole - opened - worked) / TIMES, "ms")
    for name in ("commits", "statements"):
        report.add(f"{name}, waiting for PostgreSQL", 1000 * spent.pop(f"_{name}") / TIMES, "ms",
                   told=f"{statements.pop(f'_{name}') / TIMES:.1f} a request")  # fmt: skip
    for name, seconds in sorted(spent.items(), key=lambda pair: -pair[1])[:12]:
        report.add(f"  {name}", 1000 * seconds / TIMES, "ms")
    told = ", ".join(f"{n} {c / TIMES:.1f}" for n, c in sorted(statements.items(), key=lambda p: -p[1])[:14])
    report.notes.append(f"statements a request: {told}")
    with suppress(AttributeError):
        _dispose(rt)
    return report


def _dispose(rt: Runtime) -> None:
    rt.sessions.kw["bind"].dispose()
    for connector in rt.connectors.values():
        connector.dispose()  # type: ignore[attr-defined]


def _listen(bind: sa.Engine, spent: dict[str, float], counts: dict[str, float]) -> None:
    started = [0.0]

    @sa.event.listens_for(bind, "before_cursor_execute")
    def _before(*_: Any) -> None:
        started[0] = time.perf_counter()

    @sa.event.listens_for(bind, "after_cursor_execute")
    def _after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        spent["_statements"] += time.perf_counter() - started[0]
        counts["_statements"] += 1
        words = statement.split()
        verb = words[0]
        table = words[words.index("FROM") + 1] if "FROM" in words and verb == "SELECT" else " ".join(words[1:3])
        counts[f"{verb} {table}".replace(" SET", "").replace("INTO ", "")] += 1

    dialect = bind.dialect
    commit = dialect.do_commit

    def timed(connection: Any) -> None:
        start = time.perf_counter()
        commit(connection)
        spent["_commits"] += time.perf_counter() - start
        counts["_commits"] += 1

    dialect.do_commit = timed  # type: ignore[method-assign, assignment]
