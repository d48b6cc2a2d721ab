"""What the API takes to file a request, in the words of OpenAPI."""

from typing import Any

from models.vocabulary import LANGUAGES, Right
from workflows.rules.identifiers import KINDS
from workflows.rules.mandates import KINDS as MANDATES

_TEXT: dict[str, Any] = {"type": "string"}
_RIGHT: dict[str, Any] = {"type": "string", "enum": [right.value for right in Right]}

ACTING: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "name", "email"],
    "properties": {
        "kind": {"type": "string", "enum": list(MANDATES)},
        "name": {"type": "string", "maxLength": 200},
        "email": {"type": "string", "description": "Where we write to them; it stays as it is."},
        "phone": {"type": "string", "maxLength": 200},
    },
    "description": "Who asks for somebody else. All the rest is about that person, and nothing of it is given out, "
    "changed or erased before staff have accepted the mandate.",
}
NEW_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["right"],
    "additionalProperties": False,
    "properties": {
        "right": {"oneOf": [_RIGHT, {"type": "array", "items": _RIGHT, "minItems": 1}]},
        "language": {"type": "string", "enum": list(LANGUAGES), "default": LANGUAGES[0]},
        "name": {"type": "string", "maxLength": 200},
        "identifiers": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(KINDS, _TEXT),
            "description": "What the person says about themselves; none of it proves anything.",
        },
        "message": {"type": "string", "maxLength": 5000},
        "received_on": {
            "type": "string",
            "format": "date",
            "description": "The day it first arrived anywhere in the house; not later than today.",
        },
        "categories": {
            "type": "array",
            "items": _TEXT,
            "description": "Of which kinds of data a copy is wanted, by the register's codes, and `other` for what has "
            "none; left out or empty: of all. Only where the person said so, and not together with an erasure.",
        },
        "no_ban": {"type": "boolean", "description": "An erasure is not to set a ban on marketing too."},
        "on_behalf": {"type": "boolean", "description": "Made for somebody else; a person looks first."},
        "acting": ACTING,
        "reply_to": {"type": "string", "description": "Where the acknowledgement goes; the answer never does."},
    },
}
