"""The rest of what somebody wanted a part of: a request of its own, as if they had asked anew today.

It takes over what they said and proves nobody: whoever opens its answer has to be the person, as with any other.
"""

import base64
import hashlib

from sqlalchemy.orm import Session

from models.request import DataKey, Request
from models.vocabulary import Channel
from workflows import audit
from workflows.acting import Acting, holder_of, mandate_of
from workflows.casefile import open_claim, open_key
from workflows.errors import Conflict
from workflows.rules.items import canonical
from workflows.rules.narrowed import NARROWABLE, rest_of
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, open_request, requests_of, store


def has_rest(session: Session, request: Request) -> bool:
    """Whether the rest can be asked for: it is a copy of some data only, and what the person said is still known."""
    if request.right not in NARROWABLE or request.categories is None:
        return False
    return session.get_one(DataKey, request.data_key_id).destroyed_at is None


def ask_for_rest(session: Session, rt: Runtime, first: Request, *, language: str) -> tuple[str, str]:
    """Open the request for the rest, once however often it is asked; its reference, and its page's secret.

    Once staff have narrowed `first` anew its rest is another one. The caller holds the lock of `first`. Raises
    `Conflict` where all was asked for, or what was said is forgotten.
    Source: GDPR Art. 12(2), 15(1).
    """
    if not has_rest(session, first):
        raise Conflict("nothing_left", detail="the request is about everything")
    key = open_key(session, rt, first.data_key_id)
    claim, mandate = open_claim(key, first), mandate_of(session, first)
    rest = rest_of(first.categories or (), known=rt.register.categories)
    ident = f"rest:{first.id}:{hashlib.sha256(canonical(list(first.categories or ())).encode()).hexdigest()}"
    secret = base64.urlsafe_b64encode(rt.vault.digest("status-secret", ident)).decode()[:22]
    raw = canonical({"rest_of": first.reference}).encode()
    message, new = store(session, rt, channel=Channel.PORTAL, external_id=ident, raw=raw)
    if not new:
        return requests_of(session, message)[0].reference, secret
    asked = Asked(
        right=first.right,
        language=language,
        channel=Channel.PORTAL,
        claim=claim,
        categories=rest,
        acting=Acting(mandate.kind, holder_of(key, mandate)) if mandate is not None else None,
    )
    opened = open_request(session, rt, asked, message=message, secret=secret).request
    facts = {"reference": opened.reference}
    audit.record(session, "request:rest_asked", at=rt.now(), actor="person", request_id=first.id, facts=facts)
    return opened.reference, secret
