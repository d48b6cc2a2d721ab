"""What a form says beside the right itself: the items that are wrong, and the wish for an answer on paper."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models.rectification import Flaw, Remedy
from models.request import Request
from models.vocabulary import Right, TaskKind
from workflows.human import open_task
from workflows.rectifying.saying import Said, say
from workflows.rules.form_items import items_in
from workflows.runtime import Runtime

PAPER, LARGE = "wants_paper", "wants_large_print"
"""Codes of the task of somebody who wants the answer on paper, in large print."""

_MEANS = {
    "inaccurate": (Remedy.CORRECT, Flaw.INACCURATE),
    "outdated": (Remedy.CORRECT, Flaw.OUTDATED),
    "incomplete": (Remedy.COMPLETE, Flaw.INCOMPLETE),
    "unnecessary": (Remedy.ERASE, Flaw.UNNECESSARY),
}


def note_wishes(session: Session, rt: Runtime, request: Request, answers: Mapping[str, str]) -> None:
    """Write them down with the request that was opened just now, in its transaction."""
    if request.right is Right.RECTIFICATION and "item1_what" in answers:
        for item in items_in(answers):
            remedy, flaw = _MEANS[item.kind]
            said = Said(item.what, item.current, item.wanted, item.evidence)
            say(session, rt, request, said, remedy=remedy, flaw=flaw, by="person")
    code = LARGE if answers.get("large") else PAPER if answers.get("reply_by") == "post" else ""
    if code:
        # A program prints nothing: somebody posts what the person could also fetch.
        key = f"paper:{request.id}"
        open_task(session, rt, key=key, kind=TaskKind.CHECK, code=code, request_id=request.id, due_on=request.due_on)
