"""What the person can fetch: files made for them, the links that lead there, and the notice that says so."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Artifact, Grant
from models.request import Request
from models.vocabulary import Letter
from workflows import audit
from workflows.casefile import open_key, open_proof
from workflows.caseview import case_facts
from workflows.errors import NotFound
from workflows.outbox import queue_mail
from workflows.ports import RequestKey
from workflows.runtime import Runtime

PACKAGE = "package.zip"


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
) -> None:
    """Register a file of this name; a newer one takes the older one's place."""
    row = session.scalar(select(Artifact).where(Artifact.request_id == request.id, Artifact.name == name))
    if row is None:
        row = Artifact(request_id=request.id, name=name)
        session.add(row)
    row.media_type, row.blob, row.digest, row.size_bytes = media_type, blob, digest, size
    row.made_at, row.purged_at = rt.now(), None


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


def notify_ready(session: Session, rt: Runtime, request: Request, key: RequestKey, *, occurrence: str) -> None:
    """Tell the contact on file that something can be fetched; the link alone opens nothing."""
    token, expires = grant(session, rt, request)
    link = f"{rt.settings.public_url}/{request.language}/fetch/{token}"
    case = case_facts(rt, request, key, name="", link=link, link_expires_on=expires.date())
    to = open_proof(key, request).contact.email
    queue_mail(session, rt, request, key, letter=Letter.READY, to=to, case=case, occurrence=occurrence, once=True)


def fetch(session: Session, rt: Runtime, request: Request, name: str, *, actor: str) -> tuple[Artifact, RequestKey]:
    """The file and the key to stream it with; the fetch is an audit entry. Raises `NotFound`."""
    row = session.scalar(select(Artifact).where(Artifact.request_id == request.id, Artifact.name == name))
    if row is None or row.purged_at is not None:
        raise NotFound("artifact")
    audit.record(
        session,
        "package:fetched" if name == PACKAGE else "letter:fetched",
        at=rt.now(),
        actor=actor,
        request_id=request.id,
        facts={"name": name, "sha256": row.digest.hex()},
    )
    return row, open_key(session, rt, request.data_key_id)
