"""What a person is shown of their request: how far it is and what they can do now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.delivery import Artifact
from models.request import Request
from models.vocabulary import RequestState
from workflows.banning import is_ban
from workflows.casefile import open_claim, open_key
from workflows.errors import NeverAgain
from workflows.ladder.signin import BY_PROVIDER
from workflows.lifecycle import is_automatic, may_withdraw
from workflows.runtime import Runtime
from workflows.thread import ATTACHMENT

Standing = Literal["done", "now", "later"]
_FILE_KINDS = ("application/zip", "application/pdf")


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the story: its key for the words, where it stands, and the day it was done."""

    key: str
    standing: Standing
    on: date | None = None


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file that can be fetched."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The status page's facts. The same for a known and an unknown person until one is proven."""

    reference: str
    right: str
    received_on: date
    due_on: date
    extended: bool
    extension_reason: str
    stages: tuple[Stage, ...]
    doing: str  # key of the one thing to do now, or of what we are doing
    outcome: str
    ended: bool
    may_withdraw: bool
    recheck_on: date | None
    ready: bool


_STAGES = ("received", "identity", "search", "decision", "answer")
_BY_HAND = ("received", "by_hand", "answer")
_AT_ONCE = ("received", "answer")
"""A ban: nobody is identified, and nothing searched."""
_NOW = {
    RequestState.RECEIVED: 1,
    RequestState.VERIFYING: 1,
    RequestState.COLLECTING: 2,
    RequestState.ASSESSING: 3,
    RequestState.DECIDING: 3,
    RequestState.DELIVERING: 4,
    RequestState.ERASING: 4,
    RequestState.PROVING: 4,
    RequestState.CHANGING: 4,
    RequestState.CLOSING: 4,
    RequestState.HELD: 5,
    RequestState.CLOSED: 5,
}


def progress_of(session: Session, rt: Runtime, request: Request) -> Progress:
    """The facts of one request."""
    ended = request.state in (RequestState.CLOSED, RequestState.HELD)
    ready = bool(files_of(session, request)) and request.proof_sealed is not None
    return Progress(
        reference=request.reference,
        right=request.right.value,
        received_on=request.received_on,
        due_on=request.due_on,
        extended=request.extended_until is not None,
        extension_reason=request.extension_reason or "",
        stages=_stages(session, rt, request),
        doing=_doing(session, rt, request, ready=ready),
        outcome=request.outcome.value if request.outcome and ended else "",
        ended=ended,
        may_withdraw=may_withdraw(request),
        recheck_on=request.recheck_on if request.state is RequestState.HELD else None,
        ready=ready,
    )


def _stages(session: Session, rt: Runtime, request: Request) -> tuple[Stage, ...]:
    zone = ZoneInfo(rt.register.controller.time_zone)
    keys: Sequence[str] = _STAGES if is_automatic(rt, request.right) else _BY_HAND
    if is_ban(request.right):
        keys = _AT_ONCE
    searched = session.scalar(select(func.max(Finding.searched_at)).where(Finding.request_id == request.id))
    on = {
        "received": request.received_on,
        "identity": request.verified_at.astimezone(zone).date() if request.verified_at else None,
        "search": searched.astimezone(zone).date() if searched else None,
        "answer": request.answered_at.astimezone(zone).date() if request.answered_at else None,
    }
    now = _NOW[request.state] if keys is _STAGES else (len(keys) if request.state is RequestState.CLOSED else 1)
    return tuple(
        Stage(
            key,
            "done" if n < now else "now" if n == now else "later",
            on.get(key) if n < now or n == now == 5 else None,
        )
        for n, key in enumerate(keys)
    )


def _doing(session: Session, rt: Runtime, request: Request, *, ready: bool) -> str:
    if not is_automatic(rt, request.right) and request.state is RequestState.RECEIVED:
        return "by_hand"
    if request.state is RequestState.VERIFYING and request.verified_method in BY_PROVIDER:
        return "checking"
    if request.state is RequestState.VERIFYING:
        return "for_another" if _is_for_another(session, rt, request) else "code"
    if ready and request.state in (RequestState.CLOSING, RequestState.CLOSED, RequestState.HELD):
        return "fetch"
    if request.state in (RequestState.CLOSED, RequestState.HELD):
        return "ended"
    return "working"


def _is_for_another(session: Session, rt: Runtime, request: Request) -> bool:
    try:
        return open_claim(open_key(session, rt, request.data_key_id), request).for_another
    except NeverAgain:
        return False  # the key is destroyed: the case is long over


def files_of(session: Session, request: Request) -> list[FileLine]:
    """The files that can be fetched now, the package first."""
    rows = session.scalars(
        select(Artifact).where(Artifact.request_id == request.id, Artifact.purged_at.is_(None)).order_by(Artifact.name)
    )
    own = [r for r in rows if not r.name.startswith(ATTACHMENT)]  # those stand beside their messages
    lines = [FileLine(r.name, r.media_type, r.size_bytes) for r in own if r.media_type in _FILE_KINDS]
    return sorted(lines, key=lambda line: line.kind != "application/zip")
