"""All workers share a source's pace and places, and what it was asked to do outlives each of them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from models.migrate import upgrade
from models.session import open_engine, open_sessions
from workflows.errors import Fenced, WaitFor
from workflows.ports import Limiter, Marks
from workflows.throttle import Marking, Throttle

KEY = bytes(32)


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def engine(database_url: str):
    made = open_engine(database_url)
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return open_sessions(engine)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def worker(sessions: sessionmaker[Session], clock: Time) -> Callable[[], Throttle]:
    return lambda: Throttle(sessions, clock.now, sleep=clock.sleep)


def test_a_burst_goes_at_once_and_the_rest_at_an_even_pace(worker: Callable[[], Throttle], clock: Time) -> None:
    for _ in range(5):
        limiter: Limiter = worker()  # another process each time: nothing is remembered but in the database
        limiter.turn("crm", per_second=2, burst=3, patience=60)
    assert clock.slept == [0.5, 0.5]


def test_the_pace_of_one_source_is_not_that_of_another(worker: Callable[[], Throttle], clock: Time) -> None:
    for source in ("crm", "billing", "tickets"):
        worker().turn(source, per_second=0.001, burst=1, patience=0)
    assert clock.slept == []


def test_who_would_wait_too_long_goes_away_and_is_not_counted(worker: Callable[[], Throttle], clock: Time) -> None:
    worker().turn("crm", per_second=0.1, burst=1, patience=0)
    for _ in range(3):
        with pytest.raises(WaitFor) as waits:
            worker().turn("crm", per_second=0.1, burst=1, patience=5)
        assert waits.value.after_seconds == pytest.approx(10)
    clock.at += timedelta(seconds=10)
    worker().turn("crm", per_second=0.1, burst=1, patience=0)
    assert clock.slept == []


def test_a_clock_that_jumped_ahead_and_back_blocks_nobody_for_years(
    worker: Callable[[], Throttle], clock: Time
) -> None:
    clock.at += timedelta(days=9000)
    worker().turn("crm", per_second=1, burst=1, patience=0)
    clock.at -= timedelta(days=9000)
    worker().turn("crm", per_second=1, burst=1, patience=0)
    assert clock.slept == []


def test_threads_that_call_together_never_exceed_the_rate(sessions: sessionmaker[Session], clock: Time) -> None:
    waits: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(round(seconds, 3))

    def call() -> None:
        limiter = Throttle(sessions, clock.now, sleep=sleep)
        for _ in range(5):
            limiter.turn("crm", per_second=10, burst=1, patience=60)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [round(n / 10, 3) for n in range(1, 20)]


def test_only_so_many_are_at_a_source_and_a_place_is_given_back(worker: Callable[[], Throttle]) -> None:
    with worker().place("crm", 2), worker().place("crm", 2), worker().place("billing", 1):
        third = worker().place("crm", 2)
        with pytest.raises(WaitFor, match="slots"):
            third.__enter__()
    with worker().place("crm", 1):
        pass


def test_a_place_of_a_worker_that_died_is_free_again_after_a_while(worker: Callable[[], Throttle], clock: Time) -> None:
    dead = worker().place("crm", 1)
    dead.__enter__()
    with pytest.raises(WaitFor), worker().place("crm", 1):
        pass
    clock.at += timedelta(minutes=3)
    with worker().place("crm", 1):
        pass


def test_a_place_is_given_back_when_the_work_fails(worker: Callable[[], Throttle]) -> None:
    with pytest.raises(ZeroDivisionError), worker().place("crm", 1):
        raise ZeroDivisionError
    with worker().place("crm", 1):
        pass


def test_marks_outlive_the_worker_and_refuse_an_older_one(sessions: sessionmaker[Session], clock: Time) -> None:
    marks: Marks = Marking(sessions, clock.now, key=KEY)
    marks.set("op", 7, "job", fence=2, note="/jobs/anna")
    clock.at += timedelta(seconds=30)
    (mark,) = Marking(sessions, clock.now, key=KEY).of("op").values()
    assert (mark.state, mark.note, mark.age_seconds) == ("job", "/jobs/anna", 30)
    with pytest.raises(Fenced):
        marks.set("op", 7, "done", fence=1)
    marks.set("op", 7, "done", fence=2)
    assert {n: m.state for n, m in marks.of("op").items()} == {7: "done"}
    assert marks.of("another") == {}


def test_where_a_job_is_looked_up_is_sealed_to_its_row(
    sessions: sessionmaker[Session], engine: Engine, clock: Time
) -> None:
    marks = Marking(sessions, clock.now, key=KEY)
    marks.set("op", 1, "job", fence=1, note="/jobs/anna")
    with engine.begin() as connection:
        assert b"anna" not in bytes(connection.scalar(text("SELECT note_sealed FROM source_marks")))
        connection.execute(text("UPDATE source_marks SET item_no = 2"))
    assert marks.of("op")[2].note == ""


def test_old_marks_go(sessions: sessionmaker[Session], clock: Time) -> None:
    marks = Marking(sessions, clock.now, key=KEY)
    marks.set("old", 1, "done", fence=1)
    clock.at += timedelta(days=91)
    marks.set("new", 1, "asked", fence=1)
    assert marks.of("old") == {}
