"""Keeping a lease while the work lasts, and short transactions in the middle of the work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

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


@contextmanager
def kept(rt: Runtime, lease: Lease) -> Iterator[None]:
    """Renew the lease every third of its time while the block runs.

    A renewal that finds another fence stops silently: settling will be refused, which is what counts.
    """
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 3):
            try:
                with rt.sessions.begin() as session:
                    session.execute(
                        update(Step)
                        .where(Step.id == lease.step_id, Step.fence == lease.fence, Step.state == StepState.RUNNING)
                        .values(lease_until=rt.now() + LEASE)
                    )
            except SQLAlchemyError as error:
                log.warning("lease.not_renewed", step=str(lease.step_id), error=type(error).__name__)

    thread = threading.Thread(target=renew, name="vastine-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


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
