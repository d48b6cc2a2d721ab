"""Questions to the person, and the clock that stands while one waits: noted always, counted only if the register says.

Two clocks run side by side. `due_a` and `due_b` never stop: reminders, urgency and the notice to a silent person go
by them. `suspended_a` and `suspended_b` are what a controller may rely on that lets questions stop the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from models.asking import Ask, AskKind
from models.request import Request
from models.session import reading
from models.staff import StaffUser
from models.vocabulary import Letter, RequestState, Role
from workflows import audit, silence
from workflows.casefile import open_claim, open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.rules.deadlines import DueDates, Pause, received_on, suspended, suspended_extension
from workflows.runtime import Runtime

ASKERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
WANTED = ("who", "call_back", "visit", "mandate", "period", "contract", "record", "ground", "other")
"""The least that may be needed, as codes; each has its sentence in the letters and on the screens."""


_LONGEST = 1000
_UNANSWERED = (
    select(Ask)
    .where(Ask.request_id == bindparam("of"), Ask.kind == bindparam("kind"), Ask.answered_at.is_(None))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as screens show it; `words` is "" for who may not read them."""

    ident: str
    kind: AskKind
    wanted: Sequence[str]
    asked_at: datetime
    asked_by: str
    insufficient: int
    answered_at: datetime | None
    words: str = ""


