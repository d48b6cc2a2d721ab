"""Nothing that people do is forgotten: work is announced, reminded of when it is due, and looked at anew on news."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.hand import Checkout
from models.request import Request
from models.staff import HumanTask, StaffUser
from models.step import Step
from models.vocabulary import Kind, Letter, RequestState, Role, StepState, TaskKind, TaskState
from workflows import news
from workflows.casefile import open_key
from workflows.caseview import case_facts
from workflows.hand import places
from workflows.hand.orders import ERASE
from workflows.hand.searching import SEARCH
from workflows.hand.waking import wake
from workflows.outbox import queue_mail
from workflows.runtime import Runtime

_LATE_EVERY_DAYS = 7


def wake_for_news(rt: Runtime) -> int:
    """Let erasures that wait for people look at their holds again where something was told; how many."""
    by_hand = [n for n, spec in rt.register.sources.items() if places.treated_by_people(spec, rt.connectors[n])]
    if not by_hand:
        return 0
    count = 0
    with rt.unit() as session:
        ids = session.scalars(news.concerned([RequestState.ERASING])).all()
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            waiting = select(Step.source).where(
                Step.request_id == request.id,
                Step.kind == Kind.ERASE,
                Step.state == StepState.WAITING,
                Step.source.in_(by_hand),
            )
            for source in session.scalars(waiting).all():
                wake(session, rt, request, str(source), kind=Kind.ERASE)
                count += 1
    return count


def announce(rt: Runtime) -> int:
    """Mail whoever keeps a source that work waits, on its day again, and every week that it is late; how many."""
    if not any(places.treated_by_people(spec, rt.connectors[n]) for n, spec in rt.register.sources.items()):
        return 0
    with rt.unit() as session:
        tasks = session.execute(
            select(HumanTask.id, HumanTask.request_id).where(
                HumanTask.state == TaskState.OPEN,
                HumanTask.kind == TaskKind.BY_HAND,
                HumanTask.code.in_((SEARCH, ERASE)),
            )
        ).all()
        out = session.execute(
            select(Checkout.id, Checkout.request_id).where(
                Checkout.returned_at.is_(None), Checkout.due_on <= rt.today()
            )
        ).all()
    sent = 0
    for ident, request_id in tasks:
        with rt.unit() as session:
            request = session.get_one(Request, request_id, with_for_update=True)
            task = session.get_one(HumanTask, ident)
            if task.state is TaskState.OPEN:
                sent += _remind_of_task(session, rt, request, task)
    for ident, request_id in out:
        with rt.unit() as session:
            request = session.get_one(Request, request_id, with_for_update=True)
            sent += _remind_of_folder(session, rt, request, session.get_one(Checkout, ident))
    return sent


def _remind_of_task(session: Session, rt: Runtime, request: Request, task: HumanTask) -> int:
    spec = rt.register.sources.get(str(task.facts.get("source", "")))
    if spec is None:
        return 0
    keeper = places.keeper_of(spec)
    to = [keeper] if "@" in keeper else _staff(session)
    due = task.due_on or request.due_on
    link = f"{rt.settings.console_url}/tasks/{task.id}"
    return _mail(session, rt, request, to, due=due, link=link, what=f"{task.id}:{task.created_at.isoformat()}")


def _remind_of_folder(session: Session, rt: Runtime, request: Request, folder: Checkout) -> int:
    if folder.returned_at is not None:
        return 0
    user = session.get(StaffUser, folder.taken_by)
    to = [user.email] if user is not None and user.email else _staff(session)
    link = f"{rt.settings.console_url}/tasks"
    return _mail(session, rt, request, to, due=folder.due_on, link=link, what=str(folder.id))


def _staff(session: Session) -> list[str]:
    found = session.scalars(
        select(StaffUser.email).where(
            StaffUser.role == Role.DPO, StaffUser.disabled_at.is_(None), StaffUser.email.is_not(None)
        )
    )
    return [email for email in found if email]


def _mail(
    session: Session, rt: Runtime, request: Request, to: Sequence[str], *, due: date, link: str, what: str
) -> int:
    late = (rt.today() - due).days
    stage = "asked" if late < 0 else f"late{late // _LATE_EVERY_DAYS}"
    key = open_key(session, rt, request.data_key_id)
    case = replace(case_facts(rt, request, key), name="", link=link, due_a=due)
    return sum(
        queue_mail(
            session,
            rt,
            request,
            key,
            letter=Letter.REMINDER,
            to=address,
            case=case,
            occurrence=f"hand:{what}:{stage}:{n}",
        )
        for n, address in enumerate(to)
    )
