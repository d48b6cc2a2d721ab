"""Keeping a lease while the work lasts, and short transactions in the middle of the work."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import StepState
from workflows.errors import Fenced
from workflows.runtime import Runtime
from workflows.work import Lease

log = structlog.get_logger("vastine.lease")

LEASE = timedelta(seconds=60)
"""How long a worker may be silent before another takes its step."""


class _Keeper:
    """One thread a process that renews every lease being kept; starting one for each step costs more than the step."""

    def __init__(self) -> None:
        self._start_anew()

    def _start_anew(self) -> None:
        self._changed = threading.Condition()
        self._leases: dict[int, tuple[Callable[[], None], float]] = {}  # until when silence is all right
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def add(self, renew: Callable[[], None]) -> int:
        """Renew from now on; a handle to let it go by."""
        if self._pid != os.getpid():
            self._start_anew()  # a forked child has neither its parent's thread nor its leases
        with self._changed:
            handle = id(renew)  # its caller holds it until it is dropped
            self._leases[handle] = (renew, time.monotonic() + _third())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vastine-lease", daemon=True)
                self._thread.start()
            elif len(self._leases) == 1:
                self._changed.notify_all()
            return handle

    def drop(self, handle: int) -> None:
        """Keep it no longer."""
        with self._changed:
            self._leases.pop(handle, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._leases))
                self._changed.wait(_third() / 4)  # many short steps pass in one such while, and wake nobody
                now = time.monotonic()
                late = [(handle, renew) for handle, (renew, at) in self._leases.items() if at <= now]
            for handle, renew in late:
                try:
                    renew()
                except SQLAlchemyError as error:
                    log.warning("lease.not_renewed", error=type(error).__name__)
                with self._changed:
                    if handle in self._leases:
                        self._leases[handle] = (renew, time.monotonic() + _third())


def _third() -> float:
    return LEASE.total_seconds() / 3


def _renew(rt: Runtime, lease: Lease) -> None:
    with rt.sessions.begin() as session:
        session.execute(
            update(Step)
            .where(Step.id == lease.step_id, Step.fence == lease.fence, Step.state == StepState.RUNNING)
            .values(lease_until=rt.now() + LEASE)
        )


_KEEPER = _Keeper()


@contextmanager
def renewed(renew: Callable[[], None]) -> Iterator[None]:
    """Call `renew` every third of a lease's time, and a little, from another thread while the block runs.

    What it can't write is logged and tried again; it must write nothing once the lease is another's.
    """
    handle = _KEEPER.add(renew)
    try:
        yield
    finally:
        _KEEPER.drop(handle)


@contextmanager
def kept(rt: Runtime, lease: Lease) -> Iterator[None]:
    """Renew a step's lease while the block runs.

    A renewal that finds another fence stops silently: settling will be refused, which is what counts.
    """
    with renewed(partial(_renew, rt, lease)):
        yield


@contextmanager
def mid_work(rt: Runtime, lease: Lease) -> Iterator[tuple[Session, Request]]:
    """A transaction in the middle of the work, under the request's lock, refused to a fenced worker.

    For intents: what it writes is committed before the effect that follows it.
    """
    with rt.unit() as session:
        request = session.get_one(Request, lease.request_id, with_for_update=True)
        current = session.scalar(
            select(Step.id).where(Step.id == lease.step_id, Step.fence == lease.fence, Step.state == StepState.RUNNING)
        )
        if current is None:
            raise Fenced
        yield session, request
