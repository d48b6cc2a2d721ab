"""What people decide about a case: approve, refuse, extend, put its day of arrival right."""

from collections.abc import Callable

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.case import show_case
from webhooks.console.roles import DECIDE, WORK, allow
from webhooks.console.shell import Shell
from workflows import guarding
from workflows.correcting import correct_received
from workflows.errors import BadInput, Fault, VastineError
from workflows.rules.form import day_faults, read_day
from workflows.rules.reference import parse_reference
from workflows.stages import decision
from workflows.views import find_request

Work = Callable[[Session, Request], str]
"""Does it and says which sentence the page shows then."""


def pages(shell: Shell) -> Blueprint:
    """Decisions; each is a form that is posted, none is one click or a key."""
    rt = shell.rt
    blueprint = Blueprint("decision", __name__)

    @blueprint.post("/requests/<reference>/approve")
    @allow(DECIDE)
    def approve(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            typed_the_reference(case)
            shown = request.form.get("plan_hash", "")
            missing = decision.approve(session, rt, case, user=g.user.name, plan_hash=shown)
            return "one_more" if missing else "approved"

        return act(shell, reference, work, form="approve")

    @blueprint.post("/requests/<reference>/refuse")
    @allow(DECIDE)
    def refuse(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = request.form.get("ground", "")
            guarding.ground_of(rt, given)
            reason = request.form.get("reason", "")[:5000]
            decision.refuse(session, rt, case, user=g.user.name, ground=given, reason=reason)
            return "refused"

        return act(shell, reference, work, form="refuse")

    @blueprint.post("/requests/<reference>/extend")
    @allow(WORK)
    def extend(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            code, words = (request.form.get(name, "")[:5000] for name in ("extension_reason", "extension_words"))
            decision.extend(session, rt, case, user=g.user.name, reason=code, words=words)
            return "extended"

        return act(shell, reference, work, form="extend")

    @blueprint.post("/requests/<reference>/received")
    @allow(WORK)
    def received(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            day = read_day(request.form.get("received_on", "")[:100].strip())
            if day is None:
                raise BadInput(day_faults(None, rt.today()))
            reason = request.form.get("correction_reason", "")[:5000]
            correct_received(session, rt, case, user=g.user.name, day=day, reason=reason)
            return "corrected"

        return act(shell, reference, work, form="received")

    return blueprint


def act(shell: Shell, reference: str, work: Work, *, form: str, lock: bool = True) -> BaseResponse:
    """Do it in one transaction under the case's lock; what goes wrong is told on its page, nothing typed lost.

    Without `lock` where the work itself locks this case and others, in one order.
    """
    try:
        with shell.rt.unit() as session:
            case = find_request(session, reference, lock=lock)
            done = work(session, case)
            known = case.reference
    except VastineError as error:
        return show_case(shell, reference, problem=error, form=form, status=error.status)
    return redirect(url_for("case.case", reference=known, done=done))


def typed_the_reference(case: Request) -> None:
    """Raise `BadInput` (field reference) unless the case's reference was typed into the form."""
    if parse_reference(request.form.get("reference", "")) != case.reference:
        raise BadInput([Fault("reference", "reference_differs")])
