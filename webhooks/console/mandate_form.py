"""The form in which staff say what a mandate is, as terms that a second person can agree to."""

from datetime import date

from flask import request

from models.mandate import AnswerTo
from models.vocabulary import Method, Right
from workflows.acting import Holder
from workflows.errors import BadInput, Fault
from workflows.mandates.terms import Terms
from workflows.register.mandates import mandate_kinds
from workflows.rules import identifiers
from workflows.rules.form import read_day

METHODS = (Method.DESK, Method.CALL_BACK)
_FIELDS = (identifiers.CUSTOMER_NUMBER, identifiers.EMAIL, identifiers.PHONE, identifiers.NATIONAL_ID)
_LONGEST = 200


def fields_of() -> tuple[str, ...]:
    """The identifiers by which staff say whom it is about."""
    return _FIELDS


def read_terms() -> Terms:
    """What was typed; raises `BadInput` with one fault per field. What is missing for the mandate, its rules say."""
    faults: list[Fault] = []
    kind = request.form.get("kind", "")
    if kind not in mandate_kinds():
        raise BadInput([Fault("kind", "mandate_kind")])
    method = request.form.get("method", "")
    if method not in {m.value for m in METHODS}:
        faults.append(Fault("method", "method_missing"))
    answer_to = request.form.get("answer_to", "")
    if answer_to not in {to.value for to in AnswerTo}:
        faults.append(Fault("answer_to", "mandate_answer_to"))
    told = {name: _identifier(name, faults) for name in _FIELDS}
    email = request.form.get("holder_email", "").strip()[:_LONGEST]
    plain = identifiers.normalise(identifiers.EMAIL, email) if email else ""
    if plain is None:
        faults.append(Fault("holder_email", "email_invalid"))
    days = {name: _day(name, faults) for name in ("from", "until", "born_on")}
    rights = {right.value for right in Right} & set(request.form.getlist("rights"))
    categories = [code for code in request.form.getlist("categories")[:100] if len(code) < 20]
    if faults:
        raise BadInput(faults)
    return Terms(
        kind=kind,
        ticked=frozenset(code for code in request.form.getlist("check")[:50] if len(code) < 40),
        identifiers={name: value for name, value in told.items() if value},
        method=Method(method),
        holder=Holder(
            name=" ".join(request.form.get("holder_name", "").split())[:_LONGEST],
            email=plain or "",
            phone=" ".join(request.form.get("holder_phone", "").split())[:_LONGEST],
        ),
        answer_to=AnswerTo(answer_to),
        rights=frozenset(Right(right) for right in rights),
        categories=frozenset(categories) if categories else None,
        from_on=days["from"],
        until_on=days["until"],
        born_on=days["born_on"],
    )


def _identifier(name: str, faults: list[Fault]) -> str:
    text = request.form.get(name, "").strip()[:_LONGEST]
    value = identifiers.normalise(name, text) if text else ""
    if value is None:
        faults.append(Fault(name, f"{name}_invalid"))
    return value or ""


def _day(name: str, faults: list[Fault]) -> date | None:
    text = request.form.get(name, "").strip()[:100]
    day = read_day(text) if text else None
    if text and day is None:
        faults.append(Fault(name, "date_invalid"))
    return day
