"""A case that ends without a decision: the person took it back, or was answered outside the program."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows.errors import BadInput, Fault
from workflows.stages import decision
from workflows.stages.by_hand import answer_by_hand


def pages(shell: Shell) -> Blueprint:
    """Withdrawal, and an answer by hand."""
    rt = shell.rt
    blueprint = Blueprint("ending", __name__)

    @blueprint.post("/requests/<reference>/withdraw")
    @allow(WORK)
    def withdraw(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            if request.form.get("asked") != "yes":
                raise BadInput([Fault("asked", "withdrawal_not_confirmed")])
            decision.withdraw(session, rt, case, actor=g.user.name)
            return "withdrawn"

        return act(shell, reference, work, form="withdraw")

    @blueprint.post("/requests/<reference>/by-hand")
    @allow(WORK)
    def by_hand(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            letter, words = request.form.get("answer_letter", ""), request.form.get("answer_words", "")
            goes_on = request.form.get("goes_on") == "yes"
            answer_by_hand(session, rt, case, user=g.user.name, letter=letter, words=words, goes_on=goes_on)
            return "by_hand"

        return act(shell, reference, work, form="by_hand")

    return blueprint
