"""`/api/v1/restrictions/check`: may this person's data, or this record, be used?

Asked in the body: an identifier never stands in an address, and is neither kept nor logged.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from models.restriction import Restriction, RestrictionGround
from webhooks.api.tokens import caller
from webhooks.console.roles import LIST, allow, by_token
from workflows import audit
from workflows.errors import BadInput, Fault
from workflows.register.naming import collections_of
from workflows.restriction import restrictions_on, restrictions_on_record
from workflows.rules.identifiers import KINDS
from workflows.runtime import Runtime

ALLOWED = ("storage", "consent", "legal_claims", "rights_of_others", "public_interest")
"""What restricted data may still be used for. Source: GDPR Art. 18(2)."""

DUTY = "legal_duty"
"""What a hold keeps after an erasure may be used for what the hold is about too. Source: GDPR Art. 17(3)(b)."""


def blueprint(rt: Runtime) -> Blueprint:
    """The route by which other systems ask."""
    routes = Blueprint("restrictions", __name__, url_prefix="/api/v1")

    @routes.post("/restrictions/check")
    @by_token
    @allow(LIST)
    def check() -> Response:
        asked = request.get_json(silent=True)
        if not isinstance(asked, dict) or len(asked) != 1 or not asked.keys() <= {"identifiers", "record"}:
            raise BadInput([Fault("body", "wrong_body", "send one of `identifiers` and `record`")])
        with rt.unit() as session:
            if "identifiers" in asked:
                found = restrictions_on(session, rt, _identifiers(asked["identifiers"]))
            else:
                source, collection, locator = _record(rt, asked["record"])
                found = restrictions_on_record(session, rt, source, collection, locator=locator)
            facts = {"restrictions": len(found), "by": "record" if "record" in asked else "identifiers"}
            audit.record(session, "restriction:checked", at=rt.now(), actor=f"api:{caller().label}"[:64], facts=facts)
            told = {"restricted": bool(found), "restrictions": [_told(row) for row in found]}
        return jsonify(told)

    return routes


def _told(row: Restriction) -> dict[str, Any]:
    return {
        "ground": row.ground.value if row.ground else "",
        "since": row.since.isoformat() if row.since else None,
        "purposes": list(row.purposes),
        "categories": list(row.categories),
        "sources": list(row.sources),
        "allowed": [] if row.purposes else [*ALLOWED, DUTY] if row.ground is RestrictionGround.KEPT else list(ALLOWED),
    }


def _identifiers(given: object) -> list[tuple[str, str]]:
    if not isinstance(given, dict) or not given or not given.keys() <= set(KINDS):
        raise BadInput([Fault("identifiers", "unknown_identifier", f"any of {', '.join(sorted(KINDS))}")])
    if not all(isinstance(value, str) and 0 < len(value.strip()) <= 320 for value in given.values()):
        raise BadInput([Fault("identifiers", "identifier_invalid", "each is a text of at most 320 characters")])
    return [(str(kind), str(value)) for kind, value in given.items()]


def _record(rt: Runtime, given: object) -> tuple[str, str, dict[str, Any]]:
    if not isinstance(given, dict) or set(given) != {"source", "collection", "locator"}:
        raise BadInput([Fault("record", "wrong_record", "send source, collection and locator")])
    source, collection, locator = given["source"], given["collection"], given["locator"]
    if not isinstance(source, str) or source not in rt.register.sources:
        raise BadInput([Fault("record.source", "source_unknown", "a source of the register")])
    if not isinstance(collection, str) or collection not in collections_of(rt.register.sources[source]):
        raise BadInput([Fault("record.collection", "collection_unknown", "a collection of that source")])
    if not isinstance(locator, dict) or not locator:
        raise BadInput([Fault("record.locator", "wrong_record", "the key's columns and their values")])
    return source, collection, locator
