"""What the API takes of somebody who asks for another, in the words of OpenAPI."""

from typing import Any

from workflows.rules.mandates import KINDS

ACTING: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "name", "email"],
    "properties": {
        "kind": {"type": "string", "enum": list(KINDS)},
        "name": {"type": "string", "maxLength": 200},
        "email": {"type": "string", "description": "Where we write to them; it stays as it is."},
        "phone": {"type": "string", "maxLength": 200},
    },
    "description": "Who asks for somebody else. All the rest is about that person, and nothing of it is given out, "
    "changed or erased before staff have accepted the mandate.",
}
