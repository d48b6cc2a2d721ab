"""`/api/v1/suppression/check`: whom other systems may not address. What is asked is neither kept nor logged."""

import json
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from models.vocabulary import Ban
from webhooks.api.suppression_schema import MOST
from webhooks.console.roles import REGISTER, allow, by_token
from workflows.errors import BadInput, Fault
from workflows.rules.bans import IDENTITIES
from workflows.runtime import Runtime
from workflows.suppression import banned

_ANSWERS = {True: "banned", False: "allowed", None: "unreadable"}


def blueprint(rt: Runtime) -> Blueprint:
    """The check."""
    routes = Blueprint("suppression", __name__, url_prefix="/api/v1/suppression")

    @routes.post("/check")
    @by_token
    @allow(REGISTER)
    def check() -> BaseResponse:
        purpose, lines = _asked()
        with rt.unit() as session:
            verdicts = banned(session, rt, purpose, lines)
        body = {"purpose": purpose.value, "answers": [_ANSWERS[verdict] for verdict in verdicts]}
        return Response(json.dumps(body), mimetype="application/json")

    return routes


def _asked() -> tuple[Ban, list[list[tuple[str, str]]]]:
    """Raises `BadInput`; no fault repeats what was sent."""
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise BadInput([Fault("body", "is not JSON", "send a JSON object")]) from None
    if not isinstance(body, dict) or set(body) != {"purpose", "contacts"}:
        raise BadInput([Fault("body", "has other members than these two", "send `purpose` and `contacts`")])
    faults = []
    purpose, contacts = body["purpose"], body["contacts"]
    if purpose not in [ban.value for ban in Ban]:
        faults.append(Fault("purpose", "is not a ban", f"one of {', '.join(Ban)}"))
    if not isinstance(contacts, list) or len(contacts) > MOST:
        faults.append(Fault("contacts", f"is not a list of at most {MOST}", "send it in parts"))
    elif wrong := [n for n, line in enumerate(contacts) if not _is_line(line)]:
        known = ", ".join(IDENTITIES)
        faults.append(Fault(f"contacts.{wrong[0]}", "is not an object of texts by known keys", f"use {known}"))
    if faults:
        raise BadInput(faults)
    return Ban(purpose), [list(line.items()) for line in contacts]


def _is_line(line: Any) -> bool:
    return isinstance(line, dict) and all(k in IDENTITIES and isinstance(v, str) for k, v in line.items())
