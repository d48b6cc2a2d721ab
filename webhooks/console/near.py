"""A case that concerns whoever sits here: their own is not there for them, one of somebody near asks for a reason."""

import uuid
from typing import Any

from flask import Blueprint, Flask, abort, g, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.intake import MessageCase
from models.nearness import CaseNearness, Nearness
from models.notices import Notice
from models.request import Request
from models.staff import HumanTask
from webhooks.console.case import problems_of
from webhooks.console.roles import LIST, allow
from webhooks.console.shell import Shell
from workflows import nearness
from workflows.barring import is_opened
from workflows.errors import VastineError
from workflows.rules.reference import parse_reference
from workflows.views import find_request

_OPENS, _BARS = "near.open_near", "near.bar"


def pages(shell: Shell) -> Blueprint:
    """The reason to look, and a colleague's word that they stand near."""
    rt = shell.rt
    blueprint = Blueprint("near", __name__)

    @blueprint.post("/requests/<reference>/near")
    @allow(LIST)
    def open_near(reference: str) -> BaseResponse:
        try:
            with rt.unit() as session:
                case = find_request(session, reference, lock=True)
                reason = request.form.get("near_reason", "")[:5000]
                nearness.open_near(session, rt, case, user=g.user.name, reason=reason)
                known = case.reference
        except VastineError as error:
            return _ask(shell, reference, problem=error)
        return redirect(url_for("case.case", reference=known))

    @blueprint.post("/requests/<reference>/near/bar")
    @allow(LIST)
    def bar(reference: str) -> BaseResponse:
        with rt.unit() as session:
            case = find_request(session, reference, lock=True)
            reason = request.form.get("near_reason", "")[:5000]
            nearness.bar(session, rt, case, g.user.name, by=g.user.name, reason=reason)
        return redirect(url_for("queue.queue"))

    return blueprint


def guard_near(app: Flask, shell: Shell) -> None:
    """Look, before any page of a case, whether it concerns whoever asks for it."""

    @app.before_request
    def does_it_concern_them() -> BaseResponse | None:
        user = g.get("user")
        if user is None or not request.view_args or request.endpoint == _OPENS:
            return None
        with shell.rt.unit() as session:
            for ident in _requests(session, request.view_args):
                row = session.get(CaseNearness, (ident, user.name))
                if row is None:
                    continue
                goes_away = request.endpoint == _BARS
                if row.nearness is Nearness.NEAR and (goes_away or is_opened(row, shell.rt.now())):
                    continue
                case = session.get_one(Request, ident, with_for_update=True)
                if row.nearness is Nearness.NEAR:
                    return _ask(shell, case.reference)
                nearness.note_attempt(session, shell.rt, case, user=user.name)
                g.hidden = True
        if g.get("hidden"):  # after the commit: that they tried stays on record
            abort(404)
        return None


def _requests(session: Session, args: dict[str, Any]) -> list[uuid.UUID]:
    """The cases that an address is about, by its reference or by what belongs to a case."""
    found: set[uuid.UUID] = set()
    if reference := parse_reference(str(args.get("reference", ""))):
        found |= set(session.scalars(select(Request.id).where(Request.reference == reference)))
    if isinstance(ident := args.get("ident"), uuid.UUID):
        owners = (
            select(HumanTask.request_id).where(HumanTask.id == ident),
            select(MessageCase.request_id).where(MessageCase.message_id == ident),
            select(Notice.request_id).where(Notice.id == ident),
        )
        found |= {owner for query in owners for owner in session.scalars(query) if owner is not None}
    return sorted(found)


def _ask(shell: Shell, reference: str, *, problem: VastineError | None = None) -> BaseResponse:
    return shell.page(
        "near.html",
        status=problem.status if problem else 403,
        reference=reference,
        problems=problems_of(problem) if problem else [],
        typed=request.form,
    )
