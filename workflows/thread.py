"""Messages both ways on the page of a case: the person's, kept as they came, and ours, told by a mail without words.

Words about a proven person are shown to whoever has proven it again in this browser; the page's address is not enough.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.base import new_id
from models.delivery import Artifact
from models.intake import Message, MessageCase
from models.request import Request
from models.staff import HumanTask
from models.thread import Reply
from models.vocabulary import Channel, Letter, MessageState, RequestState, TaskState
from workflows import audit
from workflows.answer import goes_to_nobody, grant, keep_artifact
from workflows.asking import may_ask
from workflows.casefile import open_claim, open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import BadInput, Conflict, Fault, NeverAgain
from workflows.hand.files import LARGEST_BYTES, sniffed
from workflows.human import close_task
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.form import MESSAGE_CHARACTERS
from workflows.runtime import Runtime
from workflows.stages.intake import open_raw

WRITTEN = "message_attached"
"""Code of the task that waits while nobody has read what the person wrote."""

UPLOAD = "upload"
"""What a message is that is a file of the person's."""

ATTACHMENT = "attachment_"
"""How the names of files begin that go with a message of ours."""

ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "text/plain": "txt"}
"""How the name of a file ends that we have sniffed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `words` is None where this reader may not see them, or they are gone; `by` is "" for the person.

    `unread`: the person has not been shown it, or, of theirs, nobody here has read it.
    """

    at: datetime
    by: str
    words: str | None
    unread: bool
    language: str
    file: str = ""
    upload: str = ""  # the message that is a file of the person's
    ident: str = ""


def is_over(request: Request) -> bool:
    """Whether nobody writes here any more: the case is closed."""
    return request.state is RequestState.CLOSED


