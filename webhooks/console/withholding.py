"""Part of an answer that is held back: named with ground and reason on the case's page, approved by somebody else."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act
from webhooks.console.roles import DECIDE, allow
from webhooks.console.shell import Shell
from workflows import withholding
from workflows.errors import BadInput, Fault


def pages(shell: Shell) -> Blueprint:
    """Hold a category back, and give it out after all."""
    rt = shell.rt
    blueprint = Blueprint("withholding", __name__)

    @blueprint.post("/requests/<reference>/withhold")
    @allow(DECIDE)
    def withhold(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = {name: request.form.get(f"back_{name}", "")[:5000] for name in ("category", "ground", "reason")}
            seen = request.form.get(f"seen:{given['category']}", "")
            try:
                withholding.withhold(session, rt, case, user=g.user.name, seen=seen, **given)
            except BadInput as error:
                raise BadInput([Fault(f"back_{f.where}", f.what, f.remedy) for f in error.faults]) from error
            return "withheld"

        return act(shell, reference, work, form="withhold")

    @blueprint.post("/requests/<reference>/withhold/give")
    @allow(DECIDE)
    def give(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            category, seen = (request.form.get(name, "")[:100] for name in ("category", "seen"))
            withholding.give_after_all(session, rt, case, user=g.user.name, category=category, seen=seen)
            return "given"

        return act(shell, reference, work, form="give")

    return blueprint
