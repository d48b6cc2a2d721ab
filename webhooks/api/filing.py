"""File a request through the API, once for each idempotency key."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models.request import Request
from models.vocabulary import Channel
from webhooks.api.tokens import actor, caller
from webhooks.intake.acceptance import acting_of
from workflows.casefile import Claim
from workflows.doors.marks import CANARY, is_own
from workflows.errors import BadInput, Fault, VastineError
from workflows.rules import identifiers
from workflows.rules.form import understand_form
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, open_requests, store

KNOWN = (
    "right",
    "language",
    "name",
    "identifiers",
    "message",
    "received_on",
    "categories",
    "on_behalf",
    "acting",
    "reply_to",
    "no_ban",
)
ACTING = {"kind": "mandate_kind", "name": "holder_name", "email": "holder_email", "phone": "holder_phone"}
_KEY = re.compile(r"[!-~]{1,255}")


class KeyMissing(VastineError):  # noqa: N818
    """Send an Idempotency-Key of 1 to 255 visible ASCII characters, a new one for each request."""

    status = 400


class KeyReused(VastineError):  # noqa: N818
    """This idempotency key was sent before with another body; nothing was done."""

    status = 422


class KeyOver(VastineError):  # noqa: N818
    """This idempotency key stood for a request that is over and let go of; nothing was done. Send a new key."""

    status = 410


def file_request(rt: Runtime) -> tuple[list[Request], bool]:
    """(requests of the posted body, whether they are new). Raises what the caller can mend.

    None for one of our own, which only tries the door.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise KeyMissing("idempotency_key")
    body = _body()
    raw = canonical(body).encode()
    ident = f"{caller().token_digest.hex()}:{key}"
    try:
        return _once(rt, body, raw, ident=ident)
    except IntegrityError:
        # The same call came twice in the same instant: the other one is in by now.
        return _once(rt, body, raw, ident=ident)


def _once(rt: Runtime, body: Mapping[str, Any], raw: bytes, *, ident: str) -> tuple[list[Request], bool]:
    with rt.unit() as session:
        message, fresh = store(session, rt, channel=Channel.API, external_id=ident, raw=raw)
        if not fresh and message.body_digest != hashlib.sha256(raw).digest():
            raise KeyReused("idempotency_key_reused")
        asked = _asked(rt, body)
        secrets = [_secret(rt, ident, n) for n in range(len(asked))]
        if (fresh and is_own(session, rt, message, (asked[0].claim.text,))) or message.why == CANARY:
            return [], True
        if fresh:
            opened = open_requests(session, rt, asked, message=message, status_secrets=secrets)
            return [o.request for o in opened], True
        digests = [rt.vault.digest("status", secret) for secret in secrets]
        found = {r.status_digest: r for r in session.scalars(select(Request).where(Request.status_digest.in_(digests)))}
        if len(found) < len(digests):
            raise KeyOver("idempotency_key_over")
        return [found[d] for d in digests], False


def _secret(rt: Runtime, ident: str, n: int) -> str:
    """The status page's secret of the nth request of a call: made again, it finds the request again."""
    return base64.urlsafe_b64encode(rt.vault.digest("status-secret", f"{ident}:{n}")).decode()[:22]


def _body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise BadInput(
            [Fault("body", "is not JSON", "send a JSON object with Content-Type: application/json")]
        ) from None
    if not isinstance(body, dict):
        raise BadInput([Fault("body", "is not a JSON object", "send a JSON object")])
    return body


def _asked(rt: Runtime, body: Mapping[str, Any]) -> list[Asked]:
    faults: list[Fault] = []
    fields = _fields(body, faults)
    reply_to = fields.pop("reply_to", "")
    plain = identifiers.normalise(identifiers.EMAIL, reply_to) if reply_to else ""
    if plain is None:
        faults.append(Fault("reply_to", "email_invalid", "write an address like name@example.com"))
    try:
        form = understand_form(fields, today=rt.today(), categories=rt.register.categories)
    except BadInput as error:
        raise BadInput([*faults, *error.faults]) from None
    if faults:
        raise BadInput(faults)
    claim = Claim(
        name=form.name,
        reply_to=plain or (form.holder[1] if form.on_behalf else form.identifiers.get(identifiers.EMAIL, "")),
        identifiers=form.identifiers,
        text=form.message,
        for_another=form.on_behalf,
        no_ban=form.no_ban,
        language_unsaid=not form.language_said,
    )
    return [
        Asked(
            right=right,
            language=form.language,
            channel=Channel.API,
            claim=claim,
            received_on=form.received_on,
            by=actor(),
            categories=form.categories,
            acting=acting_of(form),
        )
        for right in form.rights
    ]


def _fields(body: Mapping[str, Any], faults: list[Fault]) -> dict[str, str]:
    """The body as the form's fields, every value a text; adds a fault for what has no place there."""
    if any(name not in KNOWN for name in body):
        faults.append(Fault("body", "has a member that is not known", f"known are {', '.join(KNOWN)}"))
    fields: dict[str, str] = {}
    for name in ("language", "name", "message", "received_on", "reply_to"):
        fields[name] = _text(body.get(name), name, faults)
    right = body.get("right", "")
    words = right if isinstance(right, list) else [right]
    fields["right"] = ",".join(_text(word, "right", faults) for word in words[:20])
    kinds = body.get("categories", [])
    if not isinstance(kinds, list) or not all(isinstance(code, str) and "," not in code for code in kinds):
        faults.append(Fault("categories", "is not a list of codes", "send an array of categories of the register"))
    else:
        fields["categories"] = ",".join(kinds)
    if body.get("on_behalf", False) not in (True, False):
        faults.append(Fault("on_behalf", "is not true or false", "send a boolean"))
    fields["on_behalf"] = "yes" if body.get("on_behalf") is True else ""
    if body.get("no_ban", False) not in (True, False):
        faults.append(Fault("no_ban", "is not true or false", "send a boolean"))
    fields["no_ban"] = "yes" if body.get("no_ban") is True else ""
    acts = body.get("acting", {})
    if not isinstance(acts, dict) or any(name not in ACTING for name in acts):
        faults.append(Fault("acting", "is not an object of known keys", f"use {', '.join(ACTING)}"))
    elif acts:
        fields |= {field: _text(acts.get(name), f"acting.{name}", faults) for name, field in ACTING.items()}
        fields["on_behalf"] = "yes"
    given = body.get("identifiers", {})
    if not isinstance(given, dict) or any(name not in identifiers.KINDS for name in given):
        faults.append(Fault("identifiers", "is not an object of known keys", f"use {', '.join(identifiers.KINDS)}"))
        return fields
    return fields | {name: _text(value, f"identifiers.{name}", faults) for name, value in given.items()}


def _text(value: Any, where: str, faults: list[Fault]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    faults.append(Fault(where, "is not a text", "send a JSON string"))
    return ""
