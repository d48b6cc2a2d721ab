"""A code in a letter to the postal address on file: asked for, printed and posted by staff, typed weeks later.

Whether anybody is on file, and whether a letter goes out, shows in nothing that the person who asked can see.
Source: GDPR Art. 12(6), 32(1).
"""

import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.request import Request
from models.session import reading
from models.staff import HumanTask, StaffUser
from models.verification import Challenge
from models.vocabulary import Kind, Letter, Method, RequestState, Role, TaskKind, TaskState
from workflows import asking, audit, challenges, lifecycle
from workflows.casefile import Proof, open_key, open_proof, proof_from
from workflows.caseview import case_facts
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.human import close_task, open_task
from workflows.ladder import rungs
from workflows.nearness import is_kept_from
from workflows.pace import Limit, within
from workflows.ports import Contact, RequestKey
from workflows.rules.contact_age import unsettled
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.work import NewStep

PURPOSE = "letter"
TASK = "post_code"
"""Code of the task to print it and take it to the post."""
WAYS = ("posted", "not_posted")
POSTERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_DIGITS = 10  # more than a mailed code has: it is good for weeks
_MOST = 2  # letters for one case
_TO_ONE_ADDRESS = Limit("letters-to-address", most=1, minutes=1440)
_POST_WITHIN = timedelta(days=2)
_OPEN_STILL = select(Challenge).where(
    Challenge.request_id == bindparam("of"),
    Challenge.purpose == PURPOSE,
    Challenge.used_at.is_(None),
    Challenge.tries_left > 0,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed: the letter as PDF needs `code`; `contact` is frozen as it was when the letter was written."""

    contact: Contact
    code: str
    until: str


def is_offered(rt: Runtime) -> bool:
    """Whether letters can prove anybody here: a source tells postal addresses, and since when if that is asked."""
    wanted = rt.register.controller.identity.unchanged_days > 0
    subjects = (source.person.subject for source in rt.register.sources.values())
    return any(s and s.postal and (s.postal_since or not wanted) for s in subjects)


def suffices(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether a letter is a way for this case. The same for known and unknown people."""
    return is_offered(rt) and rungs.suffices(session, rt, request, Method.LETTER)


def standing(session: Session, rt: Runtime, request: Request) -> str:
    """ "waits" for a code to be typed, "may" be asked for, or "" for no letter."""
    if not suffices(session, rt, request):
        return ""
    if _open(session, rt, request) is not None:
        return "waits"
    of_case = select(func.count()).where(Challenge.request_id == request.id, Challenge.purpose == PURPOSE)
    return "may" if (session.scalar(of_case) or 0) < _MOST else ""


def ask(session: Session, rt: Runtime, request: Request, *, actor: str) -> None:
    """Ask for a letter. Whom it goes to is looked up next, or is known since the person was proven.

    The caller holds the request's lock. Raises `Conflict` where one is on its way or no more are sent.
    """
    if standing(session, rt, request) != "may":
        raise Conflict("no_letter", detail="a letter is on its way, or no more are sent for this case")
    identity = rt.register.controller.identity
    row = Challenge(
        request_id=request.id,
        purpose=PURPOSE,
        method=Method.LETTER,
        created_at=rt.now(),
        expires_at=rt.now() + timedelta(days=identity.letter_days),
        tries_left=identity.letter_tries,
    )
    session.add(row)
    session.flush()  # the code's digest and the proof are bound to the row's id
    audit.record(session, "identity:letter:asked", at=rt.now(), actor=actor, request_id=request.id)
    if request.state is RequestState.VERIFYING:
        asking.ask(session, rt, request, kind=AskKind.IDENTITY, wanted=["who"], by="vastine")
        lifecycle.add_steps(session, rt, request, [NewStep(key="verify", kind=Kind.VERIFY)])
    elif request.proof_sealed is not None:
        key = open_key(session, rt, request.data_key_id)
        write(session, rt, request, key, open_proof(key, request))


def is_unwritten(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether a letter was asked for and its person is still to be looked up."""
    row = _open(session, rt, request)
    return row is not None and row.code_digest is None


def write(session: Session, rt: Runtime, request: Request, key: RequestKey, proof: Proof | None) -> None:
    """Write the letter that was asked for to the address on file, which is frozen with it; staff post it.

    Where there is no address that proves anybody, staff hear why, and outside everything looks the same.
    """
    row = _open(session, rt, request)
    if row is None or row.code_digest is not None or proof is None:
        return
    if why := _doubt(session, rt, request, proof.contact):
        _task(session, rt, request, key=f"letter:{request.id}", code=why, facts={})
        return
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    row.code_digest = rt.vault.digest("challenge", f"{row.id}:{code}")
    _seal(key, row, {**asdict(proof), "code": code})
    _task(session, rt, request, key=f"post_code:{row.id}", code=TASK, facts={"challenge": str(row.id)})
    audit.record(session, "identity:letter:written", at=rt.now(), actor="vastine", request_id=request.id)


def _doubt(session: Session, rt: Runtime, request: Request, contact: Contact) -> str:
    days = rt.register.controller.identity.unchanged_days
    if not contact.postal:
        return "address_missing"
    if contact.protected:
        return "address_protected"
    if why := unsettled(contact.postal_since, asked_on=request.received_on, days=days):
        return f"address_{why}"
    mark = canonical([contact.name.casefold(), *(line.casefold() for line in contact.postal)])
    return "" if within(session, rt, _TO_ONE_ADDRESS, mark) else "address_too_often"


def _task(session: Session, rt: Runtime, request: Request, *, key: str, code: str, facts: dict[str, str]) -> None:
    due = min(request.due_on, rt.today() + _POST_WITHIN)
    kind, ident = TaskKind.IDENTIFY, request.id
    open_task(session, rt, key=key, kind=kind, code=code, request_id=ident, due_on=due, facts=facts)


def call_off(session: Session, request: Request, key: RequestKey, proof: Proof) -> None:
    """Somebody is proven: a letter that was not posted goes out no more, and one to somebody else opens nothing.

    The caller holds the request's lock.
    """
    with reading(session, Challenge):
        rows = session.scalars(_OPEN_STILL, {"of": request.id}).all()
    for row in rows:
        told = _opened(key, row) if row.candidate_sealed is not None else {"code": ""}
        if "code" in told or (told["source"], told["key"]) not in {tuple(record) for record in proof.records}:
            row.tries_left, row.candidate_sealed = 0, None


def take(session: Session, rt: Runtime, request: Request, code: str) -> tuple[Challenge, Proof] | None:
    """The code answered and whom it proves, if it was the right one; a wrong one costs one try.

    The caller holds the request's lock. A code that was never written is wrong like any other.
    """
    row = _open(session, rt, request)
    if row is None or not challenges.take(session, rt, request, row, code):
        return None
    return row, proof_from(_opened(open_key(session, rt, request.data_key_id), row))


def sheet_of(session: Session, rt: Runtime, request: Request, task: HumanTask) -> Sheet:
    """What this task asks to print. Raises `NotFound` for another task or once the letter is posted."""
    row = _row(session, request, task)
    told = _opened(open_key(session, rt, request.data_key_id), row)
    if "code" not in told:
        raise NotFound("letter")
    return Sheet(proof_from(told).contact, told["code"], row.expires_at.date().isoformat())


def letter_of(session: Session, rt: Runtime, request: Request, task: HumanTask, *, user: str) -> bytes:
    """The letter as PDF, for staff who post it; that they printed it is an entry of the audit. Raises as `sheet_of`."""
    _poster(session, user)
    if is_kept_from(session, request, user):  # also where they may read: who has the code can pass for the person
        raise NotAllowed("near_case", detail="somebody who stands near to the person does not see their code")
    sheet = sheet_of(session, rt, request, task)
    key = open_key(session, rt, request.data_key_id)
    digits = f"{sheet.code[:5]} {sheet.code[5:]}"
    extra = {
        "postal": "\n".join(sheet.contact.postal),
        "code_until": sheet.until,
        "code_page": f"{rt.settings.public_url}/{request.language}/letter",
    }
    case = case_facts(rt, request, key, name=sheet.contact.name, code=digits, extra=extra)
    looked = {"what": "letter", "letter": Letter.CODE.value}
    audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
    return rt.documents.letter(Letter.CODE, case)


def posted(session: Session, rt: Runtime, request: Request, task: HumanTask, *, how: str, user: str) -> None:
    """It went out, by this person's word, or it can't. From now on nobody can print or read the code again.

    The caller holds the request's lock. Raises `NotAllowed` for the role, `NotFound` for another task, `Conflict`
    where somebody else did it, `BadInput` (field how).
    """
    _poster(session, user)
    if how not in WAYS:
        raise BadInput([Fault("how", "posting_way_missing", f"one of {', '.join(WAYS)}")])
    row = _row(session, request, task)
    if task.state is TaskState.DONE:
        raise Conflict("task_done")
    key = open_key(session, rt, request.data_key_id)
    _seal(key, row, {name: value for name, value in _opened(key, row).items() if name != "code"})
    if how == "not_posted":
        row.tries_left = 0
    facts = {"answer": how}
    audit.record(session, "identity:letter:posted", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    close_task(session, rt, task, by=user, answer=how)


def _poster(session: Session, name: str) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in POSTERS:
        raise NotAllowed("role", detail="posting letters needs the role caseworker, approver or dpo")


def _open(session: Session, rt: Runtime, request: Request) -> Challenge | None:
    return session.scalar(
        select(Challenge)
        .where(
            Challenge.request_id == request.id,
            Challenge.purpose == PURPOSE,
            Challenge.used_at.is_(None),
            Challenge.tries_left > 0,
            Challenge.expires_at > rt.now(),
        )
        .order_by(Challenge.created_at.desc())
        .limit(1)
    )


def _row(session: Session, request: Request, task: HumanTask) -> Challenge:
    ident = task.facts.get("challenge") if task.code == TASK else None
    row = session.get(Challenge, uuid.UUID(str(ident)), with_for_update=True) if ident else None
    if row is None or row.request_id != request.id or task.request_id != request.id or row.candidate_sealed is None:
        raise NotFound("letter")
    return row


def _seal(key: RequestKey, row: Challenge, told: dict[str, object]) -> None:
    row.candidate_sealed = key.seal(canonical(told).encode(), f"challenges.candidate:{row.id}")


def _opened(key: RequestKey, row: Challenge) -> dict[str, str]:
    told: dict[str, str] = json.loads(key.open(row.candidate_sealed or b"", f"challenges.candidate:{row.id}"))
    return told