def reply(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    user: str,
    words: str,
    content: bytes | None = None,
    read: Collection[str] = (),
) -> bool:
    """Write to the person, with one file if need be; whether a mail goes out that says so. The caller holds the lock.

    The same words with the same file twice in a row are one message. `read`: idents of the person's messages that
    stood before the eyes of who writes; they count as read and answered. A file is for proven people only. Raises
    `NotAllowed`, `Conflict` once the case is closed, `BadInput` (words, file).
    """
    may_ask(session, user)
    if is_over(request):
        raise Conflict("thread_closed", detail="the case is closed, and what was written with it")
    faults = _faults(request, words, content)
    if faults:
        raise BadInput(faults)
    key = open_key(session, rt, request.data_key_id)
    last = session.scalar(
        select(Reply).where(Reply.request_id == request.id).order_by(Reply.written_at.desc(), Reply.id.desc()).limit(1)
    )
    if last is not None and _opened(key, last) == words.strip() and _same_file(session, last, content):
        return True
    row = Reply(
        id=new_id(),
        request_id=request.id,
        written_by=user,
        written_at=rt.now(),
        language=request.language,
        before_proof=request.proof_sealed is None,
    )
    row.words_sealed = key.seal(words.strip().encode(), f"replies.words:{row.id}")
    if content:
        row.artifact_id = _attach(session, rt, request, key, content)
    session.add(row)
    told = _tell(session, rt, request, key, row)
    facts = {"message": str(row.id), "told": told, "file": bool(content)}
    audit.record(session, "message:answered", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    _read_by_us(session, rt, request, user, read=read)
    return told


def _same_file(session: Session, last: Reply, content: bytes | None) -> bool:
    if last.artifact_id is None or not content:
        return last.artifact_id is None and not content
    known = session.get_one(Artifact, last.artifact_id)
    return known.purged_at is None and known.digest == hashlib.sha256(content).digest()


def _faults(request: Request, words: str, content: bytes | None) -> list[Fault]:
    faults = []
    if not 1 <= len(words.strip()) <= MESSAGE_CHARACTERS:
        faults.append(Fault("words", "thread_words", f"write something, at most {MESSAGE_CHARACTERS} characters"))
    if has_identity_code(words):
        faults.append(Fault("words", "holds a personal identity code", "leave it out: it may stand in no letter"))
    if content and request.proof_sealed is None:
        faults.append(Fault("file", "thread_not_proven", "a file goes to proven people only"))
    if content and len(content) > LARGEST_BYTES:
        faults.append(Fault("file", "file_too_large", "at most 20 MB"))
    elif content and not sniffed(content):
        faults.append(Fault("file", "file_kind", "a PDF, PNG, JPEG or plain text file"))
    return faults


def _attach(session: Session, rt: Runtime, request: Request, key: RequestKey, content: bytes) -> uuid.UUID:
    """Seal the file; its own name is not kept, since names say things."""
    media = sniffed(content)
    known = Artifact.name.startswith(ATTACHMENT, autoescape=True)
    count = session.scalar(select(func.count()).where(Artifact.request_id == request.id, known)) or 0
    name = f"{ATTACHMENT}{count + 1}.{ENDINGS[media]}"
    blob = f"{request.id}/attachment.{uuid.uuid4().hex}"
    with rt.blobs.write(blob, key) as out:
        out.write(content)
    digest = hashlib.sha256(content).digest()
    keep_artifact(session, rt, request, name=name, media_type=media, blob=blob, digest=digest, size=len(content))
    session.flush()
    return session.scalars(select(Artifact.id).where(Artifact.request_id == request.id, Artifact.name == name)).one()


def _tell(session: Session, rt: Runtime, request: Request, key: RequestKey, row: Reply) -> bool:
    """Mail that there is a message, without a word of it; where nobody is proven, to where the request came from."""
    if request.proof_sealed is None:
        to, more = open_claim(key, request).reply_to, {}
    else:
        to = open_proof(key, request).reply.email
        token, expires = grant(session, rt, request)
        link = f"{rt.settings.public_url}/{request.language}/fetch/{token}"
        more = {"link": link, "link_expires_on": expires.date()}
    if goes_to_nobody(session, rt, request):
        return False
    case = case_facts(rt, request, key, name="", **more)
    occurrence = str(row.id)
    return queue_mail(session, rt, request, key, letter=Letter.MESSAGE, to=to, case=case, occurrence=occurrence)


def _read_by_us(session: Session, rt: Runtime, request: Request, user: str, *, read: Collection[str]) -> None:
    """What arrived while somebody wrote their answer is not read by it; a mail is read on a page of its own."""
    waiting = select(HumanTask).join(Message, Message.id == HumanTask.message_id)
    on_page = (Message.channel == Channel.PORTAL, HumanTask.code == WRITTEN, HumanTask.state == TaskState.OPEN)
    for task in session.scalars(waiting.where(HumanTask.request_id == request.id, *on_page)):
        if str(task.message_id) in read:
            close_task(session, rt, task, by=user, answer="done")


def thread_of(session: Session, rt: Runtime, request: Request, *, all_words: bool) -> list[Line]:
    """The messages of a case, oldest first; without `all_words` only those words that say nothing of anybody."""
    try:
        key = open_key(session, rt, request.data_key_id)
    except NeverAgain:
        return []
    there = select(Artifact.id, Artifact.name).where(Artifact.request_id == request.id, Artifact.purged_at.is_(None))
    files = {row.id: row.name for row in session.execute(there)}
    replies = session.scalars(select(Reply).where(Reply.request_id == request.id)).all()
    lines = [
        Line(
            at=row.written_at,
            by=row.written_by,
            words=_opened(key, row) if all_words or row.before_proof else None,
            unread=row.read_at is None,
            language=row.language,
            file=files.get(row.artifact_id, "") if row.artifact_id and all_words else "",
            ident=str(row.id),
        )
        for row in replies
    ]
    notes = _notes(session, rt, request, all_words=all_words)
    return sorted([*notes, *lines], key=lambda line: line.at)


def _opened(key: RequestKey, row: Reply) -> str | None:
    return key.open(row.words_sealed, f"replies.words:{row.id}").decode() if row.words_sealed else None


def _notes(session: Session, rt: Runtime, request: Request, *, all_words: bool) -> Sequence[Line]:
    rows = session.execute(
        select(Message, HumanTask.state)
        .join(MessageCase, MessageCase.message_id == Message.id)
        .outerjoin(HumanTask, HumanTask.message_id == Message.id)
        .where(
            MessageCase.request_id == request.id,
            Message.state == MessageState.ATTACHED,
            Message.channel == Channel.PORTAL,
        )
    )
    lines = []
    for message, task in rows:
        sent = message.why == UPLOAD  # no reason to open it: it has no words
        said = _said(session, rt, message) if all_words and not sent else {}
        lines.append(
            Line(
                at=message.arrived_at,
                by="",
                words=said.get("message"),
                unread=task is TaskState.OPEN,
                language=said.get("language", ""),
                upload=str(message.id) if sent else "",
                ident=str(message.id),
            )
        )
    return lines


def _said(session: Session, rt: Runtime, message: Message) -> dict[str, str]:
    try:
        said = json.loads(open_raw(session, rt, message))
    except (NeverAgain, ValueError):  # destroyed by now
        return {}
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}


def unread(session: Session, request: Request) -> int:
    """How many of our messages the person has not been shown."""
    waiting = select(func.count()).where(Reply.request_id == request.id, Reply.read_at.is_(None))
    return session.scalar(waiting) or 0


def shown(session: Session, rt: Runtime, request: Request, lines: Collection[Line]) -> None:
    """The person, who has proven to be the person, was shown these. Takes the request's lock."""
    session.get(Request, request.id, with_for_update=True)
    fresh = session.scalars(
        update(Reply)
        .where(
            Reply.request_id == request.id,
            Reply.read_at.is_(None),
            Reply.id.in_([uuid.UUID(line.ident) for line in lines if line.by]),
        )
        .values(read_at=rt.now())
        .returning(Reply.id)
        .execution_options(synchronize_session=False)
    ).all()
    if fresh:
        facts = {"messages": len(fresh)}
        audit.record(session, "message:read", at=rt.now(), actor="person", request_id=request.id, facts=facts)
