"""Sources that failed: ask again, or go on without one as a named gap."""

import uuid

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.step import Step
from webhooks.console.decision import act
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows.errors import BadInput, Fault, NotFound
from workflows.repair import requeue
from workflows.stages.collection import skip_source


def pages(shell: Shell) -> Blueprint:
    """Retry and skip."""
    rt = shell.rt
    blueprint = Blueprint("collection", __name__)

    @blueprint.post("/requests/<reference>/steps/<uuid:step>/requeue")
    @allow(WORK)
    def again(reference: str, step: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            row = session.get(Step, step, with_for_update=True)
            if row is None or row.request_id != case.id:
                raise NotFound("step")
            requeue(session, rt, row, user=g.user.name)
            return "requeued"

        return act(shell, reference, work, form="requeue")

    @blueprint.post("/requests/<reference>/sources/<source>/skip")
    @allow(WORK)
    def skip(reference: str, source: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            if request.form.get("sure") != "yes":
                raise BadInput([Fault("sure", "skip_not_confirmed")])
            skip_source(session, rt, case, source, user=g.user.name)
            return "skipped"

        return act(shell, reference, work, form=f"skip_{source}")

    return blueprint
