"""Whose time is over, stage by stage. A hold on the person, or anything that is still open, keeps a case file whole."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import aliased

from models.delivery import Artifact, Outbox
from models.holds import ManualHold
from models.intake import Message, MessageCase
from models.purge import PurgeStage
from models.request import DataKey, Request
from models.staff import HumanTask
from models.verification import Challenge
from models.vocabulary import MessageState, OutboxState, RequestState, TaskState
from workflows.answer import FETCH, PACKAGE
from workflows.ladder.by_post import PURPOSE as LETTER
from workflows.lifecycle import BEFORE_EFFECTS
from workflows.outbox import PRINT
from workflows.runtime import Runtime

_OTHER = aliased(Request)
_SETTLED = (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN)


def due(rt: Runtime, stage: PurgeStage) -> Select[Any]:
    """The ids of the records of this stage whose time is over."""
    own = rt.register.controller.own_records
    if stage is PurgeStage.EVIDENCE:
        return select(Request.id).where(_has_evidence(rt))
    if stage is PurgeStage.PACKAGE:
        made_before = rt.now() - timedelta(days=own.packages.days)
        return select(Artifact.id).where(
            Artifact.name == PACKAGE,
            Artifact.purged_at.is_(None),
            Artifact.made_at < made_before,
            or_(Artifact.kept_until.is_(None), Artifact.kept_until < rt.today()),
        )
    if stage is PurgeStage.MESSAGE:
        return select(Message.id).where(_read_and_over(rt, own.messages.days))
    if stage is PurgeStage.MAIL:
        written = exists().where(Outbox.request_id == Request.id, func.length(Outbox.body_sealed) > 0, is_over())
        return select(Request.id).where(_over(rt, own.messages.days), written)
    alive = exists().where(DataKey.id == Request.data_key_id, DataKey.destroyed_at.is_(None))
    return select(Request.id).where(_over(rt, own.cases.days), alive, ~_pending())


def is_over() -> ColumnElement[bool]:
    """Whether a mail goes nowhere any more; a letter on paper does while anybody is asked to print one of its case."""
    asked = exists().where(
        HumanTask.request_id == Outbox.request_id, HumanTask.code == PRINT, HumanTask.state == TaskState.OPEN
    )
    return or_(Outbox.state.in_(_SETTLED), and_(Outbox.state == OutboxState.PAPER, ~asked))


def all_of(stage: PurgeStage) -> Select[Any]:
    """How many records there are of the kind that a stage is about."""
    counted = {PurgeStage.PACKAGE: Artifact, PurgeStage.MESSAGE: Message}.get(stage, Request)
    return select(func.count()).select_from(counted)


def is_evidence(rt: Runtime) -> ColumnElement[bool]:
    """Whether a challenge is of no use any more but as evidence; a letter on its way will open the answer yet."""
    open_still = and_(Challenge.used_at.is_(None), Challenge.tries_left > 0, Challenge.expires_at > rt.now())
    return not_(and_(Challenge.purpose == LETTER, open_still))


def _has_evidence(rt: Runtime) -> ColumnElement[bool]:
    # A code that opens an answer is no evidence of the decision; it dies with the case, or when it is over.
    kept = or_(Challenge.candidate_sealed.is_not(None), Challenge.code_digest.is_not(None))
    proving = exists().where(Challenge.request_id == Request.id, Challenge.purpose != FETCH, kept, is_evidence(rt))
    return and_(Request.state.not_in(BEFORE_EFFECTS), proving)


def _over(rt: Runtime, days: int, request: Any = Request) -> ColumnElement[bool]:
    ended = and_(request.state == RequestState.CLOSED, request.closed_at < rt.now() - timedelta(days=days))
    return and_(ended, ~_held(rt, request))


def _held(rt: Runtime, request: Any) -> Exists:
    """A hold by hand on the person: a complaint, a claim, an order. Their case files are needed for it."""
    return exists().where(
        ManualHold.subject_digest == request.subject_digest,
        ManualHold.released_at.is_(None),
        ManualHold.until >= rt.today(),
    )


def _pending() -> ColumnElement[bool]:
    """Something about the case is not done: a person's task, or a case that builds on it."""
    task = exists().where(HumanTask.request_id == Request.id, HumanTask.state == TaskState.OPEN)
    builds_on = or_(_OTHER.after_request_id == Request.id, _OTHER.supplements_id == Request.id)
    return or_(task, exists().where(builds_on, _OTHER.state != RequestState.CLOSED))


def _read_and_over(rt: Runtime, days: int) -> ColumnElement[bool]:
    alive = exists().where(DataKey.id == Message.data_key_id, DataKey.destroyed_at.is_(None))
    of_case = MessageCase.message_id == Message.id
    case = exists().where(of_case)
    needed = exists().where(of_case, _OTHER.id == MessageCase.request_id, ~_over(rt, days, _OTHER))
    ended = and_(Message.state.in_((MessageState.OPENED, MessageState.ATTACHED)), case, ~needed)
    unread = and_(Message.state == MessageState.IGNORED, ~case, Message.arrived_at < rt.now() - timedelta(days=days))
    waits = exists().where(HumanTask.message_id == Message.id, HumanTask.state == TaskState.OPEN)
    return and_(alive, or_(ended, unread), ~waits)
