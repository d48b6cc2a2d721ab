"""Mail is decided in a transaction and sent after it: the row is the promise, `workflows.post` keeps it."""

import json
import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.base import new_id
from models.delivery import Outbox
from models.request import Request
from models.session import reading, ring
from models.vocabulary import Letter, OutboxState, TaskKind
from workflows import audit
from workflows.errors import NeverAgain
from workflows.human import open_task
from workflows.messages import SEND
from workflows.ports import CaseFacts, RequestKey
from workflows.rules.items import canonical
from workflows.runtime import Runtime

PRINT = "print_letter"
"""Code of the task of a letter that no mail can bring."""

BY_POST = frozenset(
    {
        Letter.ACKNOWLEDGEMENT,
        Letter.ASK,
        Letter.EXTENSION,
        Letter.REFUSAL,
        Letter.FEE,
        Letter.ESTATE,
        Letter.ANSWER,
        Letter.LIFTING,
        Letter.HOLD_LATER,
        Letter.DUPLICATE,
        Letter.WITHDRAWN,
        Letter.LATE,
        Letter.READY,
    }
)
"""What the person must hear also where nothing can be mailed to them: a person prints it. A code never goes so."""


@dataclass(frozen=True, slots=True)
class PlainMail:
    """A mail of no case; nothing in it is about anybody."""

    to: str
    language: str
    subject: str
    body: str


_WRITTEN = select(Outbox.id).where(Outbox.key == bindparam("idem"))


def queue_mail(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    letter: Letter,
    to: str,
    case: CaseFacts,
    occurrence: str = "",
    once: bool = False,
) -> bool:
    """Write one mail into the outbox; False if this occurrence was written before, or nothing can bring it.

    What must be told goes on paper where there is no address: a person is asked to print and post it. The text is
    rendered now, from the facts as they are decided, and sealed under the request's key. A text that can't be
    written, or does not say what it must, stays here: a person is told, and False is the answer.
    """
    if not to and letter not in BY_POST:
        return False
    idem = f"{request.id}:{letter.value}:{occurrence}"
    with reading(session, Outbox):
        if session.scalar(_WRITTEN, {"idem": idem}) is not None:
            return False
    try:
        text = rt.documents.mail(letter, case)
    except NeverAgain as error:
        _blocked(session, rt, request, letter=letter, occurrence=occurrence, error=error)
        return False
    row = Outbox(
        id=new_id(),
        request_id=request.id,
        key=idem,
        letter=letter.value,
        language=case.language,
        template=text.template or None,
        to_sealed=key.seal(to.encode(), f"outbox.to:{idem}"),
        body_sealed=key.seal(canonical({"subject": text.subject, "body": text.body}).encode(), f"outbox.body:{idem}"),
        data_key_id=request.data_key_id,
        once=once,
        state=OutboxState.READY if to else OutboxState.PAPER,
        run_at=rt.now(),
    )
    session.add(row)
    if to:
        ring(session, SEND, "")
    else:
        _ask_to_post(session, rt, request, row)
    event = "mail:queued" if to else "letter:to_print"
    audit.record(session, event, at=rt.now(), actor="vastine", request_id=request.id, facts={"letter": letter.value})
    return True


def queue_plain(
    session: Session, rt: Runtime, key: RequestKey, *, key_id: uuid.UUID, idem: str, letter: str, text: PlainMail
) -> bool:
    """Write a mail of no case into the outbox, sealed under this key; False if it was written before."""
    if session.scalar(_WRITTEN, {"idem": idem}) is not None:
        return False
    session.add(
        Outbox(
            key=idem,
            letter=letter,
            language=text.language,
            to_sealed=key.seal(text.to.encode(), f"outbox.to:{idem}"),
            body_sealed=key.seal(
                canonical({"subject": text.subject, "body": text.body}).encode(), f"outbox.body:{idem}"
            ),
            data_key_id=key_id,
            state=OutboxState.READY,
            run_at=rt.now(),
        )
    )
    ring(session, SEND, "")
    return True


def _ask_to_post(session: Session, rt: Runtime, request: Request, row: Outbox) -> None:
    open_task(
        session,
        rt,
        key=f"post:{row.id}",
        kind=TaskKind.BY_HAND,
        code=PRINT,
        request_id=request.id,
        due_on=max(request.due_on, rt.today()),
        facts={"letter": row.letter, "mail": str(row.id)},
    )


def _blocked(
    session: Session, rt: Runtime, request: Request, *, letter: Letter, occurrence: str, error: NeverAgain
) -> None:
    # What the mail was about goes on: a request is not lost because its acknowledgement has no text.
    facts = {"letter": letter.value, "error": error.code}
    open_task(
        session,
        rt,
        key=f"mail:{request.id}:{letter.value}:{occurrence}",
        kind=TaskKind.MAIL_FAILED,
        code=f"letter_{error.code}",
        request_id=request.id,
        due_on=request.due_on,
        facts=facts | {"text": error.detail},
    )
    audit.record(session, "mail:failed", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)


def open_mail(row: Outbox, key: RequestKey) -> tuple[str, str, str]:
    """(to, subject, body) of a row."""
    body = json.loads(key.open(row.body_sealed, f"outbox.body:{row.key}"))
    return key.open(row.to_sealed, f"outbox.to:{row.key}").decode(), body["subject"], body["body"]
