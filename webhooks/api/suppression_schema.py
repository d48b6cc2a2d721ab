"""What the check of bans takes and gives, as schemas of OpenAPI 3.1."""

from typing import Any

from models.vocabulary import Ban
from workflows.rules.bans import IDENTITIES

MOST = 1000
"""Lines of one question."""

_PURPOSE: dict[str, Any] = {"type": "string", "enum": [ban.value for ban in Ban]}
_TOLD = (
    "B1 direct mail, B2 telephone, B3 electronic, B4 market research, B5 opinion surveys, B6 disclosure to others, "
    "B7 directories."
)
_LINE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {identity: {"type": "string"} for identity in IDENTITIES},
    "description": "One person's contacts: one that is banned bans the line.",
}

SUPPRESSION: dict[str, Any] = {
    "SuppressionCheck": {
        "type": "object",
        "required": ["contacts", "purpose"],
        "additionalProperties": False,
        "properties": {
            "purpose": {**_PURPOSE, "description": _TOLD},
            "contacts": {"type": "array", "items": _LINE, "maxItems": MOST},
        },
    },
    "SuppressionAnswers": {
        "type": "object",
        "required": ["answers", "purpose"],
        "properties": {
            "purpose": _PURPOSE,
            "answers": {"type": "array", "items": {"enum": ["allowed", "banned", "unreadable"]}},
        },
    },
}

_SUMMARY = "Who of these may not be addressed for a purpose. Nothing that is sent is kept."


def _content(schema: str, *, media: str = "application/json") -> dict[str, Any]:
    return {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


CHECK: dict[str, Any] = {
    "/suppression/check": {
        "post": {
            "operationId": "suppression",
            "summary": _SUMMARY,
            "requestBody": {"required": True, "content": _content("SuppressionCheck")},
            "responses": {
                "200": {"description": _SUMMARY, "content": _content("SuppressionAnswers")},
                "default": {
                    "description": "A problem document (RFC 9457).",
                    "content": _content("Problem", media="application/problem+json"),
                },
            },
        }
    }
}
