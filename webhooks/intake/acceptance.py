"""A sent form becomes a message and its request in one transaction: recorded whole, or not at all."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from models.request import Request
from models.vocabulary import Channel
from webhooks.intake.wishes import note_wishes
from workflows import audit
from workflows.acting import Acting, Holder
from workflows.casefile import Claim
from workflows.doors.marks import is_own
from workflows.errors import VastineError
from workflows.pace import Limit, within
from workflows.register.mandates import OTHER
from workflows.rules.form import FormRequest
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, note_arrival, open_request, store, to_triage


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was recorded; without a reference a person reads the message first. `too_often`: nothing was."""

    reference: str = ""
    secret: str = ""
    too_often: bool = False


def accept(
    rt: Runtime, form: FormRequest, answers: Mapping[str, str], *, nonce: str, limit: Limit, whose: str
) -> Accepted:
    """Record one sent form. The same form sent twice is one message, one request and one status page.

    `answers` is the form as typed and is kept raw; `nonce` is the form's own random number: with changed answers
    it is another message. `limit` is counted for `whose` in the same transaction.
    """
    raw = canonical(dict(answers)).encode()
    ident = f"form:{nonce}:{hashlib.sha256(raw).hexdigest()}"
    paced = (limit, whose)
    try:
        return _record(rt, form, raw, answers, ident=ident, paced=paced)
    except IntegrityError:
        # The same form came twice in the same instant: the other one is in by now.
        return _record(rt, form, raw, answers, ident=ident, paced=paced)
    except VastineError:
        with rt.unit() as session:
            if not within(session, rt, limit, whose):
                return Accepted(too_often=True)
            message, new = store(session, rt, channel=Channel.PORTAL, external_id=ident, raw=raw)
            if new:
                to_triage(session, rt, message, code="form_failed")
        return Accepted()


def _record(
    rt: Runtime, form: FormRequest, raw: bytes, answers: Mapping[str, str], *, ident: str, paced: tuple[Limit, str]
) -> Accepted:
    secret = base64.urlsafe_b64encode(rt.vault.digest("status-secret", ident)).decode()[:22]
    with rt.unit() as session:
        if not within(session, rt, *paced):
            return Accepted(too_often=True)  # which is counted too
        message, new = store(session, rt, channel=Channel.PORTAL, external_id=ident, raw=raw, noted=False)
        if not new:
            known = session.get(Request, message.request_id) if message.request_id else None
            return Accepted(known.reference, secret) if known else Accepted()
        if is_own(session, rt, message, (form.message,)):
            note_arrival(session, rt, message)
            return Accepted()
        asked = Asked(
            right=form.right,
            language=form.language,
            channel=Channel.PORTAL,
            claim=_claim(form),
            categories=form.categories,
            acting=acting_of(form),
        )
        opened = open_request(session, rt, asked, message=message, secret=secret)
        note_wishes(session, rt, opened.request, answers)
        note_arrival(session, rt, message)
        facts = {"message": str(message.id), "requests": 1}
        audit.record(session, "message:understood", at=rt.now(), actor="vastine", facts=facts)
        return Accepted(opened.request.reference, secret)


def acting_of(form: FormRequest) -> Acting | None:
    """Who asks, where they ask for another."""
    return Acting(form.mandate_kind or OTHER, Holder(*form.holder)) if form.on_behalf else None


def _claim(form: FormRequest) -> Claim:
    return Claim(
        name=form.name,
        reply_to=form.holder[1] if form.on_behalf else form.identifiers.get("email", ""),
        identifiers=form.identifiers,
        text=form.message,
        for_another=form.on_behalf,
        no_ban=form.no_ban,
    )
