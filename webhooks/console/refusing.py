"""Refusing as unfounded or excessive: facts, evidence and a fee on record, then a second person's word."""

from flask import Blueprint, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from webhooks.console.decision import act, typed_the_reference
from webhooks.console.roles import DECIDE, WORK, allow
from webhooks.console.shell import Shell
from workflows import guarding
from workflows.errors import BadInput, Fault
from workflows.stages import decision


def pages(shell: Shell) -> Blueprint:
    """Each step of the case for a refusal; none of them refuses but the second person's."""
    rt = shell.rt
    blueprint = Blueprint("refusing", __name__)

    @blueprint.post("/requests/<reference>/refusal")
    @allow(WORK)
    def prepare(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            given = {
                name: request.form.get(f"case_{name}", "")[:6000] for name in ("ground", "evidence", "reason", "fee")
            }
            try:
                guarding.prepare(session, rt, case, user=g.user.name, **given)
            except BadInput as error:
                raise BadInput([Fault(f"case_{f.where}", f.what, f.remedy) for f in error.faults]) from error
            return "refusal_prepared"

        return act(shell, reference, work, form="refusal")

    @blueprint.post("/requests/<reference>/refusal/agree")
    @allow(DECIDE)
    def agree(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            typed_the_reference(case)
            decision.agree_to_refuse(session, rt, case, user=g.user.name, digest=request.form.get("digest", ""))
            return "refused"

        return act(shell, reference, work, form="refusal_agree")

    @blueprint.post("/requests/<reference>/refusal/fee")
    @allow(WORK)
    def fee(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            guarding.announce_fee(session, rt, case, user=g.user.name, fee=request.form.get("fee", ""))
            return "fee_announced"

        return act(shell, reference, work, form="refusal_fee")

    @blueprint.post("/requests/<reference>/refusal/settled")
    @allow(WORK)
    def settled(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            guarding.settle_fee(session, rt, case, user=g.user.name, how=request.form.get("how", ""))
            return "fee_settled"

        return act(shell, reference, work, form="refusal_settled")

    @blueprint.post("/requests/<reference>/refusal/drop")
    @allow(WORK)
    def drop(reference: str) -> BaseResponse:
        def work(session: Session, case: Request) -> str:
            guarding.drop(session, rt, case, user=g.user.name)
            return "refusal_dropped"

        return act(shell, reference, work, form="refusal_drop")

    return blueprint
