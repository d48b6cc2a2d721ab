"""How the mailboxes are doing: a door that nobody comes through, or that we can't open, is told to a person.

A mailbox that mail no longer reaches looks like one to which nobody writes. Only its silence gives it away.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.mailbox import Mailbox
from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from workflows.human import close_task, open_task
from workflows.rules.silence import too_silent, with_gap
from workflows.runtime import Runtime

SILENT, FAILING = "mailbox_silent", "mailbox_failing"
_FAILING_FOR = timedelta(hours=1)


def note_read(rt: Runtime, name: str, *, taken: int) -> None:
    """The mailbox let us look, and so many mails were taken out of it."""
    with rt.unit() as session:
        box = _box(session, rt, name)
        box.read_at, box.failing_since, box.code = rt.now(), None, None
        _end(session, rt, FAILING, name)
        if taken:
            if box.mail_at is not None:
                box.gaps = with_gap(box.gaps, (rt.now() - box.mail_at).total_seconds())
            box.mail_at = rt.now()
            _end(session, rt, SILENT, name)


def note_failure(rt: Runtime, name: str, code: str) -> None:
    """The mailbox does not let us look; after an hour of that a person is told."""
    with rt.unit() as session:
        box = _box(session, rt, name)
        box.failing_since, box.code = box.failing_since or rt.now(), code[:64]
        if rt.now() - box.failing_since >= _FAILING_FOR:
            _begin(session, rt, FAILING, name, since=box.failing_since, again=timedelta(hours=24))


def listen(rt: Runtime) -> int:
    """Look for mailboxes that have been silent for longer than usual; how many are."""
    least = timedelta(hours=rt.register.controller.mail.silent_hours)
    open_to_us = Mailbox.failing_since.is_(None)  # of the others we can't tell, and that is told already
    count = 0
    with rt.unit() as session:
        for box in session.scalars(select(Mailbox).where(Mailbox.name.in_(rt.inboxes), open_to_us)):
            since = box.mail_at or box.watched_since
            if too_silent(box.gaps, quiet=rt.now() - since, least=least):
                count += 1
                _begin(session, rt, SILENT, box.name, since=since, again=least)
    return count


def _box(session: Session, rt: Runtime, name: str) -> Mailbox:
    box = session.get(Mailbox, name, with_for_update=True)
    if box is None:
        box = Mailbox(name=name, watched_since=rt.now(), gaps=[])
        session.add(box)
    return box


def _task(session: Session, code: str, name: str) -> HumanTask | None:
    return session.scalar(select(HumanTask).where(HumanTask.key == _key(code, name)))


def _key(code: str, name: str) -> str:
    return f"{code}:{name}"[:160]


def _begin(session: Session, rt: Runtime, code: str, name: str, *, since: datetime, again: timedelta) -> None:
    """Open the task, once a silence or failure; again if somebody closed it and nothing came for as long again."""
    task = _task(session, code, name)
    if task is not None:
        dismissed = task.done_at is not None and task.done_at >= since and rt.now() - task.done_at < again
        if task.state is TaskState.OPEN or dismissed:
            return
    open_task(
        session,
        rt,
        key=_key(code, name),
        kind=TaskKind.CHECK,
        code=code,
        due_on=rt.today(),
        facts={"mailbox": name, "since": since.isoformat(timespec="minutes")},
    )


def _end(session: Session, rt: Runtime, code: str, name: str) -> None:
    task = _task(session, code, name)
    if task is not None and task.state is TaskState.OPEN:
        close_task(session, rt, task, by="vastine", answer="settled")
