"""A new request for a customer who came, called or wrote a letter."""

import secrets

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.case import problems_of
from webhooks.console.entry import choices, read_entry
from webhooks.console.roles import REGISTER, allow
from webhooks.console.shell import Shell
from workflows.errors import VastineError
from workflows.rules.items import canonical
from workflows.stages.intake import open_requests, requests_of, store

_NONCE = 64


def pages(shell: Shell) -> Blueprint:
    """The form and what becomes of it."""
    blueprint = Blueprint("newcase", __name__)

    @blueprint.get("/requests/new")
    @allow(REGISTER)
    def new() -> BaseResponse:
        return _form(shell)

    @blueprint.post("/requests/new")
    @allow(REGISTER)
    def open_one() -> BaseResponse:
        try:
            try:
                reference = _open(shell)
            except IntegrityError:  # a double click, both at once: the other one is in by now
                reference = _open(shell)
        except VastineError as error:
            return _form(shell, problem=error)
        return redirect(url_for("case.case", reference=reference, done="opened"))

    return blueprint


def _form(shell: Shell, *, problem: VastineError | None = None) -> BaseResponse:
    return shell.page(
        "new.html",
        status=problem.status if problem else 200,
        problems=problems_of(problem) if problem else [],
        typed=request.form,
        chosen=request.form.getlist("right"),
        nonce=request.form.get("nonce", "")[:_NONCE] or secrets.token_urlsafe(16),
        today=shell.rt.today(),
        **choices(shell),
    )


def _open(shell: Shell) -> str:
    """Open what was written down, once for each form however often it is sent; the last request's reference."""
    rt = shell.rt
    written = read_entry(shell, user=g.user.name)
    raw = canonical(dict(written.fields)).encode()
    ident = f"staff:{g.user.name}:{request.form.get('nonce', '')[:_NONCE]}"
    with rt.unit() as session:
        message, fresh = store(session, rt, channel=written.asked[0].channel, external_id=ident, raw=raw)
        if fresh or not requests_of(session, message):
            open_requests(session, rt, written.asked, message=message)
        return requests_of(session, message)[-1].reference
