"""Somebody who acts for another, and the staff who look at their mandate."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.delivery import Outbox
from models.mandate import AnswerTo, Mandate
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, Method, Right, TaskState
from tests.world import JANE, World
from workflows import acting
from workflows.acting import Acting, Holder
from workflows.casefile import Claim
from workflows.mandates import checking
from workflows.mandates.terms import Terms
from workflows.rules.mandates import lines_needed
from workflows.stages import intake

HELPER = "helper@elsewhere.example"
HOLDER = Holder("Helena Helper", HELPER)


def ask_for(
    world: World, right: Right = Right.ACCESS, who: str = JANE, *, kind: str = "lawyer", desk: bool = False
) -> uuid.UUID:
    """Somebody asks for the person of this address; `desk`: at the desk, where they were seen themselves."""
    claim = Claim(name="Jane", identifiers={"email": who}, reply_to=HELPER, for_another=True)
    method, by = (Method.DESK, "cleo") if desk else (None, "person")
    acts = Acting(kind, HOLDER)
    asked = intake.Asked(right, "en", Channel.DESK, claim, method=method, by=by, acting=acts)
    with world.rt.unit() as session:
        ident = intake.open_request(session, world.rt, asked).request.id
    world.work()
    return ident


def terms(right: Right = Right.ACCESS, who: str = JANE, *, kind: str = "lawyer", **more: Any) -> Terms:
    """A mandate with everything seen; `more` is what is different."""
    whole = Terms(
        kind=kind,
        ticked=frozenset(),
        identifiers={"email": who},
        method=Method.DESK,
        holder=HOLDER,
        answer_to=AnswerTo.REPRESENTATIVE,
        rights=frozenset({right}),
        until_on=None,
    )
    made = replace(whole, **more)
    if "ticked" in more:
        return made
    return replace(made, ticked=frozenset(lines_needed(made.known(), right, 16 if kind == "guardian" else None)))


def held(world: World, ident: uuid.UUID, work: Callable[[Session, Request], Any]) -> Any:
    """Do something under the case's lock."""
    with world.rt.unit() as session:
        return work(session, session.get_one(Request, ident, with_for_update=True))


def accept(world: World, ident: uuid.UUID, made: Terms, *, user: str = "cleo") -> int:
    """One person says that it is real; how many are still needed."""
    missing: int = held(world, ident, lambda s, r: checking.accept(s, world.rt, r, user=user, terms=made))
    return missing


def confirm(world: World, ident: uuid.UUID, *, user: str = "anna", digest: str = "") -> None:
    """The second person says so too."""

    def work(session: Session, request: Request) -> None:
        row = acting.mandate_of(session, request)
        shown = digest or (row.offer_digest.hex() if row and row.offer_digest else "")
        checking.confirm(session, world.rt, request, user=user, digest=shown)

    held(world, ident, work)


def mandate(world: World, ident: uuid.UUID) -> Mandate:
    """The mandate as it stands."""
    with world.rt.unit() as session:
        return session.get_one(Mandate, ident)


def letters(world: World, ident: uuid.UUID) -> set[str]:
    """The mails of the case by their letter."""
    with world.rt.unit() as session:
        return {str(letter) for letter in session.scalars(select(Outbox.letter).where(Outbox.request_id == ident))}


def mailed_to(world: World, address: str) -> str:
    """All that was mailed to an address, as one text."""
    return "\n".join(f"{m.subject}\n{m.body}" for m in world.mailer.sent if m.to == address)


def events(world: World, ident: uuid.UUID) -> list[str]:
    """The names of the case's audit entries, in order."""
    with world.rt.unit() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.chain == str(ident)).order_by(AuditEntry.n))
        return [row.event for row in rows]


def tasks(world: World, ident: uuid.UUID) -> set[str]:
    """The codes of the case's open tasks."""
    with world.rt.unit() as session:
        open_ones = (HumanTask.request_id == ident, HumanTask.state == TaskState.OPEN)
        return set(session.scalars(select(HumanTask.code).where(*open_ones)))
