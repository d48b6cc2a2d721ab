"""What other systems tell us: an invoice was paid, a collection opened. Signed, fresh, and taken once.

An event changes no case by itself. It is noted under digests of the value that names the person, and the sweep looks
at the holds of that person's cases again, in the sources themselves.
"""

import base64
import hmac
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.exc import IntegrityError
from standardwebhooks.webhooks import Webhook

from webhooks.portal.house import house
from webhooks.problems import problem, problem_of
from workflows import news
from workflows.connectors.http import callback_secrets
from workflows.errors import BadInput, Fault
from workflows.register.naming import names_of
from workflows.runtime import Runtime
from workflows.setbacks import hasten

bp = Blueprint("events", __name__)

SENDER = "webhook"
TOLERANCE = timedelta(minutes=5)
_LONGEST_ID = 128


class Whose(BaseModel):
    """Whose record it is about, as the sender has it at hand.

    `key` alone: the controller's own number for the person in that source; with `field` ("collection.field") the
    value of that field, an invoice's number say; with `identity` instead of `source` an identifier of that kind.
    """

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    key: str = Field(min_length=1, max_length=128)
    source: str = Field(default="", max_length=64)
    field: str = Field(default="", max_length=130)
    identity: str = Field(default="", max_length=64)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.source) == bool(self.identity) or (self.field and self.identity):
            raise PydanticCustomError("source_or_identity", "either a source or an identity")
        return self


class Told(BaseModel):
    """One event; `timestamp` is allowed since the standard's payloads carry one, and is not used."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["invoice.paid", "invoice.opened", "collection.opened", "collection.closed", "contract.ended"]
    data: Whose
    timestamp: str | None = None


@bp.post("/webhooks/events")
def receive() -> Response:
    """Take one event: 202 also for one that came before. Source: Standard Webhooks specification."""
    rt = house().rt
    if not rt.settings.webhook_secret:
        return problem(404, "webhooks_off", "This installation takes no events: VASTINE_WEBHOOK_SECRET is not set.")
    ident = request.headers.get("webhook-id", "")
    body = request.get_data()
    if not is_signed(rt, body, ident=ident, secrets=rt.settings.webhook_secret):
        return problem(401, "bad_signature", "The signature does not fit the body, or the timestamp is not fresh.")
    try:
        told = Told.model_validate_json(body)
    except ValidationError as wrong:
        return problem_of(BadInput([_fault(e["loc"], e["type"]) for e in wrong.errors(include_input=False)]))
    data = told.data
    try:
        names = names_of(rt.register, source=data.source, field=data.field, identity=data.identity)
    except BadInput as wrong:
        return problem_of(wrong)
    note(rt, told, ident=ident, names=names)
    return Response(status=202)


@bp.post("/webhooks/jobs/<source>")
def ringing(source: str) -> Response:
    """A source rings that it is done with a job: 202, and it is asked how the job stands. What it sent is not read."""
    rt = house().rt
    spec = rt.register.sources.get(source)
    secrets = callback_secrets(spec, rt.settings.environ) if spec is not None else ()
    ident = request.headers.get("webhook-id", "")
    if not secrets or not is_signed(rt, request.get_data(), ident=ident, secrets=secrets):
        return problem(401, "bad_signature", "The signature does not fit the body, or the timestamp is not fresh.")
    with suppress(IntegrityError), rt.unit() as session:  # the same ring in the same instant: the other one is in
        hasten(session, rt, source, ident=ident)
    return Response(status=202)


def is_signed(rt: Runtime, body: bytes, *, ident: str, secrets: Sequence[str]) -> bool:
    """Whether one of these secrets signed these bytes under this id, less than five minutes from now."""
    stamp = request.headers.get("webhook-timestamp", "")
    if not ident or len(ident) > _LONGEST_ID or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return False
    sent_at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(rt.now() - sent_at) > TOLERANCE:
        return False
    given = request.headers.get("webhook-signature", "")[:2000].split()
    ours = [_signature(secret, ident, sent_at=sent_at, body=body) for secret in secrets]
    return any(hmac.compare_digest(mine.encode(), theirs.encode()) for mine in ours for theirs in given)


def _signature(secret: str, ident: str, *, sent_at: datetime, body: bytes) -> str:
    try:
        return Webhook(secret).sign(ident, sent_at, body.decode())
    except UnicodeDecodeError:  # a raw mail may hold any bytes, and the library signs texts alone
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        signed = f"{ident}.{int(sent_at.timestamp())}.".encode() + body
        return "v1," + base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()


def note(rt: Runtime, told: Told, *, ident: str, names: Sequence[str]) -> None:
    """Write the event down once and ring for the sweep; the value is not kept, only its digests."""
    try:
        with rt.unit() as session:
            news.note(session, rt, sender=SENDER, ident=ident, event=told.type, names=names, value=told.data.key)
    except IntegrityError:
        return  # the same event in the same instant: the other one is in


def _fault(where: tuple[int | str, ...], kind: str) -> Fault:
    # The kind only: pydantic's own words may repeat what was sent.
    return Fault(
        ".".join(str(part) for part in where) or "body", kind.replace("_", " "), "see docs/reference/events.md"
    )
