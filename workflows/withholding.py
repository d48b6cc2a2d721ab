"""Hold a category back from an answer and give out the rest: named by one person, let go out so by another.

Source: GDPR Art. 12(4), 15(4); Data Protection Act 1050/2018 s. 34.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from models.refusing import Withholding
from models.request import Request
from models.session import reading
from models.vocabulary import Event, RequestState, Role
from workflows import audit, lifecycle
from workflows.casefile import open_key
from workflows.delivered import DELIVERIES
from workflows.errors import BadInput, Conflict, Fault, NotFound
from workflows.guarding import ground_of
from workflows.ports import RequestKey
from workflows.register.grounds import GroundRule, grounds_with
from workflows.restricting.naming import staff_of
from workflows.rules.code_in_text import has_identity_code
from workflows.runtime import Runtime

_MAY = (Role.APPROVER, Role.DPO)
_WITHHELD = (
    select(Withholding)
    .where(or_(Withholding.request_id == bindparam("of"), Withholding.request_id == bindparam("too")))
    .order_by(Withholding.category, Withholding.request_id)
)
_EVER = (
    select(Withholding.category)
    .where(
        or_(
            Withholding.request_id == bindparam("of"),
            Withholding.request_id.in_(select(Request.id).where(Request.subject_digest == bindparam("subject"))),
        )
    )
    .limit(1)
)
_BEFORE = (RequestState.VERIFYING, RequestState.COLLECTING, RequestState.ASSESSING, RequestState.DECIDING)


def withhold(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    user: str,
    category: str,
    ground: str,
    reason: str,
    seen: str | None = None,
) -> None:
    """Hold this category back; what was to be reviewed is reviewed anew, and not by this person alone.

    The caller holds the request's lock. `reason` goes into the letter, in words; `seen` is the `mark_of` what the user
    looked at. The same said twice is said once. Raises `BadInput` (category, ground, reason), `Conflict` once it went
    out, where nothing is given out or where somebody else said otherwise since, `NotAllowed` for the role.
    """
    staff_of(session, user, roles=_MAY)
    _undelivered(request)
    faults = []
    if category not in rt.register.categories:
        faults.append(Fault("category", "category_unknown", "choose a category of the register"))
    if ground_of(rt, ground).guard != "none":
        faults.append(Fault("ground", "ground_guarded", "this ground refuses a request as a whole, by two people"))
    elif not ground_of(rt, ground).withholds:
        faults.append(Fault("ground", "ground_withholds_nothing", "name a ground that says `withholds: true`"))
    if not 10 <= len(reason.strip()) <= 2000:
        faults.append(Fault("reason", "a refusal needs its reason in words", "write at least one sentence"))
    if has_identity_code(reason):
        faults.append(Fault("reason", "holds a personal identity code", "leave it out: it may stand in no letter"))
    if faults:
        raise BadInput(faults)
    row = session.get(Withholding, (request.id, category))
    key = open_key(session, rt, request.data_key_id)
    if row is not None and (row.withheld_by, row.ground, reason_of(row, key)) == (user, ground, reason.strip()):
        return
    _require_seen(seen, row)
    if row is None:
        row = Withholding(request_id=request.id, category=category)
        session.add(row)
    row.ground, row.withheld_by, row.withheld_at = ground, user, rt.now()
    row.reason_sealed = key.seal(reason.strip().encode(), _context(row))
    _again(session, rt, request, user=user, facts={"category": category, "ground": ground})


def give_after_all(
    session: Session, rt: Runtime, request: Request, *, user: str, category: str, seen: str | None = None
) -> None:
    """Hold it back no more. Raises as `withhold`, and `NotFound` where it was not."""
    staff_of(session, user, roles=_MAY)
    _undelivered(request)
    row = session.get(Withholding, (request.id, category))
    if row is None:
        raise NotFound("withheld", detail="this category is not held back in this case")
    _require_seen(seen, row)
    session.delete(row)
    _again(session, rt, request, user=user, facts={"category": category, "ground": None})


def withholding_grounds(rt: Runtime) -> list[GroundRule]:
    """The grounds on which part of an answer may be held back today."""
    known = grounds_with(rt.register.grounds).values()
    return [ground for ground in known if ground.withholds and ground.guard == "none" and ground.holds_on(rt.today())]


def may_withhold(request: Request) -> bool:
    """Whether this is an answer that gives data out and has not gone out yet."""
    return request.right in DELIVERIES and request.state in _BEFORE


def mark_of(row: Withholding | None) -> str:
    """What a person looked at: changes with every word on it; "" where nothing is held back."""
    return "" if row is None else row.withheld_at.isoformat()


def reason_of(row: Withholding, key: RequestKey) -> str:
    """Why, in words."""
    return key.open(row.reason_sealed, _context(row)).decode() if row.reason_sealed else ""


def withheld(session: Session, request: Request) -> Sequence[Withholding]:
    """What is held back from this answer; one that fills the gaps of an earlier answer holds back the same."""
    with reading(session, Withholding):
        return session.scalars(_WITHHELD, {"of": request.id, "too": request.supplements_id or request.id}).all()


def was_withheld(session: Session, request: Request) -> bool:
    """Whether something was ever held back from this person: then no answer goes out without somebody's look."""
    with reading(session, Withholding, Request, besides=request):
        return session.scalar(_EVER, {"of": request.id, "subject": request.subject_digest}) is not None


def told_of_withheld(rt: Runtime, request: Request, key: RequestKey, rows: Sequence[Withholding]) -> dict[str, str]:
    """What the letter says of what is held back: category, ground and reason of each; {} where nothing is."""
    said, grounds = [], grounds_with(rt.register.grounds)
    for row in rows:
        if row.request_id != request.id or row.reason_sealed is None:
            continue
        label = rt.register.categories[row.category].label.get(request.language)
        said.append(f"{label}: {getattr(grounds[row.ground].text, request.language)} {reason_of(row, key)}")
    return {"withheld": " · ".join(said)} if said else {}


def _undelivered(request: Request) -> None:
    if not may_withhold(request):
        raise Conflict("not_undelivered", detail="only an answer that has not gone out yet can be held back in part")


def _again(session: Session, rt: Runtime, request: Request, *, user: str, facts: dict[str, str | None]) -> None:
    audit.record(session, "request:withheld", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    session.flush()
    if request.state is RequestState.DECIDING:
        lifecycle.advance(session, rt, request, Event.RECHECK, actor=user)


def _require_seen(seen: str | None, row: Withholding | None) -> None:
    if seen is not None and seen != mark_of(row):
        raise Conflict("withheld_otherwise", detail="somebody said otherwise since you looked; look again")


def _context(row: Withholding) -> str:
    return f"withholdings.reason:{row.request_id}:{row.category}"
