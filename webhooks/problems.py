"""Errors for machines: RFC 9457 problem documents."""

import json
from typing import Any

from flask import Response

from workflows.errors import BadInput, VastineError

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, *, faults: tuple[dict[str, str], ...] = ()) -> Response:
    """A problem document; `code` is stable and names the kind of error, `detail` says it in words."""
    body: dict[str, object] = {
        "type": f"urn:vastine:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
    if faults:
        body["errors"] = list(faults)
    return Response(json.dumps(body, ensure_ascii=False), status=status, mimetype=MEDIA_TYPE)


def problem_of(error: VastineError) -> Response:
    """The problem document of one of our errors; holds no personal data since they don't."""
    faults: tuple[dict[str, str], ...] = ()
    if isinstance(error, BadInput):
        faults = tuple({"field": f.where, "detail": f.what, "remedy": f.remedy} for f in error.faults)
    return problem(error.status, error.code, error.detail, faults=faults)


_TEXT = {"type": "string"}
_FAULT = {
    "type": "object",
    "required": ["detail", "field", "remedy"],
    "properties": {"field": _TEXT, "detail": _TEXT, "remedy": _TEXT},
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {"type": "array", "items": _FAULT},
    },
}
"""A problem document as a schema of OpenAPI 3.1. Source: RFC 9457."""
