"""Staff's word that they saw the person, or called back a number on file."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.vocabulary import Method
from webhooks.console.decision import act
from webhooks.console.roles import VERIFY, WORK, allow
from webhooks.console.shell import Shell
from workflows.errors import BadInput, Fault
from workflows.ladder import unproven
from workflows.rules import identifiers
from workflows.rules.form import read_day
from workflows.stages import verification

CHECKED = (identifiers.CUSTOMER_NUMBER, identifiers.EMAIL, identifiers.PHONE, identifiers.NATIONAL_ID)


def pages(shell: Shell) -> Blueprint:
    """Verification by staff."""
    rt = shell.rt
    blueprint = Blueprint("verification", __name__)

    @blueprint.post("/requests/<reference>/verify")
    @allow(VERIFY)
    def verify(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = request.form.get("method", "")
            faults = [] if given in (Method.DESK, Method.CALL_BACK) else [Fault("method", "method_missing")]
            checked = checked_identifiers(faults)
            text = request.form.get("number_since", "").strip()
            since = read_day(text[:100]) if text else None
            if text and (since is None or since > rt.today()):
                faults.append(Fault("number_since", "number_since_invalid"))
            if faults:
                raise BadInput(faults)
            verification.by_staff(
                session,
                rt,
                case,
                user=g.user.name,
                method=Method(given),
                identifiers=checked,
                document=request.form.get("document", ""),
                number_since=since,
            )
            return "verified"

        return act(shell, reference, work, form="verify")

    @blueprint.post("/requests/<reference>/not-identified")
    @allow(WORK)
    def give_up(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            if request.form.get("asked") != "yes":
                raise BadInput([Fault("asked", "give_up_not_confirmed")])
            unproven.give_up(session, rt, case, actor=g.user.name)
            return "refused"

        return act(shell, reference, work, form="give_up")

    return blueprint


def checked_identifiers(faults: list[Fault]) -> dict[str, str]:
    """The identifiers typed into the form, in their comparable spelling; adds a fault for each that can't be one."""
    checked: dict[str, str] = {}
    for kind in CHECKED:
        text = request.form.get(kind, "").strip()
        value = identifiers.normalise(kind, text) if text else ""
        if value is None:
            faults.append(Fault(kind, f"{kind}_invalid"))
        elif value:
            checked[kind] = value
    return checked
