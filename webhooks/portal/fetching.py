"""Codes and files, as the status page and the mailed link both need them."""

from contextlib import ExitStack

from flask import Response
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from models.request import Request
from webhooks.portal.house import house, network
from workflows import answer, errors
from workflows.pace import Limit, within

RESEND = Limit("resend", most=3)
RESEND_FROM = Limit("resend-from", most=20)
TRIES_FROM = Limit("code", most=30)
_CHUNK = 65_536


def may_send(session: Session, request: Request) -> bool:
    """Count one more code asked for; False if that is too often for this request or from this place."""
    rt = house().rt
    here = within(session, rt, RESEND_FROM, network())
    return within(session, rt, RESEND, str(request.id)) and here


def may_try(session: Session) -> bool:
    """Count one more code typed from this place; False if that is too often."""
    return within(session, house().rt, TRIES_FROM, network())


def stream_file(session: Session, request: Request, name: str) -> Response:
    """A file, decrypted as it goes out; nothing plain is ever written to a disk. The fetch is an audit entry."""
    rt = house().rt
    try:
        row, key = answer.fetch(session, rt, request, name, actor="person")
    except errors.NotFound as gone:
        raise NotFound from gone
    stack = ExitStack()
    try:
        plain = stack.enter_context(rt.blobs.read(row.blob, key))
        first = plain.read(_CHUNK)
    except errors.NotFound as gone:
        stack.close()
        raise NotFound from gone

    def chunks() -> object:
        chunk = first
        while chunk:
            yield chunk
            chunk = plain.read(_CHUNK)

    response = Response(chunks(), mimetype=row.media_type)  # type: ignore[arg-type]
    response.call_on_close(stack.close)
    response.headers["Content-Length"] = str(row.size_bytes)
    response.headers["Content-Disposition"] = f'attachment; filename="{request.reference}_{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
