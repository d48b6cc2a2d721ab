"""Every date that counts from the day a request arrived, reckoned anew."""

from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Bucket, TaskState
from workflows.asking import suspend
from workflows.ledger import OPEN
from workflows.rules.bucket import deadline_bucket
from workflows.rules.deadlines import due_dates, extended_until, may_extend, received_on
from workflows.runtime import Runtime


def arrived_on(session: Session, rt: Runtime, request: Request, day: date) -> None:
    """Set the day of arrival, and with it due dates, extension, urgency and the days of the case's tasks.

    The ladder of reminders reckons from the request itself. An extension that was told after the first month as
    it is now does not hold any more. The caller holds the request's lock.
    Source: GDPR Art. 12(3); Regulation 1182/71 Art. 3(1).
    """
    before = request.due_on
    _reckon(rt, request, day)
    suspend(session, rt, request)
    _follow(session, rt, request, before)


def _reckon(rt: Runtime, request: Request, day: date) -> None:
    told = rt.register.controller.deadlines
    due = due_dates(day, months=told.months, country=told.country, not_holidays=told.not_holidays)
    request.received_on, request.due_a, request.due_b = day, due.due_a, due.due_b
    if request.extended_at is None:
        return
    if may_extend(received_on(request.extended_at, rt.register.controller.time_zone), due.due_b):
        until = extended_until(day, country=told.country, not_holidays=told.not_holidays)
        request.extended_until = until.due_a
    else:
        request.extended_until = request.extended_at = request.extension_reason = request.extension_sealed = None


def _follow(session: Session, rt: Runtime, request: Request, before: date) -> None:
    if request.bucket != Bucket.BULK:
        request.bucket = deadline_bucket(request.due_on, rt.today())
        session.execute(
            update(Step).where(Step.request_id == request.id, Step.state.in_(OPEN)).values(bucket=request.bucket)
        )
    tasks = select(HumanTask).where(
        HumanTask.request_id == request.id, HumanTask.state == TaskState.OPEN, HumanTask.due_on == before
    )
    for task in session.scalars(tasks):
        task.due_on = request.due_on