def ask(
    session: Session, rt: Runtime, request: Request, *, kind: AskKind, wanted: Sequence[str], by: str, words: str = ""
) -> Ask:
    """Note that the person was asked; while one of this kind is open, that one. The caller holds the request's lock."""
    known = _open_of(session, request, kind)
    if known is not None:
        known.wanted = sorted({*known.wanted, *wanted})
        _say(session, rt, request, known, words=words)
        return known
    row = Ask(request_id=request.id, kind=kind, wanted=list(wanted), asked_at=rt.now(), asked_by=by, insufficient=0)
    session.add(row)
    session.flush()  # the words are sealed to the row's id
    _say(session, rt, request, row, words=words)
    facts = {"kind": kind.value, "wanted": list(wanted)}
    audit.record(session, "ask:made", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    suspend(session, rt, request)
    return row


def _say(session: Session, rt: Runtime, request: Request, row: Ask, *, words: str) -> None:
    """Put these words under those that the question has, each once."""
    key = open_key(session, rt, request.data_key_id)
    said = _words(row, key).split("\n\n") if row.words_sealed else []
    if words.strip() and words.strip() not in said:
        row.words_sealed = key.seal("\n\n".join([*said, words.strip()]).encode(), f"asks.words:{row.id}")


def answered(session: Session, rt: Runtime, request: Request, *, kind: AskKind, by: str) -> bool:
    """An answer came that suffices: the clock goes on. Whether a question of this kind was open."""
    row = _open_of(session, request, kind)
    if row is None:
        return False
    row.answered_at, row.taken_by = rt.now(), by
    silence.over(session, rt, row, by=by)
    facts = {"kind": kind.value}
    audit.record(session, "ask:answered", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    suspend(session, rt, request)
    return True


def insufficient(session: Session, rt: Runtime, request: Request, *, kind: AskKind, by: str) -> bool:
    """An answer came that does not suffice: it is counted, and the question stays open. Whether there was one."""
    row = _open_of(session, request, kind)
    if row is None:
        return False
    row.insufficient += 1
    facts = {"kind": kind.value}
    audit.record(session, "ask:insufficient", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    return True


def ask_person(
    session: Session, rt: Runtime, request: Request, *, user: str, kind: AskKind, wanted: Sequence[str], words: str
) -> Ask:
    """Staff asks the person something they need, naming the least of it by codes and saying in words why.

    Raises `NotAllowed` for the role, `Conflict` where the request is answered, `BadInput` (fields wanted, words).
    Source: GDPR Art. 11(2), 12(6), recital 63.
    """
    may_ask(session, user)
    if request.answered_at is not None or request.state in (RequestState.CLOSED, RequestState.CLOSING):
        raise Conflict("answered", detail="the request is answered")
    faults = []
    if not wanted or not set(wanted) <= set(WANTED):
        faults.append(Fault("wanted", "wanted_missing", f"name what is needed: {', '.join(WANTED)}"))
    if not 10 <= len(words.strip()) <= _LONGEST:
        faults.append(Fault("words", "question_words", "write one sentence, at most 1000 characters"))
    if faults:
        raise BadInput(faults)
    row = ask(session, rt, request, kind=kind, wanted=wanted, by=user, words=words)
    write(session, rt, request, row)
    return row


def write(session: Session, rt: Runtime, request: Request, row: Ask) -> None:
    """Mail the question without its words, which may name anything; where there is no address, staff asks."""
    key = open_key(session, rt, request.data_key_id)
    # Nobody proven: it says nothing about anybody and goes where the request came from. So does a wish for a mandate.
    known = request.proof_sealed is not None and row.kind is not AskKind.MANDATE
    to = open_proof(key, request).reply.email if known else open_claim(key, request).reply_to
    today = rt.today()
    case = case_facts(
        rt,
        request,
        key,
        name="",
        ask_kind=row.kind.value,
        wanted=tuple(row.wanted),
        answer_by=max(today + timedelta(days=1), silence.answer_by(request, today)),
        time_waits=_second_clock(session, rt, request, today=today + silence.PATIENCE) is not None,
    )
    occurrence = f"{row.id}:{len(row.wanted)}:{row.insufficient}"  # the same form sent twice is one mail
    queue_mail(session, rt, request, key, letter=Letter.ASK, to=to, case=case, occurrence=occurrence)


def may_ask(session: Session, user: str) -> None:
    """Raise `NotAllowed` unless this member of staff works on cases."""
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in ASKERS:
        raise NotAllowed("role", detail="asking the person needs the role caseworker, approver or dpo")


def asks_of(session: Session, request: Request, key: RequestKey | None = None) -> list[Asked]:
    """All questions of a request, oldest first; with its key their words too."""
    rows = session.scalars(select(Ask).where(Ask.request_id == request.id).order_by(Ask.asked_at, Ask.id))
    return [
        Asked(
            ident=str(row.id),
            kind=row.kind,
            wanted=tuple(row.wanted),
            asked_at=row.asked_at,
            asked_by=row.asked_by,
            insufficient=row.insufficient,
            answered_at=row.answered_at,
            words=_words(row, key),
        )
        for row in rows
    ]


def _words(row: Ask, key: RequestKey | None) -> str:
    if key is None or not row.words_sealed:
        return ""
    return key.open(row.words_sealed, f"asks.words:{row.id}").decode()


def is_waiting(session: Session, request: Request, kind: AskKind) -> bool:
    """Whether the person was asked this and has not answered it."""
    return _open_of(session, request, kind) is not None


def _open_of(session: Session, request: Request, kind: AskKind) -> Ask | None:
    with reading(session, Ask):
        return session.scalar(_UNANSWERED, {"of": request.id, "kind": kind})


def suspend(session: Session, rt: Runtime, request: Request) -> None:
    """Reckon the second clock anew: None where no question stops it, or the register lets none.

    The caller holds the request's lock. Source: GDPR Art. 12(6), recital 63; EDPB Guidelines 01/2022 para. 159.
    """
    due = _second_clock(session, rt, request, today=rt.today())
    request.suspended_a, request.suspended_b = (due.due_a, due.due_b) if due else (None, None)


def _second_clock(session: Session, rt: Runtime, request: Request, *, today: date) -> DueDates | None:
    told = rt.register.controller.deadlines
    if told.suspension == "none":
        return None
    session.flush()
    pauses = [
        Pause(_day(rt, row.asked_at), _day(rt, row.answered_at) if row.answered_at else None)
        for row in session.scalars(select(Ask).where(Ask.request_id == request.id))
    ]
    due = suspended(
        request.received_on,
        pauses,
        mode=told.suspension,
        today=today,
        months=told.months,
        country=told.country,
        not_holidays=told.not_holidays,
        prompt_days=told.prompt_days,
    )
    if request.extended_until is not None:
        due = suspended_extension(request.received_on, due, country=told.country, not_holidays=told.not_holidays)
    plain = request.extended_until or request.due_a
    return due if due.due_a > plain else None


def keep_running(rt: Runtime) -> int:
    """Reckon the second clock of cases with an open question once a day; how many moved."""
    if rt.register.controller.deadlines.suspension == "none":
        return 0
    waiting = exists().where(Ask.request_id == Request.id, Ask.answered_at.is_(None))
    behind = or_(Request.suspended_a.is_not(None), Request.received_on < rt.today())
    with rt.unit() as session:
        ids = session.scalars(
            select(Request.id).where(waiting, behind, Request.state.not_in((RequestState.CLOSED, RequestState.HELD)))
        ).all()
    moved = 0
    for ident in ids:
        with rt.unit() as session:
            request = session.get_one(Request, ident, with_for_update=True)
            before = request.suspended_a
            suspend(session, rt, request)
            moved += request.suspended_a != before
    return moved


def _day(rt: Runtime, at: datetime) -> date:
    return received_on(at, rt.register.controller.time_zone)
