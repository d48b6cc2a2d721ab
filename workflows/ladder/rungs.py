"""Whether a proof is enough for a case. Nothing a person writes and no single member of staff can lower it."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from models.request import Request
from models.session import reading
from models.verification import Lowering
from models.vocabulary import Ground, Method, RequestState
from workflows.errors import NotAllowed
from workflows.register.proofs import RISKS
from workflows.rules.rungs import is_enough, risk_of
from workflows.runtime import Runtime


def risk(rt: Runtime, request: Request) -> str:
    """The case's class of risk: low, medium or high. The same whoever asks."""
    register = rt.register
    categories = [category.risk for category in register.categories.values()]
    return risk_of(request.right, rights=register.controller.identity.rights, categories=categories)


def suffices(session: Session, rt: Runtime, request: Request, method: Method | None) -> bool:
    """Whether this proof is enough, for proving the person and for opening the answer alike."""
    if method is None:
        return False
    return is_enough(method, risk(rt, request), enough=_enough(rt), lowered=is_lowered(session, request))


def require(session: Session, rt: Runtime, request: Request) -> None:
    """Raise `NotAllowed` where the case's own proof is not enough for it."""
    if not suffices(session, rt, request, request.verified_method):
        raise NotAllowed("proof_too_weak", detail="this proof is not enough for what was asked")


def must_prove_itself(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether the request it goes with has no proof for this one: one message, two rights, two proofs.

    It was proven by less than this one needs, was not the person's as they said themselves, or ended unproven.
    """
    if request.after_request_id is None:
        return True
    first = session.get_one(Request, request.after_request_id)
    if first.proof_sealed is None:
        return first.state in (RequestState.CLOSING, RequestState.CLOSED)
    disowned = first.refusal_ground == Ground.NOT_IDENTIFIED.value
    return disowned or not suffices(session, rt, request, first.verified_method)


def is_lowered(session: Session, request: Request) -> bool:
    """Whether two members of staff accepted one rung less."""
    with reading(session, Lowering):
        row = session.get(Lowering, request.id)
    return row is not None and row.confirmed_at is not None


def providers_for(session: Session, rt: Runtime, request: Request) -> list[str]:
    """The providers at which a log-in would be enough for this case."""
    return [name for name, one in rt.providers.items() if suffices(session, rt, request, one.method)]


def _enough(rt: Runtime) -> Mapping[str, Sequence[Method]]:
    return {one: rt.register.controller.identity.enough(one) for one in RISKS}
