"""What the API takes and gives, as OpenAPI 3.1. A test holds it to the routes and to real answers."""

from typing import Any

from models.restriction import RestrictionGround
from models.vocabulary import Action, Channel, Outcome, Ownership, RequestState, Right, SourceResult
from webhooks.api.filing_schema import NEW_REQUEST
from webhooks.api.metrics import METRICS
from webhooks.api.suppression_schema import CHECK, SUPPRESSION
from webhooks.listing import STATES
from webhooks.problems import PROBLEM
from workflows.rules.identifiers import KINDS

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_DAY: Json = {"type": "string", "format": "date"}
_DAY_OR_NONE: Json = {"type": ["string", "null"], "format": "date"}
_TEXT_OR_NONE: Json = {"type": ["string", "null"]}
_INSTANT: Json = {"type": "string", "format": "date-time"}
_INSTANT_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}


def document(server: str) -> Json:
    """The description for one address."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vastine",
            "version": "1",
            "description": "File requests of people about their own data and follow them. Decisions are made by named "
            "people in the console or on the command line: a token is nobody's signature.",
        },
        "servers": [{"url": f"{server}/api/v1"}],
        "security": [{"bearer": []}],
        "paths": {**_paths(), **CHECK, **METRICS},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_schemas(), **SUPPRESSION},
        },
    }


def _paths() -> Json:
    reference = {"name": "reference", "in": "path", "required": True, "schema": _TEXT}
    return {
        "/requests": {"post": _file(), "get": _list()},
        "/requests/{reference}": {
            "get": _operation("show", "One request without personal data.", "Request", parameters=[reference])
        },
        "/requests/{reference}/plan": {
            "get": _operation("plan", "What would be erased, kept, until when and why.", "Plan", parameters=[reference])
        },
        "/restrictions/check": {"post": _check()},
        "/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This description.",
                "security": [],
                "responses": {"200": {"description": "OpenAPI 3.1", "content": _content({"type": "object"})}},
            }
        },
    }


def _file() -> Json:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "A new one for each request. The same key and body again give the same answer; with another "
        "body 422. A key is remembered for good: it never stands for a second request.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    operation = _operation(
        "file",
        "File a request; several rights at once become linked requests.",
        "Filed",
        status="201",
        parameters=[key],
    )
    tried = {"description": "One of Vastine's own, to try the door.", "content": _content(_ref("Tried"))}
    operation["responses"]["202"] = tried
    return {**operation, "requestBody": {"required": True, "content": _content(_ref("NewRequest"))}}


def _check() -> Json:
    operation = _operation(
        "check", "Whether a person's data, or one record, may be used.", "Restrictions", parameters=[]
    )
    return {**operation, "requestBody": {"required": True, "content": _content(_ref("RestrictionQuestion"))}}


def _list() -> Json:
    parameters = [
        _query("right", _words(Right)),
        _query("state", {"type": "string", "enum": list(STATES), "default": "open"}),
        _query("overdue", {"type": "boolean"}),
        _query("after", _TEXT),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    ]
    return _operation("requests", "Requests by deadline, the next due first.", "RequestList", parameters=parameters)


def _operation(name: str, summary: str, schema: str, *, status: str = "200", parameters: list[Json]) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            status: {"description": summary, "content": _content(_ref(schema))},
            "default": {
                "description": "A problem document (RFC 9457).",
                "content": {"application/problem+json": {"schema": _ref("Problem")}},
            },
        },
    }


def _schemas() -> Json:
    row = {
        "reference": _TEXT,
        "right": _words(Right),
        "state": _words(RequestState),
        "outcome": {"enum": [*(o.value for o in Outcome), None]},
        "channel": _words(Channel),
        "language": _TEXT,
        "received_at": _INSTANT,
        "received_on": _DAY,
        "due_a": _DAY,
        "due_b": _DAY,
        "extended_until": _DAY_OR_NONE,
        "due_on": _DAY,
        "answered_at": _INSTANT_OR_NONE,
        "closed_at": _INSTANT_OR_NONE,
    }
    filed = {k: row[k] for k in ("reference", "right", "received_on", "due_a", "due_b")} | {"href": _TEXT}
    return {
        "NewRequest": NEW_REQUEST,
        "FiledOne": _object(filed),
        "Tried": _object({"canary": {"type": "boolean"}}),
        "Filed": _object({**filed, "linked": {"type": "array", "items": _ref("FiledOne")}}),
        "RequestRow": _object(row),
        "RequestList": _object({"requests": {"type": "array", "items": _ref("RequestRow")}, "next": _TEXT_OR_NONE}),
        "Request": _object({**row, **_details()}),
        "Plan": _object(_plan()),
        "RestrictionQuestion": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "identifiers": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": dict.fromkeys(KINDS, _TEXT),
                },
                "record": _object({"source": _TEXT, "collection": _TEXT, "locator": {"type": "object"}}),
            },
        },
        "Restrictions": _object(
            {
                "restricted": {"type": "boolean"},
                "restrictions": _list_of(
                    {
                        "ground": _words(RestrictionGround),
                        "since": _INSTANT_OR_NONE,
                        "purposes": {"type": "array", "items": _TEXT},
                        "categories": {"type": "array", "items": _TEXT},
                        "sources": {"type": "array", "items": _TEXT},
                        "allowed": {"type": "array", "items": _TEXT},
                    }
                ),
            }
        ),
        "Problem": PROBLEM,
    }


def _details() -> Json:
    return {
        "categories": {"type": ["array", "null"], "items": _TEXT, "description": "The copy is of these; null: of all."},
        "verified": _TEXT_OR_NONE,
        "recheck_on": _DAY_OR_NONE,
        "corrections": _list_of(
            {"at": _INSTANT_OR_NONE, "by": _TEXT, "before": _DAY_OR_NONE, "received_on": _DAY_OR_NONE}
        ),
        "sources": _list_of(
            {
                "source": _TEXT,
                "result": _words(SourceResult),
                "why": _TEXT_OR_NONE,
                "collections": {"type": "object", "additionalProperties": _NUMBER},
                "ownership": {"type": "object", "additionalProperties": _NUMBER},
                "searched_at": _INSTANT_OR_NONE,
            }
        ),
        "holds": _list_of(
            {"rule": _TEXT, "items": _NUMBER, "until": _DAY_OR_NONE, "law": _TEXT, "unknown": {"type": "boolean"}}
        ),
        "steps": _list_of(
            {
                "key": _TEXT,
                "kind": _TEXT,
                "source": _TEXT_OR_NONE,
                "state": _TEXT,
                "attempts": _NUMBER,
                "error": _TEXT_OR_NONE,
            }
        ),
        "letters": _list_of({"letter": _TEXT, "language": _TEXT, "state": _TEXT, "sent_at": _INSTANT_OR_NONE}),
        "files": _list_of({"name": _TEXT, "bytes": _NUMBER, "sha256": _TEXT}),
    }


def _plan() -> Json:
    texts: Json = {"type": "array", "items": _TEXT}
    return {
        "reference": _TEXT,
        "version": _NUMBER,
        "hash": _TEXT,
        "state": _TEXT,
        "approvals": texts,
        "guarantees": {"type": "object", "additionalProperties": {"enum": ["A", "B", "C", "D"]}},
        "items": _list_of(
            {
                "source": _TEXT,
                "collection": _TEXT,
                "locator": {"type": "object"},
                "category": _TEXT,
                "ownership": _words(Ownership),
                "action": _words(Action),
                "fields": texts,
                "until": _DAY_OR_NONE,
                "erase_on": _DAY_OR_NONE,
                "planned_on": _DAY_OR_NONE,
                "told_on": _DAY_OR_NONE,
                "later": _TEXT_OR_NONE,
                "waits": {"type": "boolean"},
                "masked": texts,
                "receipt": _TEXT_OR_NONE,
                "holds": texts,
                "reason": _TEXT,
            }
        ),
    }


def _object(properties: Json) -> Json:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _list_of(properties: Json) -> Json:
    return {"type": "array", "items": _object(properties)}


def _words(kind: Any) -> Json:
    return {"type": "string", "enum": [word.value for word in kind]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema}
