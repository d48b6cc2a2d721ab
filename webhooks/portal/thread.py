"""The messages of a case as the person sees them on its page, and on the page of a mailed link."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.request import Request
from webhooks.portal.house import house
from workflows import thread
from workflows.answer import goes_to_nobody


@dataclass(frozen=True, slots=True)
class Shown:
    """`locked`: there are words that this browser may not see; `new`: messages nobody was shown yet."""

    lines: tuple[thread.Line, ...]
    locked: bool
    new: int
    over: bool


def messages(session: Session, asked: Request, *, opened: bool) -> Shown:
    """The messages; in a browser that is open for this case with all their words, and they count as read then."""
    rt = house().rt
    opened = opened and not goes_to_nobody(session, rt, asked)
    new = thread.unread(session, asked)
    lines = tuple(thread.thread_of(session, rt, asked, all_words=opened))
    if opened and new:
        thread.shown(session, rt, asked, lines)
    locked = not opened and any(line.by and line.words is None for line in lines)
    return Shown(lines, locked, new, thread.is_over(asked))
