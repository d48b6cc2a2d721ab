"""Of which kinds of data a copy is given: shown on the case, and said there by whoever read what the person wrote."""

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.case import show_case
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows import narrowing
from workflows.errors import VastineError
from workflows.views import find_request


def pages(shell: Shell) -> Blueprint:
    """The form's end."""
    blueprint = Blueprint("narrowing", __name__)

    @blueprint.post("/requests/<reference>/narrow")
    @allow(WORK)
    def narrow(reference: str) -> BaseResponse:
        try:
            with shell.rt.unit() as session:
                found = find_request(session, reference, lock=True)
                wanted = request.form.getlist("categories")
                narrowing.narrow(session, shell.rt, found, user=g.user.name, categories=wanted)
        except VastineError as error:
            return show_case(shell, reference, problem=error, form="narrow", status=error.status)
        return redirect(url_for("case.case", reference=reference, done="narrowed"))

    return blueprint
