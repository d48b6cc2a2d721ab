"""A claim that the person disputes is not collected while that is looked into: whoever collects for us is told so.

Source: Debt Collection Act 513/1999 s. 4 b; GDPR Art. 5(1)(d).
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.notices import Notice, NoticeKind
from models.request import Request
from models.vocabulary import Ownership
from workflows.recipients.content import Treated
from workflows.recipients.listed import name_of
from workflows.recipients.telling import tell
from workflows.rules.items import Item
from workflows.runtime import Runtime

_OCCURRENCE = "disputed"  # once in a case, however often it is looked at


def is_collected_and_disputed(rt: Runtime, items: Iterable[Item]) -> bool:
    """Whether the person disputes a claim while any is being collected; items are not read where nobody collects."""
    if not any(recipient.collects for recipient in rt.register.recipients):
        return False
    disputed = collected = False
    for item in items:
        if item.ownership in (Ownership.OWN, Ownership.SHARED):
            disputed = disputed or item.facts.get("disputed") is True
            collected = collected or item.facts.get("collection_open") is True
            if disputed and collected:
                return True
    return False


def pause_collecting(session: Session, rt: Runtime, request: Request, *, disputed: bool) -> list[Notice]:
    """Ask each recipient who collects for us to pause, once in a case, where the person disputes what is collected.

    Nobody is asked by a trial or by an erasure that is done again.
    """
    if not disputed or rt.settings.simulates or request.replay_id is not None:
        return []
    codes = {code for recipient in rt.register.recipients if recipient.collects for code in recipient.categories}
    treated = [Treated(code) for code in sorted(codes)]
    return tell(session, rt, request, kind=NoticeKind.PAUSE, treated=treated, occurrence=_OCCURRENCE)


def told_of_pause(session: Session, rt: Runtime, request: Request) -> dict[str, str]:
    """For the letter: who was asked to pause, where the controller names recipients; {} where nobody was."""
    asked = select(Notice.recipient).where(Notice.request_id == request.id, Notice.kind == NoticeKind.PAUSE)
    names = [name_of(rt, recipient) for recipient in session.scalars(asked.order_by(Notice.recipient))]
    if not names:
        return {}
    return {"paused": ", ".join(names) if rt.register.controller.names_recipients else ""}
