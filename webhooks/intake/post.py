"""Mail from a mail provider: the raw message in a signed webhook, taken once however often it is sent."""

from flask import Blueprint, Response, request

from webhooks.intake.events import is_signed
from webhooks.portal.house import house
from webhooks.problems import problem
from workflows.mailroom import receive as take_in

bp = Blueprint("post", __name__)

LARGEST_BYTES = 25_000_000
_TYPES = ("message/rfc822", "message/global", "application/octet-stream")


@bp.post("/webhooks/mail")
def receive() -> Response:
    """Take one raw mail: 202 when it is safe here, also for one that came before.

    Source: Standard Webhooks specification; the signed body is the message itself.
    """
    rt = house().rt
    if not rt.settings.webhook_secret:
        return problem(404, "webhooks_off", "This installation takes no mail here: VASTINE_WEBHOOK_SECRET is not set.")
    if (request.content_length or 0) > LARGEST_BYTES:
        return problem(413, "too_large", "A mail may have 25 MB.")
    request.max_content_length = LARGEST_BYTES
    body = request.get_data()
    ident = request.headers.get("webhook-id", "")
    if not is_signed(rt, body, ident=ident, secrets=rt.settings.webhook_secret):
        return problem(401, "bad_signature", "The signature does not fit the body, or the timestamp is not fresh.")
    if request.mimetype not in _TYPES:
        return problem(415, "not_a_mail", "Send the raw message as message/rfc822.")
    if not body:
        return problem(422, "empty", "The message is empty.")
    take_in(rt, body)
    return Response(status=202)
