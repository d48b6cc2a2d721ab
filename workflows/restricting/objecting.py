"""Objection: a person weighs the controller's grounds against the person's; until then the uses rest.

Source: GDPR Art. 18(1)(d), 21(1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.request import Request
from models.restriction import RestrictionGround, Weighed, Weighing
from models.vocabulary import Event, Outcome, RequestState, Right, Role
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.errors import BadInput, Conflict, Fault
from workflows.restricting.following import erase_what_only_the_use_allowed
from workflows.restricting.naming import row_for, staff_of
from workflows.restriction import remember, start
from workflows.runtime import Runtime
from workflows.work import InOurBooks

_MAY = (Role.APPROVER, Role.DPO)
_WORDS = (10, 4000)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What was weighed: the controller's compelling grounds, and what the person says of their situation."""

    result: Weighed
    ours: str
    theirs: str


def rest_at_once(
    session: Session, rt: Runtime, request: Request, told: Mapping[str, Sequence[str]], *, purposes: Sequence[str] = ()
) -> None:
    """From intake on the uses that are objected to rest, by whatever identifiers the person gave.

    Nobody is harmed where the objection turns out to be somebody else's: then it ends with the case.
    """
    row = row_for(session, request)
    if row.since is None or row.ended_at is not None:
        start(rt, request, row)
        row.ground, row.purposes = RestrictionGround.OBJECTION, sorted(set(purposes))
        facts = {"ground": row.ground.value}
        audit.record(session, "restriction:begun", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    row.subject_digest = row.subject_digest or request.subject_digest
    session.flush()
    remember(session, rt, row, told)


def weigh(session: Session, rt: Runtime, request: Request, grounds: Grounds, *, user: str) -> None:
    """Write down what was weighed and what came of it; the decision itself follows, by approval or refusal.

    The caller holds the request's lock. Raises `BadInput` with every mistake, `Conflict` outside the decision.
    """
    staff_of(session, user, roles=_MAY)
    if request.right is not Right.OBJECTION or request.state is not RequestState.DECIDING:
        raise Conflict("not_deciding", detail="an objection is weighed when it is to be decided")
    faults = [
        Fault(name, f"{name}_missing", "write at least a sentence, at most 4000 characters")
        for name, words in (("ours", grounds.ours), ("theirs", grounds.theirs))
        if not _WORDS[0] <= len(words.strip()) <= _WORDS[1]
    ]
    if faults:
        raise BadInput(faults)
    key = open_key(session, rt, request.data_key_id)
    row = session.get(Weighing, request.id)
    if row is None:
        row = Weighing(request_id=request.id)
        session.add(row)
    row.result, row.weighed_by, row.weighed_at = grounds.result, user, rt.now()
    row.ours_sealed = key.seal(grounds.ours.strip().encode(), f"weighings.ours:{request.id}")
    row.theirs_sealed = key.seal(grounds.theirs.strip().encode(), f"weighings.theirs:{request.id}")
    facts = {"result": grounds.result.value}
    audit.record(session, "objection:weighed", at=rt.now(), actor=user, request_id=request.id, facts=facts)


def note_goes_on(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """Somebody answered the person themselves that the use goes on; what was weighed before keeps its words.

    The caller holds the request's lock and has seen to who may say so.
    """
    row = session.get(Weighing, request.id)
    if row is None:
        row = Weighing(request_id=request.id)
        session.add(row)
    if row.result is not Weighed.NOT_APPLICABLE:
        row.result = Weighed.GO_ON
    row.weighed_by, row.weighed_at = user, rt.now()
    facts = {"result": row.result.value}
    audit.record(session, "objection:weighed", at=rt.now(), actor=user, request_id=request.id, facts=facts)


class Objecting(InOurBooks):
    """How an objection that is upheld is carried out: the uses it is about stop for good, in our own register."""

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:  # noqa: ARG002
        """To approve is to uphold: only where weighing says stop."""
        row = session.get(Weighing, request.id)
        if row is None:
            raise Conflict("not_weighed", detail="weigh the grounds first (GDPR Art. 21(1))")
        if row.result is not Weighed.STOP:
            raise Conflict(
                "weighed_otherwise", detail="what was weighed says that the use goes on: refuse, with reasons"
            )

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """The rest that began with the objection becomes lasting."""
        proof = open_proof(open_key(session, rt, request.data_key_id), request)
        rest_at_once(session, rt, request, proof.told())  # by what is on file too
        request.outcome = Outcome.STOPPED
        erase_what_only_the_use_allowed(session, rt, request, row_for(session, request))
        return Event.CHANGED
