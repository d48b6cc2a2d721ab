"""One rung less of proof for one case: asked for with a reason, read and confirmed by somebody else."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act
from webhooks.console.roles import DECIDE, WORK, allow
from webhooks.console.shell import Shell
from workflows.ladder import lowering


def pages(shell: Shell) -> Blueprint:
    """Ask and confirm."""
    rt = shell.rt
    blueprint = Blueprint("lowering", __name__)

    @blueprint.post("/requests/<reference>/lower")
    @allow(WORK)
    def ask(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            lowering.ask(session, rt, case, user=g.user.name, reason=request.form.get("reason", "")[:5000])
            return "less_asked"

        return act(shell, reference, work, form="lower")

    @blueprint.post("/requests/<reference>/lower/confirm")
    @allow(DECIDE)
    def confirm(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            lowering.confirm(session, rt, case, user=g.user.name, read=request.form.get("read", ""))
            return "less_accepted"

        return act(shell, reference, work, form="lower_confirm")

    return blueprint
