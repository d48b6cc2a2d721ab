"""Who acts for another, and whether they still may: looked at again wherever something is given out, changed or erased.

Being a helper proves nothing of the person, and knowing the person proves no mandate: a case with a mandate goes on
only while somebody has said that it is real, for this right, within its days.
Source: GDPR Art. 12(2), 12(6), 32(1); EDPB Guidelines 01/2022 para. 80-82.
"""

import json
from collections.abc import Callable, Container
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Protocol

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.mandate import AnswerTo, Mandate, MandateCheck, MandateState
from models.request import Request
from models.session import reading
from workflows.asking import ask, is_waiting, write
from workflows.casefile import Acted, Claim, Proof, open_key, open_proof
from workflows.errors import Conflict, NotAllowed, PersonMustLook
from workflows.ports import Contact, RequestKey
from workflows.register.mandates import ESTATE, OTHER, mandate_kinds
from workflows.rules.items import canonical
from workflows.rules.mandates import CheckList, Standing, standing_on
from workflows.rules.narrowed import is_wanted
from workflows.runtime import Runtime

_MANDATE = select(Mandate).where(Mandate.request_id == bindparam("of"))
_MANDATE_LOCKED = _MANDATE.with_for_update()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who acts, as they said. `email` is where an answer to them goes; staff confirm it before it counts."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Acting:
    """What somebody said who asks for another. `until`: the last day that their document names."""

    kind: str = OTHER
    holder: Holder = Holder()
    until: date | None = None


def note(
    session: Session, rt: Runtime, request: Request, key: RequestKey, *, claim: Claim, acting: Acting | None
) -> None:
    """Write down that somebody asks for another: a claim like any other, until somebody has looked."""
    told = acting or Acting()
    holder = told.holder if told.holder != Holder() else Holder(email=claim.reply_to)
    row = Mandate(
        request_id=request.id,
        kind=told.kind if told.kind in mandate_kinds() else OTHER,
        state=MandateState.CLAIMED,
        rights=[request.right.value],
        valid_until=told.until,
        answer_to=AnswerTo.SUBJECT,
        told_at=rt.now(),
        people=1,
    )
    row.holder_sealed = seal_holder(key, request, holder)
    session.add(row)


def ask_for_it(session: Session, rt: Runtime, request: Request) -> None:
    """Ask whoever acts for another by what right, once, at the address their request came from.

    Who writes about somebody who has died is not asked for a power that nobody can have any more.
    """
    row = mandate_of(session, request)
    if (row is None or row.kind != ESTATE) and not is_waiting(session, request, AskKind.MANDATE):
        question = ask(session, rt, request, kind=AskKind.MANDATE, wanted=["mandate"], by="vastine")
        write(session, rt, request, question)


def seal_holder(key: RequestKey, request: Request, holder: Holder) -> bytes:
    """Seal who acts."""
    return key.seal(canonical(asdict(holder)).encode(), f"mandates.holder:{request.id}")


def holder_of(key: RequestKey, mandate: Mandate) -> Holder:
    """Who acts; nobody once it was forgotten."""
    if mandate.holder_sealed is None:
        return Holder()
    return Holder(**json.loads(key.open(mandate.holder_sealed, f"mandates.holder:{mandate.request_id}")))


def holder_now(session: Session, request: Request, key: RequestKey) -> Holder | None:
    """Who acts for the person of this request; None where they ask themselves."""
    row = mandate_of(session, request)
    return holder_of(key, row) if row is not None else None


def mandate_of(session: Session, request: Request, *, lock: bool = False) -> Mandate | None:
    """The request's mandate; None where the person asks themselves."""
    with reading(session, Mandate):
        return session.scalar(_MANDATE_LOCKED if lock else _MANDATE, {"of": request.id})


def list_of(mandate: Mandate) -> CheckList:
    """The check list of its kind. Raises `PersonMustLook` for a kind that this version does not know."""
    known = mandate_kinds().get(mandate.kind)
    if known is None:
        raise PersonMustLook("mandate_kind")
    return known.check_list()


def standing_of(rt: Runtime, request: Request, mandate: Mandate | None) -> Standing:
    """Where the mandate stands today, for this very request."""
    if mandate is None or request.right.value not in mandate.rights:
        return Standing.CLAIMED
    return standing_on(
        rt.today(),
        state=mandate.state.value,
        from_on=mandate.valid_from,
        until_on=mandate.valid_until,
        ended_why=mandate.ended_why,
    )


def accepters(session: Session, request: Request) -> list[str]:
    """Who of the staff said that the mandate is real."""
    row = mandate_of(session, request)
    return [name for name in (row.offered_by, row.proven_by) if name] if row is not None else []


