"""The time in which an answer can be fetched: told before it ends, and longer for whoever proves again and asks."""

import uuid
from datetime import date, timedelta

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.delivery import Artifact, Grant, Outbox
from models.request import Request
from models.vocabulary import Letter
from workflows import audit
from workflows.answer import PACKAGE, goes_to_nobody, grant
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import NeverAgain, NotFound
from workflows.outbox import queue_mail
from workflows.runtime import Runtime

BEFORE = timedelta(days=3)
"""How long before the end the person hears of it."""

LONGEST = timedelta(days=90)
"""How long a package is kept at most, however often more time is asked for."""


def warn(rt: Runtime) -> int:
    """Tell, once for each end, who has not fetched their answer that the link to it ends; how many were told."""
    with rt.unit() as session:
        ids = session.scalars(_ending(rt)).all()
    return sum(_warn_one(rt, ident) for ident in ids)


def _ending(rt: Runtime) -> Select[uuid.UUID]:
    now = rt.now()
    told = exists().where(
        Outbox.request_id == Grant.request_id, Outbox.letter == Letter.EXPIRING.value, Outbox.run_at > now - 2 * BEFORE
    )
    there = exists().where(
        Artifact.request_id == Grant.request_id, Artifact.name == PACKAGE, Artifact.purged_at.is_(None)
    )
    last = func.max(Grant.expires_at)
    return (
        select(Grant.request_id)
        .where(Grant.revoked_at.is_(None), Grant.expires_at > now - LONGEST, there, ~told)
        .group_by(Grant.request_id)
        .having(last > now, last <= now + BEFORE)
    )


def _warn_one(rt: Runtime, ident: uuid.UUID) -> bool:
    with rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        if session.scalar(_ending(rt).where(Grant.request_id == ident)) is None or _fetched(session, request):
            return False
        ends = session.scalars(
            select(func.max(Grant.expires_at)).where(Grant.request_id == ident, Grant.revoked_at.is_(None))
        ).one()
        try:
            key = open_key(session, rt, request.data_key_id)
            to = open_proof(key, request).reply.email
        except NeverAgain:
            return False
        if not to or goes_to_nobody(session, rt, request):
            return False  # who got the answer on paper has it
        token, _ = grant(session, rt, request)
        session.flush()
        fresh = session.get_one(Grant, rt.vault.digest("grant", token))
        fresh.expires_at = ends
        link = f"{rt.settings.public_url}/{request.language}/fetch/{token}"
        case = case_facts(rt, request, key, name="", link=link, link_expires_on=ends.date())
        occurrence = ends.date().isoformat()
        return queue_mail(session, rt, request, key, letter=Letter.EXPIRING, to=to, case=case, occurrence=occurrence)


def _fetched(session: Session, request: Request) -> bool:
    mine = (AuditEntry.chain == str(request.id), AuditEntry.event == "package:fetched", AuditEntry.actor == "person")
    return bool(session.scalar(select(exists().where(*mine))))


def until(session: Session, rt: Runtime, request: Request) -> date | None:
    """The last day on which the package is there; None without one."""
    row = _package(session, request)
    if row is None:
        return None
    last = (row.made_at + timedelta(days=rt.register.controller.own_records.packages.days)).date()
    return max(last, row.kept_until) if row.kept_until is not None else last


def may_renew(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether asking for more time now would give any."""
    row = _package(session, request)
    if row is None or goes_to_nobody(session, rt, request):
        return False
    return _last_day(rt, row) > max(_ends(session, request), rt.today())


def renew(session: Session, rt: Runtime, request: Request) -> date:
    """Keep the package, and the links to it that still open it, as long again from today; the new last day.

    The caller holds the request's lock and has seen the person's proof. Raises `NotFound` without a package.
    """
    row = _package(session, request)
    if row is None:
        raise NotFound("artifact")
    day = max(_last_day(rt, row), _ends(session, request))
    row.kept_until = max(day, row.kept_until or day)
    end = rt.now() + (day - rt.today())
    session.execute(
        update(Grant)
        .where(
            Grant.request_id == request.id,
            Grant.revoked_at.is_(None),
            Grant.expires_at > rt.now(),
            Grant.expires_at < end,
        )
        .values(expires_at=end)
        .execution_options(synchronize_session="fetch")
    )
    facts = {"until": day.isoformat()}
    audit.record(session, "package:renewed", at=rt.now(), actor="person", request_id=request.id, facts=facts)
    return day


def _package(session: Session, request: Request) -> Artifact | None:
    row = session.scalar(select(Artifact).where(Artifact.request_id == request.id, Artifact.name == PACKAGE))
    return row if row is not None and row.purged_at is None else None


def _last_day(rt: Runtime, row: Artifact) -> date:
    wished = rt.today() + timedelta(days=rt.register.controller.delivery.link_days)
    return min(wished, (row.made_at + LONGEST).date())


def _ends(session: Session, request: Request) -> date:
    last = session.scalar(
        select(func.max(Grant.expires_at)).where(Grant.request_id == request.id, Grant.revoked_at.is_(None))
    )
    return last.date() if last is not None else date.min
