"""`/api/v1/requests`: file one, list them, show one, show its plan."""

import json
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models.request import Request
from models.vocabulary import Right
from webhooks.api.filing import file_request
from webhooks.api.openapi import document
from webhooks.api.tokens import actor
from webhooks.console.roles import LIST, NAMES, REGISTER, allow, by_token, open_to_all
from webhooks.listing import STATES, is_mark, listed, mark
from workflows import audit
from workflows.errors import BadInput, Fault
from workflows.runtime import Runtime
from workflows.views import find_request, request_row, show_plan, show_request

MOST = 200


def blueprint(rt: Runtime) -> Blueprint:
    """The routes of the API's first version."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")

    @routes.post("/requests")
    @by_token
    @allow(REGISTER)
    def file() -> BaseResponse:
        found, _ = file_request(rt)
        if not found:
            return _json({"canary": True}, status=202)
        answer = _json({**_filed(found[0]), "linked": [_filed(r) for r in found[1:]]}, status=201)
        answer.headers["Location"] = url_for("api.show", reference=found[0].reference)
        return answer

    @routes.get("/requests")
    @by_token
    @allow(LIST)
    def requests() -> BaseResponse:
        chosen, limit = _filters()
        with rt.unit() as session:
            found = session.scalars(listed(chosen, rt.today()).limit(limit + 1)).all()
        after = mark(found[limit - 1]) if len(found) > limit else None
        return _json({"requests": [request_row(r) for r in found[:limit]], "next": after})

    @routes.get("/requests/<reference>")
    @by_token
    @allow(LIST)
    def show(reference: str) -> BaseResponse:
        with rt.unit() as session:
            return _json(show_request(session, rt, find_request(session, reference)))

    @routes.get("/requests/<reference>/plan")
    @by_token
    @allow(NAMES)
    def plan(reference: str) -> BaseResponse:
        with rt.unit() as session:
            found = find_request(session, reference, lock=True)
            shown = show_plan(session, rt, found)
            looked = {"what": "plan"}
            audit.record(session, "case:read", at=rt.now(), actor=actor(), request_id=found.id, facts=looked)
        return _json(shown)

    @routes.get("/openapi.json")
    @open_to_all
    def openapi() -> BaseResponse:
        return _json(document(rt.settings.console_url))

    return routes


def _filed(found: Request) -> dict[str, Any]:
    """What the caller is told of a request it filed: the same however often it asks."""
    return {
        "reference": found.reference,
        "right": found.right.value,
        "received_on": found.received_on.isoformat(),
        "due_a": found.due_a.isoformat(),
        "due_b": found.due_b.isoformat(),
        "href": url_for("api.show", reference=found.reference),
    }


def _filters() -> tuple[dict[str, str], int]:
    faults = []
    chosen = {name: request.args.get(name, "") for name in ("right", "state", "after")}
    if chosen["right"] and chosen["right"] not in {r.value for r in Right}:
        faults.append(Fault("right", "is not a right", f"one of {', '.join(r.value for r in Right)}"))
    if chosen["state"] and chosen["state"] not in STATES:
        faults.append(Fault("state", "is not a state", f"one of {', '.join(STATES)}"))
    if chosen["after"] and not is_mark(chosen["after"]):
        faults.append(Fault("after", "is no mark of a list", "send the `next` of the page before"))
    text = request.args.get("limit", "50")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= limit <= MOST:
        faults.append(Fault("limit", "is not a count", f"send 1 to {MOST}"))
    chosen["overdue"] = "1" if request.args.get("overdue") == "true" else ""
    if faults:
        raise BadInput(faults)
    return chosen, limit


def _json(body: Any, *, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status=status, mimetype="application/json")
