"""Restriction and objection on the page of a case: name ground and data, weigh, mark by hand, lift."""

import uuid
from typing import TypeVar

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.restriction import RestrictionGround, Weighed
from models.staff import HumanTask
from webhooks.console.decision import act
from webhooks.console.roles import DECIDE, WORK, allow
from webhooks.console.shell import Shell
from workflows.errors import BadInput, Fault, NotFound
from workflows.restricting import lifting, naming, objecting
from workflows.restricting.hand import done_by_hand

W = TypeVar("W", RestrictionGround, Weighed)


def pages(shell: Shell) -> Blueprint:
    """Each is a form that is posted under the case's lock; none is one click on the way to something else."""
    rt = shell.rt
    blueprint = Blueprint("restriction", __name__)

    @blueprint.post("/requests/<reference>/restriction/scope")
    @allow(WORK)
    def scope(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = naming.Scope(
                _word("ground", RestrictionGround),
                request.form.get("note", "")[:5000],
                categories=tuple(request.form.getlist("categories")),
                sources=tuple(request.form.getlist("sources")),
            )
            naming.name_scope(session, rt, case, given, user=g.user.name)
            return "scope_named"

        return act(shell, reference, work, form="scope")

    @blueprint.post("/requests/<reference>/restriction/weigh")
    @allow(DECIDE)
    def weigh(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            ours, theirs = (request.form.get(name, "")[:5000] for name in ("ours", "theirs"))
            grounds = objecting.Grounds(_word("result", Weighed), ours, theirs)
            objecting.weigh(session, rt, case, grounds, user=g.user.name)
            return "weighed"

        return act(shell, reference, work, form="weigh")

    @blueprint.post("/requests/<reference>/restriction/hand/<uuid:ident>")
    @allow(WORK)
    def hand(reference: str, ident: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            task = session.get(HumanTask, ident)
            if task is None or task.request_id != case.id:
                raise NotFound("task")
            answer = request.form.get("answer", "")
            if answer not in ("done", "not_possible"):
                raise BadInput([Fault("answer", "answer_missing")])
            done_by_hand(session, rt, case, task, possible=answer == "done", user=g.user.name)
            return "marked"

        return act(shell, reference, work, form="hand")

    _lifting(shell, blueprint)
    return blueprint


def _lifting(shell: Shell, blueprint: Blueprint) -> None:
    rt = shell.rt

    @blueprint.post("/requests/<reference>/restriction/tell")
    @allow(DECIDE)
    def tell(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            reason = lifting.Reason(request.form.get("code", ""), request.form.get("words", "")[:5000])
            lifting.ask_to_lift(session, rt, case, reason, user=g.user.name)
            return "lift_told"

        return act(shell, reference, work, form="tell")

    @blueprint.post("/requests/<reference>/restriction/keep")
    @allow(DECIDE)
    def keep(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            lifting.keep_on(session, rt, case, user=g.user.name)
            return "kept_on"

        return act(shell, reference, work, form="keep")

    @blueprint.post("/requests/<reference>/restriction/lift")
    @allow(DECIDE)
    def lift(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            lifting.lift(session, rt, case, user=g.user.name)
            return "lifted"

        return act(shell, reference, work, form="lift")


def _word(field: str, words: type[W]) -> W:
    given = request.form.get(field, "")
    if given not in {word.value for word in words}:
        raise BadInput([Fault(field, f"{field}_choose")])
    return words(given)
