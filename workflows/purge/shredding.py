"""What a stage does to one record. Each looks again under the lock, and may be repeated.

What is sealed is emptied and its key destroyed: the one reaches this database, the other every copy of it that is
newer than the day it was made. The rows stay, since the audit record and the statistics name them.
"""

import secrets
import uuid
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from models.asking import Ask
from models.candidates import CandidateVerdict
from models.collection import Finding
from models.decision import KeptItem, Plan, PlanItem
from models.delivery import Artifact, Grant, Outbox
from models.erasure import Receipt
from models.hand import Checkout, HandFile, HandSearch, HandTick
from models.intake import CaseKey, EventCase, Message
from models.mandate import Mandate
from models.nearness import CaseNearness
from models.notices import Notice
from models.purge import PurgeStage
from models.rectification import RectificationItem
from models.refusing import RefusalCase, Withholding
from models.request import DataKey, Request
from models.restriction import Restriction, Weighing
from models.session import after_commit
from models.source import SourceMark
from models.thread import Reply
from models.verification import Challenge
from models.vocabulary import OutboxState
from workflows import audit
from workflows.attaching import with_files
from workflows.errors import VastineError
from workflows.purge.due import is_evidence, is_over
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.purge")

_QUIET = {"synchronize_session": False}


def shred(session: Session, rt: Runtime, stage: PurgeStage, ident: uuid.UUID) -> None:
    """Let go of one record of a stage; the caller has seen, in this transaction, that it is due."""
    if stage is PurgeStage.MESSAGE:
        _message(session, rt, session.get_one(Message, ident, with_for_update=True))
        return
    if stage is PurgeStage.PACKAGE:
        artifact = session.get_one(Artifact, ident)
        session.get_one(Request, artifact.request_id, with_for_update=True)
        forget_package(session, rt, artifact)
        return
    request = session.get_one(Request, ident, with_for_update=True)
    if stage is PurgeStage.EVIDENCE:
        session.execute(
            update(Challenge)
            .where(Challenge.request_id == request.id, is_evidence(rt))
            .values(candidate_sealed=None, code_digest=None, tries_left=0)
            .execution_options(**_QUIET)
        )
    elif stage is PurgeStage.MAIL:
        _mail(session, request, is_over())
    else:
        _case(session, rt, request)


def destroy_key(session: Session, rt: Runtime, ident: uuid.UUID, *, of: str, request_id: uuid.UUID | None) -> bool:
    """Destroy a key for good; False if it was before. Nothing it sealed can be opened from then on."""
    row = session.get(DataKey, ident, with_for_update=True)
    if row is None or row.wrapped is None:
        return False
    row.wrapped, row.destroyed_at = None, rt.now()
    facts = {"data_key": str(ident), "of": of}
    audit.record(session, "key:destroyed", at=rt.now(), actor="vastine", request_id=request_id, facts=facts)
    return True


def forget_package(session: Session, rt: Runtime, artifact: Artifact) -> None:
    """The package, its own key, and the copies of records it was made from; the letter stays with the case."""
    names = [artifact.blob]
    for finding in session.scalars(select(Finding).where(Finding.request_id == artifact.request_id)):
        names += list(with_files(rt, finding.blob)) if finding.blob else []
        finding.blob = None
    artifact.purged_at = rt.now()
    if artifact.data_key_id is not None:
        destroy_key(session, rt, artifact.data_key_id, of="package", request_id=artifact.request_id)
    audit.record(session, "package:purged", at=rt.now(), actor="vastine", request_id=artifact.request_id)
    after_commit(session, partial(_delete, rt, names))


def _message(session: Session, rt: Runtime, message: Message) -> None:
    message.raw_sealed = b""
    answered = update(Outbox).where(Outbox.data_key_id == message.data_key_id)  # a question of no case, by mail
    session.execute(answered.values(to_sealed=b"", body_sealed=b"").execution_options(**_QUIET))
    destroy_key(session, rt, message.data_key_id, of="message", request_id=None)


