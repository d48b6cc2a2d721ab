"""Open a batch of access requests while the workers run, and watch it to its end."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import redis

from bench import shop
from bench.place import Place, cpu_seconds
from models.vocabulary import Channel, Method, Right
from workflows.adapters.broker import NullBell
from workflows.casefile import Claim
from workflows.messages import SEND
from workflows.post import send_all
from workflows.runtime import Runtime
from workflows.stages import intake

_LEFT = (
    "SELECT (SELECT count(*) FROM requests WHERE state <> 'closed')"
    " + (SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'failed', 'unknown'))"
)
_PATIENCE_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Counters:
    """What PostgreSQL and Redis have counted so far."""

    commits: int
    wal_bytes: int
    redis_commands: int

    def since(self, before: "Counters") -> "Counters":
        """The difference."""
        return Counters(
            self.commits - before.commits,
            self.wal_bytes - before.wal_bytes,
            self.redis_commands - before.redis_commands,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """How a batch went: seconds from the first request's opening."""

    requests: int
    seconds: float  # until the last was closed and its mails were sent
    opening_seconds: float
    answered: list[float]
    cpu_seconds: float  # of the workers
    counters: Counters

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def median_share(self) -> float:
        """When half of the requests were answered, in percent of the batch's time."""
        return 100 * statistics.median(self.answered) / max(self.answered)


def open_one(rt: Runtime, customer: int, *, received_on: date | None = None) -> Any:
    """As customer service does for somebody at the desk; rings the bell after its commit. The request's id."""
    claim = Claim(identifiers={"email": shop.email(customer)}, reply_to=f"asks{customer}@elsewhere.example")
    asked = intake.Asked(
        Right.ACCESS, "en", Channel.DESK, claim, method=Method.DESK, by="cleo", received_on=received_on
    )
    with rt.unit() as session:
        return intake.open_request(session, rt, asked).request.id


def counters(place: Place) -> Counters:
    """Read all; waits until PostgreSQL's sessions have told what they did."""
    time.sleep(1.2)
    commits = place.scalar("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    wal = place.scalar("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
    with redis.Redis.from_url(place.redis.url) as client:
        stats = client.info("commandstats")
    return Counters(int(commits), int(wal), sum(int(entry["calls"]) for entry in stats.values()))


def wait_until_idle(place: Place) -> int:
    """Return when every request is closed and every mail sent; how often the database was asked."""
    end, asked = time.monotonic() + _PATIENCE_SECONDS, 0
    while time.monotonic() < end:
        asked += 1
        if not place.scalar(_LEFT):
            return asked
        time.sleep(0.1)
    states = place.scalar("SELECT string_agg(DISTINCT state, ' ') FROM requests")
    raise RuntimeError(f"the batch did not end: {states}")


def run(
    place: Place,
    rt: Runtime,
    worker: int,
    customers: Iterable[int],
    *,
    queued_first: bool = False,
    mailed_first: bool = False,
) -> Batch:
    """Open a request for each of these customers with the workers running.

    With `queued_first` no bell rings before all are open, and time counts from then, as for the no-op tasks;
    with `mailed_first` too, the acknowledgements are sent from here before it counts.
    """
    opener = replace(rt, bell=NullBell()) if queued_first else rt
    before, cpu = counters(place), cpu_seconds(worker)
    first = datetime.now().astimezone()
    start, opened = time.monotonic(), 0
    for customer in customers:
        open_one(opener, customer)
        opened += 1
    opening = time.monotonic() - start
    mailed = send_all(opener, most=opened) if mailed_first else 0
    if queued_first:
        start, cpu = time.monotonic(), cpu_seconds(worker)
        for kind in ("verify", "verify", SEND):
            rt.bell.ring(kind, "")
    asked = wait_until_idle(place)
    seconds = time.monotonic() - start
    spent = cpu_seconds(worker) - cpu
    counted = counters(place).since(before)
    own = asked + opened + 2 * mailed + 5  # our own asking, opening and mailing
    answered = place.scalar(
        "SELECT array_agg(extract(epoch FROM answered_at - %s)::float8) FROM requests WHERE registered_at >= %s",
        first,
        first,
    )
    counted = Counters(counted.commits - own + opened, counted.wal_bytes, counted.redis_commands)
    return Batch(opened, seconds, opening, list(answered), spent, counted)


def answer_seconds(place: Place, ident: Any) -> float:
    """Wait for one request's answer; the seconds from its registration to it."""
    for _ in range(6000):
        value = place.scalar(
            "SELECT extract(epoch FROM answered_at - registered_at) FROM requests WHERE id = %s", ident
        )
        if value is not None:
            return float(value)
        time.sleep(0.02)
    raise RuntimeError("no answer")


def nearly_due() -> date:
    """A day of receipt that leaves at most three days."""
    return datetime.now(UTC).date() - timedelta(days=29)
