"""What the person can fetch: files made for them, the links that lead there, and the notice that says so."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.delivery import Artifact, Grant
from models.request import DataKey, Request
from models.session import reading
from models.verification import Challenge
from models.vocabulary import Letter
from workflows import audit, challenges
from workflows.acting import ended
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import NotFound
from workflows.outbox import queue_mail
from workflows.pace import may_send_code
from workflows.ports import RequestKey
from workflows.runtime import Runtime

PACKAGE = "package.zip"
FETCH = "fetch"
CODE_DIGITS = 8
_ARTIFACT = select(Artifact).where(Artifact.request_id == bindparam("of"), Artifact.name == bindparam("called"))


def file_of(letter: Letter) -> str:
    """The name of the file that holds this letter of a case."""
    return f"letter_{letter.value}.pdf"


def keep_artifact(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    name: str,
    media_type: str,
    blob: str,
    digest: bytes,
    size: int,
    own: DataKey | None = None,
    template: str = "",
) -> None:
    """Register a file of this name; a newer one takes the older one's place.

    `own`: the key that it alone has. `template`: file, version and approver of the text it was made from.
    """
    with reading(session, Artifact):
        row = session.scalar(_ARTIFACT, {"of": request.id, "called": name})
    if row is None:
        row = Artifact(request_id=request.id, name=name)
        session.add(row)
    row.media_type, row.blob, row.digest, row.size_bytes = media_type, blob, digest, size
    row.made_at, row.purged_at, row.template = rt.now(), None, template or None
    if row.data_key_id is not None:  # what it opened is nobody's any more
        older = session.get_one(DataKey, row.data_key_id)
        older.wrapped, older.destroyed_at = None, rt.now()
    row.data_key_id = own.id if own is not None else None


def grant(session: Session, rt: Runtime, request: Request) -> tuple[str, datetime]:
    """A fresh link's secret and its last day. The database keeps only a digest of it."""
    token = secrets.token_urlsafe(32)
    expires = rt.now() + timedelta(days=rt.register.controller.delivery.link_days)
    session.add(
        Grant(
            token_digest=rt.vault.digest("grant", token),
            request_id=request.id,
            created_at=rt.now(),
            expires_at=expires,
            fetches=0,
        )
    )
    return token, expires


def notify_ready(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    occurrence: str,
    letter: Letter = Letter.READY,
) -> None:
    """Tell the contact on file that something can be fetched; the link alone opens nothing."""
    token, expires = grant(session, rt, request)
    link = f"{rt.settings.public_url}/{request.language}/fetch/{token}"
    case = case_facts(rt, request, key, name="", link=link, link_expires_on=expires.date())
    to = open_proof(key, request).reply.email
    queue_mail(session, rt, request, key, letter=letter, to=to, case=case, occurrence=occurrence, once=True)


def send_code(session: Session, rt: Runtime, request: Request) -> None:
    """Send whoever wants to fetch a one-time code to the contact on file; the code before it opens nothing any more.

    Where there is no contact on file everything but the mail is done, so that it looks the same.
    """
    for old in _open_codes(session, rt, request):
        old.tries_left = 0
    delivery = rt.register.controller.delivery
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = Challenge(
        request_id=request.id,
        purpose=FETCH,
        created_at=rt.now(),
        expires_at=rt.now() + timedelta(minutes=delivery.code_minutes),
        tries_left=delivery.code_tries,
    )
    session.add(row)
    session.flush()  # the code's digest is bound to the row's id
    sent = False
    if request.proof_sealed is not None:
        key = open_key(session, rt, request.data_key_id)
        to = open_proof(key, request).reply.email
        sent = bool(to) and may_send_code(session, rt, to)
    if sent:
        row.code_digest = rt.vault.digest("challenge", f"{row.id}:{code}")
        case = case_facts(rt, request, key, name="", code=code, code_minutes=delivery.code_minutes)
        queue_mail(session, rt, request, key, letter=Letter.FETCH_CODE, to=to, case=case, occurrence=str(row.id))
    facts = {"purpose": FETCH, "sent": sent}
    audit.record(session, "identity:challenged", at=rt.now(), actor="person", request_id=request.id, facts=facts)


def take_code(session: Session, rt: Runtime, request: Request, code: str) -> Challenge | None:
    """The code answered, if it was the right one; a wrong one costs one try. The caller holds the request's lock."""
    row = next(iter(_open_codes(session, rt, request)), None)
    if row is None or not challenges.take(session, rt, request, row, code):
        return None
    facts = {"purpose": FETCH, "method": "code"}
    audit.record(session, "identity:proven", at=rt.now(), actor="person", request_id=request.id, facts=facts)
    return row


def _open_codes(session: Session, rt: Runtime, request: Request) -> list[Challenge]:
    return list(
        session.scalars(
            select(Challenge)
            .where(
                Challenge.request_id == request.id,
                Challenge.purpose == FETCH,
                Challenge.used_at.is_(None),
                Challenge.tries_left > 0,
                Challenge.expires_at > rt.now(),
            )
            .order_by(Challenge.created_at.desc())
        )
    )


def fetch(session: Session, rt: Runtime, request: Request, name: str, *, actor: str) -> tuple[Artifact, RequestKey]:
    """The file and the key to stream it with; the fetch is an audit entry. Raises `NotFound`."""
    row = session.scalar(_ARTIFACT, {"of": request.id, "called": name})
    if row is None or row.purged_at is not None:
        raise NotFound("artifact")
    key = open_key(session, rt, row.data_key_id or request.data_key_id)
    if goes_to_nobody(session, rt, request):
        raise NotFound("artifact")
    audit.record(
        session,
        "package:fetched" if name == PACKAGE else "letter:fetched",
        at=rt.now(),
        actor=actor,
        request_id=request.id,
        facts={"name": name, "sha256": row.digest.hex()},
    )
    return row, key


def goes_to_nobody(session: Session, rt: Runtime, request: Request) -> bool:
    """Whether the answer was for somebody who may not act for the person any more."""
    if request.proof_sealed is None:
        return False
    key = open_key(session, rt, request.data_key_id)
    acted = open_proof(key, request).acted
    return acted is not None and acted.reply is not None and bool(ended(session, rt, request, key))