def _mail(session: Session, request: Request, *which: ColumnElement[bool]) -> None:
    gone = update(Outbox).where(Outbox.request_id == request.id, *which).values(to_sealed=b"", body_sealed=b"")
    session.execute(gone.execution_options(**_QUIET))
    # A letter whose text is gone is printed by nobody any more.
    unposted = update(Outbox).where(Outbox.request_id == request.id, Outbox.body_sealed == b"")
    unposted = unposted.where(Outbox.state == OutboxState.PAPER).values(state=OutboxState.FAILED)
    session.execute(unposted.execution_options(**_QUIET))
    session.execute(
        update(Reply).where(Reply.request_id == request.id).values(words_sealed=None).execution_options(**_QUIET)
    )


def _case(session: Session, rt: Runtime, request: Request) -> None:
    names = list(rt.blobs.names(f"{request.id}/"))
    _mail(session, request)
    _plans(session, request)
    _by_hand(session, request)
    mine: list[tuple[Any, dict[str, Any]]] = [
        (Finding, {"leads_sealed": None, "blob": None, "seeds_digest": None}),
        (Artifact, {"purged_at": rt.now()}),
        (Ask, {"words_sealed": None}),
        (Mandate, {"holder_sealed": None, "offer_sealed": None}),
        (RefusalCase, {"evidence_sealed": None, "reason_sealed": None}),
        (Withholding, {"reason_sealed": None}),
        (Restriction, {"note_sealed": None, "lift_sealed": None}),
        (Weighing, {"ours_sealed": None, "theirs_sealed": None}),
    ]
    for table, values in mine:
        session.execute(
            update(table).where(table.request_id == request.id).values(**values).execution_options(**_QUIET)
        )
    for gone in (Challenge, Grant, CandidateVerdict, CaseKey, CaseNearness, EventCase):
        session.execute(delete(gone).where(gone.request_id == request.id).execution_options(**_QUIET))
    for key_id in session.scalars(
        select(Artifact.data_key_id).where(Artifact.request_id == request.id, Artifact.data_key_id.is_not(None))
    ):
        if key_id is not None:
            destroy_key(session, rt, key_id, of="package", request_id=request.id)
    session.execute(
        update(Notice)
        .where(Notice.request_id == request.id)
        .values(content_sealed=b"", reason_sealed=None, token_digest=None)
        .execution_options(**_QUIET)
    )
    session.execute(
        update(RectificationItem)
        .where(RectificationItem.request_id == request.id)
        .values(said_sealed=b"", target_sealed=None, reason_sealed=None, before_digest=None, after_digest=None)
        .execution_options(**_QUIET)
    )
    request.claim_sealed, request.proof_sealed, request.refusal_sealed = b"", None, None
    request.extension_sealed = request.answer_sealed = None
    request.subject_digest, request.status_digest = None, secrets.token_bytes(32)  # no link leads here any more
    destroy_key(session, rt, request.data_key_id, of="case", request_id=request.id)
    after_commit(session, partial(_delete, rt, names))


def _plans(session: Session, request: Request) -> None:
    plans = session.scalars(select(Plan.id).where(Plan.request_id == request.id)).all()
    emptied: list[tuple[Any, dict[str, Any]]] = [
        (PlanItem, {"locator_sealed": b"", "item_digest": b""}),
        (KeptItem, {"params_sealed": b""}),
        (Receipt, {"after_digest": None}),
    ]
    for table, values in emptied:
        session.execute(update(table).where(table.plan_id.in_(plans)).values(**values).execution_options(**_QUIET))
    marks = [SourceMark.op_id.startswith(f"{plan}:") for plan in plans]
    if marks:
        session.execute(delete(SourceMark).where(or_(*marks)).execution_options(**_QUIET))


def _by_hand(session: Session, request: Request) -> None:
    emptied: list[tuple[Any, dict[str, Any]]] = [
        (
            HandSearch,
            {"terms_sealed": None, "draft_sealed": None, "answer_sealed": None, "asked_digest": b""}
            | {"answered_digest": None},
        ),
        (HandTick, {"reason_sealed": None, "sign_off_sealed": None, "certificate_id": None}),
        (Checkout, {"folder_sealed": b""}),
    ]
    for table, values in emptied:
        session.execute(
            update(table).where(table.request_id == request.id).values(**values).execution_options(**_QUIET)
        )
    session.execute(delete(HandFile).where(HandFile.request_id == request.id).execution_options(**_QUIET))


def _delete(rt: Runtime, names: list[str]) -> None:
    for name in names:
        try:
            rt.blobs.delete(name)
        except VastineError as error:
            log.warning("blob.not_deleted", code=error.code)  # no row names it any more: the nightly sweep will
