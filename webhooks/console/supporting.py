"""Signatures under a request: looked at, put on record, and never a proof by themselves."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act
from webhooks.console.roles import WORK, allow, takes_files
from webhooks.console.shell import Shell
from workflows.errors import BadInput, Fault
from workflows.ladder import supporting

_MOST_BYTES = 5 << 20


def pages(shell: Shell) -> Blueprint:
    """A signed PDF, and a letter signed by hand."""
    rt = shell.rt
    blueprint = Blueprint("supporting", __name__)

    @blueprint.post("/requests/<reference>/signed-pdf")
    @takes_files(_MOST_BYTES)
    @allow(WORK)
    def pdf(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = request.files.get("pdf")
            content = given.read(_MOST_BYTES + 1) if given else b""
            if not content:
                raise BadInput([Fault("pdf", "pdf_missing")])
            return f"signed_{supporting.look_at_pdf(session, rt, case, content, user=g.user.name).result}"

        return act(shell, reference, work, form="signed_pdf")

    @blueprint.post("/requests/<reference>/hand-signed")
    @allow(WORK)
    def letter(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            supporting.compared(session, rt, case, how=request.form.get("compared", ""), user=g.user.name)
            return "compared"

        return act(shell, reference, work, form="hand_signed")

    return blueprint
