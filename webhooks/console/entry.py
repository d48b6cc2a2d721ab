"""The form in which a member of staff writes down what a person asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, request

from models.vocabulary import LANGUAGES, Channel, Method, Right
from webhooks.console.shell import Shell
from webhooks.kinds import kinds_of_data
from workflows.casefile import Claim
from workflows.errors import BadInput, Fault
from workflows.rules import identifiers
from workflows.rules.form import FormRequest, understand_form
from workflows.stages.intake import Asked

BY_STAFF = (Channel.DESK, Channel.PHONE, Channel.LETTER)
METHODS = (Method.DESK, Method.CALL_BACK)
FIELDS = (
    identifiers.CUSTOMER_NUMBER,
    identifiers.EMAIL,
    identifiers.PHONE,
    identifiers.NATIONAL_ID,
    identifiers.GSRN,
    identifiers.INVOICE,
)
_TEXTS = ("language", "name", "message", "on_behalf", "no_ban", "received_on", *FIELDS)


@dataclass(frozen=True, slots=True)
class Written:
    """What the form says: one `Asked` for each right."""

    asked: tuple[Asked, ...]
    fields: Mapping[str, str]


def read_entry(shell: Shell, *, user: str, channel: Channel | None = None, arrived: datetime | None = None) -> Written:
    """Read the posted form; raises `BadInput` with one fault per field.

    `channel` and `arrived` are those of a message; without them the form names the channel.
    """
    fields = {name: request.form.get(name, "") for name in _TEXTS}
    fields["right"] = ",".join(request.form.getlist("right"))
    fields["categories"] = ",".join(request.form.getlist("categories"))
    fields["channel"] = request.form.get("channel", "") if channel is None else channel.value
    fields["verified"] = request.form.get("verified", "") if channel is None else ""
    fields["reply_to"] = request.form.get("reply_to", "")
    faults: list[Fault] = []
    form = _form(shell, fields, faults)
    if channel is None and fields["channel"] not in {c.value for c in BY_STAFF}:
        faults.append(Fault("channel", "channel_missing"))
    if fields["verified"] not in {"", *(m.value for m in METHODS)}:
        faults.append(Fault("verified", "method_missing"))
    reply_to = identifiers.normalise(identifiers.EMAIL, fields["reply_to"]) if fields["reply_to"].strip() else ""
    if reply_to is None:
        faults.append(Fault("reply_to", "email_invalid"))
    if faults or form is None:
        raise BadInput(faults)
    claim = Claim(
        name=form.name,
        reply_to=reply_to or ("" if form.on_behalf else form.identifiers.get(identifiers.EMAIL, "")),
        identifiers=form.identifiers,
        text=form.message,
        for_another=form.on_behalf,
        no_ban=form.no_ban,
    )
    method = Method(fields["verified"]) if fields["verified"] else None
    asked = [
        Asked(
            right=right,
            language=form.language,
            channel=Channel(fields["channel"]),
            claim=claim,
            received_at=arrived,
            received_on=form.received_on,
            method=method,
            by=user,
            categories=form.categories,
        )
        for right in form.rights
    ]
    return Written(tuple(asked), fields)


def _form(shell: Shell, fields: Mapping[str, str], faults: list[Fault]) -> FormRequest | None:
    try:
        return understand_form(fields, today=shell.rt.today(), categories=shell.rt.register.categories)
    except BadInput as error:
        faults.extend(error.faults)
        return None


def choices(shell: Shell) -> dict[str, Any]:
    """What the form's lists offer."""
    return {
        "rights": [right.value for right in Right],
        "languages": LANGUAGES,
        "channels": [channel.value for channel in BY_STAFF],
        "methods": [method.value for method in METHODS],
        "fields": FIELDS,
        "categories": kinds_of_data(shell.rt, g.t),
        "chosen_categories": request.form.getlist("categories"),
    }
