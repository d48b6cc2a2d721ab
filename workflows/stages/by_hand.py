"""A case that a person answers outside the flows: it ends with their letter, or it does not end."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Event, Letter, Outcome, PlanState, Right, Role, TaskKind
from workflows import lifecycle
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.human import close_tasks_of
from workflows.own_words import seal_answer
from workflows.rectifying.saying import require_nothing_changed
from workflows.restricting import objecting
from workflows.rules.code_in_text import has_identity_code
from workflows.runtime import Runtime

LETTERS = (Letter.ANSWER, Letter.ESTATE)
"""What such a case may end with: an answer in the words of who gives it, or the letter about somebody who has died."""

_WHO = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_SHORTEST, _LONGEST = 30, 4000


def answer_by_hand(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    user: str,
    letter: str,
    words: str = "",
    goes_on: bool = False,
) -> None:
    """End the request under this person's name with the letter they give; `words` are what it says, if it is their own.

    `goes_on`: to an objection, that the use which rested goes on; unless that is said or was weighed, it stays at rest.
    Raises `NotAllowed` for the role, `BadInput` (fields answer_letter, answer_words), `Conflict` once something is
    being delivered or erased, was put right, or the request is answered.
    Source: GDPR Art. 12(3)-(4): no request ends without an answer.
    """
    staff = session.get(StaffUser, user)
    if staff is None or staff.disabled_at is not None or staff.role not in _WHO:
        raise NotAllowed("role", detail="answering by hand needs the role caseworker, approver or dpo")
    lifecycle.next_state(request, Event.ANSWERED_BY_HAND)  # before anything is changed
    if request.answered_at is not None:
        raise Conflict("answered", detail="the request is answered; what was kept goes as its letter said")
    require_nothing_changed(session, request)
    said = words.strip() if letter == Letter.ANSWER else ""
    _require_whole(letter, said)
    key = open_key(session, rt, request.data_key_id)
    request.outcome = Outcome.BY_HAND
    request.answer_sealed = seal_answer(key, request, Letter(letter), words=said, by=staff.display_name)
    if goes_on and request.right is Right.OBJECTION:
        objecting.note_goes_on(session, rt, request, user=user)
    for plan in session.scalars(select(Plan).where(Plan.request_id == request.id, Plan.state == PlanState.FROZEN)):
        plan.state = PlanState.VOID
    close_tasks_of(session, rt, request.id, kinds=set(TaskKind), by=user)
    lifecycle.advance(session, rt, request, Event.ANSWERED_BY_HAND, actor=user)


def _require_whole(letter: str, words: str) -> None:
    if letter not in LETTERS:
        raise BadInput([Fault("answer_letter", "answer_letter_missing", f"one of {', '.join(LETTERS)}")])
    if letter == Letter.ANSWER and not _SHORTEST <= len(words) <= _LONGEST:
        raise BadInput([Fault("answer_words", "answer_words", "write the answer, 30 to 4000 characters")])
    if has_identity_code(words):
        raise BadInput(
            [Fault("answer_words", "holds a personal identity code", "leave it out: it may stand in no letter")]
        )
