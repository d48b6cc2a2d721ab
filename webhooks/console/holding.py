"""Holds that people place by hand: on the page of a case, and all of them on a page of their own."""

import uuid

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.holds import ManualHold
from models.request import Request
from webhooks.console.decision import act
from webhooks.console.holding_view import all_holds
from webhooks.console.roles import DECIDE, NAMES, WORK, allow
from webhooks.console.shell import Shell
from workflows import manual_holds
from workflows.errors import BadInput, Fault, NotFound
from workflows.manual_holds import Placing
from workflows.rules.form import read_day

_FEWEST = 10


def pages(shell: Shell) -> Blueprint:
    """Place, confirm, release by two, and keep."""
    rt = shell.rt
    blueprint = Blueprint("holding", __name__)

    @blueprint.get("/holds")
    @allow(NAMES)
    def holds() -> BaseResponse:
        return shell.page("holds.html", rows=all_holds(shell))

    @blueprint.post("/requests/<reference>/holds")
    @allow(WORK)
    def place(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            try:
                manual_holds.place(session, rt, case, _placing(), user=g.user.name)
            except BadInput as error:
                raise BadInput([Fault(f"hold_{f.where}", f.what, f.remedy) for f in error.faults]) from error
            return "hold_placed"

        return act(shell, reference, work, form="hold", lock=False)

    @blueprint.post("/requests/<reference>/holds/<uuid:hold>/confirm")
    @allow(DECIDE)
    def confirm(reference: str, hold: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            manual_holds.confirm(session, rt, _of_case(session, case, hold), user=g.user.name)
            return "hold_confirmed"

        return act(shell, reference, work, form="hold_confirm", lock=False)

    @blueprint.post("/requests/<reference>/holds/<uuid:hold>/release")
    @allow(DECIDE)
    def release(reference: str, hold: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            said = {name: request.form.get(name, "")[:500] for name in ("reason", "seen")}
            try:
                done = manual_holds.release(session, rt, _of_case(session, case, hold), user=g.user.name, **said)
            except BadInput as error:
                raise BadInput([Fault(f"release_{f.where}", f.what, f.remedy) for f in error.faults]) from error
            return "hold_released" if done else "hold_asked"

        return act(shell, reference, work, form=f"release_{hold}", lock=False)

    @blueprint.post("/requests/<reference>/holds/<uuid:hold>/keep")
    @allow(DECIDE)
    def keep(reference: str, hold: uuid.UUID) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            manual_holds.keep(session, rt, _of_case(session, case, hold), user=g.user.name)
            return "hold_kept"

        return act(shell, reference, work, form="hold_keep", lock=False)

    return blueprint


def _placing() -> Placing:
    """What was chosen; a hold at the console says what it is about."""
    given = {name: request.form.get(f"hold_{name}", "")[:5000].strip() for name in ("rule", "reason", "words")}
    day = read_day(request.form.get("hold_until", "")[:100].strip())
    faults = [] if day else [Fault("until", "date_invalid", "write it as 2027-01-31")]
    if not given["rule"]:
        faults.append(Fault("rule", "hold_rule_missing", "choose a rule"))
    if len(given["words"]) < _FEWEST:
        faults.append(Fault("words", "hold_words", "say in a sentence what it is about"))
    if faults or day is None:
        raise BadInput(faults)
    return Placing(until=day, category=request.form.get("hold_category", "") or None, **given)


def _of_case(session: Session, case: Request, ident: uuid.UUID) -> uuid.UUID:
    hold = session.get(ManualHold, ident)
    if hold is None or hold.subject_digest != case.subject_digest:
        raise NotFound("hold", detail="this person has no such hold")
    return ident
