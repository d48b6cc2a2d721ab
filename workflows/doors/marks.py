"""The mark by which a door knows a request of our own: keyed, good for one door and once.

Nobody else can make one, so nobody can get a request swallowed by writing one into it; and whoever saw one pass
can't use it again.
"""

import hmac
import re
import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.orm import Session

from models.doors import DoorCanary
from models.intake import Message
from models.vocabulary import Channel, MessageState
from workflows import audit
from workflows.runtime import Runtime

CANARY = "canary"
"""Why a message of our own is kept and no case."""

PORTAL, API, MAIL = "portal", "api", "mail:"
_OF = {Channel.PORTAL: PORTAL, Channel.API: API, Channel.EMAIL: MAIL}
_MARK = re.compile(r"vastine-canary-([0-9a-f]{32})-([0-9a-f]{32})")
_GOOD_FOR = timedelta(days=7)


def mark_of(rt: Runtime, canary: DoorCanary) -> str:
    """The words that stand in the request."""
    return f"vastine-canary-{canary.id.hex}-{_seal(rt, canary.door, canary.id)}"


def _seal(rt: Runtime, door: str, ident: uuid.UUID) -> str:
    return rt.vault.digest("door-canary", f"{door}:{ident.hex}").hex()[:32]


def is_own(session: Session, rt: Runtime, message: Message, texts: Iterable[str]) -> bool:
    """Whether a message that was just stored is one of ours: then it has arrived, and nothing else comes of it."""
    found = next((m for text in texts if (m := _MARK.search(text))), None)
    if found is None:
        return False
    canary = session.get(DoorCanary, uuid.UUID(hex=found[1]), with_for_update=True)
    if canary is None or not hmac.compare_digest(found[2], _seal(rt, canary.door, canary.id)):
        return False
    if canary.arrived_at is not None or canary.sent_at < rt.now() - _GOOD_FOR:
        return False
    if not canary.door.startswith(_OF.get(message.channel, "-")):
        return False
    canary.arrived_at, canary.code = rt.now(), None
    message.state, message.why = MessageState.IGNORED, CANARY
    facts: dict[str, object] = {"message": str(message.id), "code": CANARY}
    audit.record(session, "message:ignored", at=rt.now(), actor="vastine", facts=facts)
    return True