def undo(session: Session, request: Request) -> None:
    """Nobody has said that the mandate is real, nor seen anything of it: who did must not have."""
    forget_ticks(session, request)
    row = mandate_of(session, request, lock=True)
    if row is not None:
        row.state, row.proven_at, row.proven_by = MandateState.CLAIMED, None, None
        row.offered_by = row.offer_sealed = row.offer_digest = None


def forget_ticks(session: Session, request: Request) -> None:
    """Nothing was seen yet of the mandate that comes next."""
    session.execute(delete(MandateCheck).where(MandateCheck.request_id == request.id))


def require_accepted(session: Session, rt: Runtime, request: Request, claim: Claim) -> None:
    """Raise `NotAllowed` where somebody asks for another by a mandate that is not live: nobody is proven by it."""
    if claim.for_another and not is_live(session, rt, request):
        raise NotAllowed("mandate_needed", detail="somebody acts for this person; their mandate is not accepted")


def is_live(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether somebody may act for the person of this request, today."""
    return standing_of(rt, request, mandate_of(session, request)) is Standing.LIVE


def with_mandate(session: Session, rt: Runtime, request: Request, key: RequestKey, claim: Claim, proof: Proof) -> Proof:
    """The proof with what the mandate allows, as it is unless somebody acts. Raises `NotAllowed` without a live one."""
    if not claim.for_another:
        return replace(proof, acted=None)
    require_accepted(session, rt, request, claim)
    mandate = mandate_of(session, request)
    return proof if mandate is None else replace(proof, acted=acted(mandate, holder_of(key, mandate)))


def acted(mandate: Mandate, holder: Holder) -> Acted:
    """What the proof keeps of an accepted mandate: how far it goes, and where the answer goes."""
    to_them = mandate.answer_to is AnswerTo.REPRESENTATIVE
    return Acted(
        categories=tuple(mandate.categories) if mandate.categories is not None else None,
        reply=Contact(name=holder.name, email=holder.email, phone=holder.phone) if to_them else None,
    )


class Categorised(Protocol):
    """Something of a category of data."""

    @property
    def category(self) -> str:
        """Its code."""
        ...


def within(proof: Proof) -> Callable[[Categorised], bool] | None:
    """Whether something is within the mandate by which somebody acts; None where everything is."""
    known = proof.acted
    if known is None or known.categories is None:
        return None
    return lambda item: known.covers(item.category)


def asked_about(request: Request, proof: Proof, *, known: Container[str]) -> Callable[[Categorised], bool] | None:
    """Whether something is what the case is about: within a mandate, and of the categories it is narrowed to.

    `known`: the register's categories.
    """
    mandate, wanted = within(proof), request.categories
    if wanted is None:
        return mandate
    return lambda item: is_wanted(wanted, item.category, known=known) and (mandate is None or mandate(item))


def ended(session: Session, rt: Runtime, request: Request, key: RequestKey) -> str:
    """Why the mandate that this case was proven with is worth nothing now, as a code; "" where it is, or none is."""
    if request.proof_sealed is None or open_proof(key, request).acted is None:
        return ""
    standing = standing_of(rt, request, mandate_of(session, request))
    return "" if standing is Standing.LIVE else f"mandate_{standing.value}"


def require_live(session: Session, rt: Runtime, request: Request, key: RequestKey) -> None:
    """Raise `PersonMustLook` where the mandate ended: nothing more is given out or changed by it."""
    if code := ended(session, rt, request, key):
        raise PersonMustLook(code, detail="the mandate by which somebody acts for this person is not valid any more")


def require_decidable(session: Session, rt: Runtime, request: Request, key: RequestKey) -> None:
    """Raise `Conflict` where somebody would approve what a mandate that ended asked for."""
    if code := ended(session, rt, request, key):
        raise Conflict(code, detail="the mandate is not valid any more; look at it first")


def hand_on(session: Session, first: Request, new: Request, *, old: RequestKey, key: RequestKey) -> None:
    """A case that fills the gaps of an answer rests on the same mandate. `old`, `key`: those of the first and of it."""
    row = mandate_of(session, first)
    if row is None:
        return
    copied = {c.name: getattr(row, c.name) for c in Mandate.__table__.columns}
    copied |= {"request_id": new.id, "holder_sealed": seal_holder(key, new, holder_of(old, row)), "offer_sealed": None}
    session.add(Mandate(**copied))


def ended_of(session: Session, rt: Runtime, request: Request) -> str:
    """The same for who has not opened the case's key."""
    return ended(session, rt, request, open_key(session, rt, request.data_key_id))
