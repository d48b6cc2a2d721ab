"""What is asked of the person, whether the answer suffices, and a case taken up again once the answer is there."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.asking import AskKind
from models.request import Request
from webhooks.console.decision import act
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows import asking
from workflows.errors import BadInput, Conflict, Fault
from workflows.reopening import reopen

KINDS = (AskKind.IDENTITY, AskKind.MANDATE, AskKind.SPECIFICATION)
WANTED = tuple(code for code in asking.WANTED if code != "other")
"""No mail says the words of a question, so each thing that is wanted needs a sentence of its own."""


def pages(shell: Shell) -> Blueprint:
    """Questions and their answers."""
    rt = shell.rt
    blueprint = Blueprint("asking", __name__)

    @blueprint.post("/requests/<reference>/ask")
    @allow(WORK)
    def ask(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            kind, wanted = _kind(), request.form.getlist("wanted")
            if not set(wanted) <= set(WANTED):
                raise BadInput([Fault("wanted", "wanted_missing")])
            words = request.form.get("words", "")[:5000]
            asking.ask_person(session, rt, case, user=g.user.name, kind=kind, wanted=wanted, words=words)
            return "asked"

        return act(shell, reference, work, form="ask")

    @blueprint.post("/requests/<reference>/ask/answered")
    @allow(WORK)
    def answered(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            asking.may_ask(session, g.user.name)
            take = asking.answered if request.form.get("enough") == "yes" else asking.insufficient
            if not take(session, rt, case, kind=_kind(), by=g.user.name):
                raise Conflict("no_question", detail="no question of this kind is open")
            return "ask_answered"

        return act(shell, reference, work, form="answered")

    @blueprint.post("/requests/<reference>/reopen")
    @allow(WORK)
    def again(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            reopen(session, rt, case, user=g.user.name, reason=request.form.get("reopen_reason", "")[:5000])
            return "reopened"

        return act(shell, reference, work, form="reopen")

    return blueprint


def _kind() -> AskKind:
    given = request.form.get("kind", "")
    if given not in {kind.value for kind in KINDS}:
        raise BadInput([Fault("kind", "ask_kind_missing")])
    return AskKind(given)
