"""A log-in at an identity provider, for one case: the way there, the way back, and what it proves.

The way there and back is bound to the case, to the browser that began it, and to one use within ten minutes.
Nothing of what the provider says is kept but the identities it vouches for, sealed in the case.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.base import new_id
from models.request import Request
from models.step import Step
from models.verification import Challenge, SignIn
from models.vocabulary import Kind, Method, RequestState
from workflows import audit, lifecycle
from workflows.casefile import Claim, open_claim, open_key, open_proof, seal_claim
from workflows.errors import Conflict, NotAllowed, NotFound
from workflows.ladder import rungs
from workflows.ladder.codes import close_codes
from workflows.ladder.waiting import wait_for_staff
from workflows.ports import Person
from workflows.rules.identifiers import normalise
from workflows.rules.identity import Match, agrees
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.vouching import Attempt, IdentityProvider, Refused, Vouched
from workflows.work import NewStep

BY_PROVIDER = (Method.SESSION, Method.STRONG)
LASTS = timedelta(minutes=10)
Purpose = Literal["identify", "fetch"]


@dataclass(frozen=True, slots=True)
class Back:
    """The page to come back to; `scope` is what an opened answer is bound to."""

    path: str
    language: str
    scope: str


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt whose person came back. It can't be taken again."""

    request_id: uuid.UUID
    purpose: Purpose
    attempt: Attempt
    back: Back


def provider_of(rt: Runtime, name: str) -> IdentityProvider:
    """The provider of this name. Raises `NotFound`."""
    if name not in rt.providers:
        raise NotFound("provider")
    return rt.providers[name]


def return_address(rt: Runtime, name: str) -> str:
    """Where a provider sends people back to; each has an address of its own."""
    return f"{rt.settings.public_url}/signin/return/{name}"


def begin(
    session: Session, rt: Runtime, request: Request, name: str, *, purpose: Purpose, attempt: Attempt, back: Back
) -> str:
    """A secret for this browser's cookie: with it and `attempt`'s state somebody may come back, once.

    The caller holds the request's lock. Raises `NotAllowed` where a log-in there would not be enough, or the
    person asks for somebody else.
    """
    require(session, rt, request, name, purpose=purpose)
    key = open_key(session, rt, request.data_key_id)
    session.execute(delete(SignIn).where(SignIn.request_id == request.id, SignIn.expires_at <= rt.now()))
    browser = secrets.token_urlsafe(32)
    row = SignIn(
        id=new_id(),
        request_id=request.id,
        provider=name,
        purpose=purpose,
        state_digest=rt.vault.digest("signin-state", attempt.state),
        browser_digest=rt.vault.digest("signin-browser", browser),
        created_at=rt.now(),
        expires_at=rt.now() + LASTS,
        sealed=b"",
    )
    plain = canonical({"attempt": asdict(attempt), "back": asdict(back)})
    row.sealed = key.seal(plain.encode(), f"sign_ins.sealed:{row.id}")
    session.add(row)
    facts = {"provider": name, "purpose": purpose}
    audit.record(session, "identity:signin:begun", at=rt.now(), actor="person", request_id=request.id, facts=facts)
    return browser


def require(session: Session, rt: Runtime, request: Request, name: str, *, purpose: Purpose) -> None:
    """Raise `NotAllowed` where a log-in at this provider would be of no use to this case now."""
    if not rungs.suffices(session, rt, request, provider_of(rt, name).method):
        raise NotAllowed("proof_too_weak", detail="a log-in there is not enough for what was asked")
    if purpose == "fetch" and request.proof_sealed is not None:
        return
    key = open_key(session, rt, request.data_key_id)
    if purpose != "identify" or request.state is not RequestState.VERIFYING or open_claim(key, request).for_another:
        raise NotAllowed("signin")


def take(session: Session, rt: Runtime, name: str, *, state: str, browser: str) -> Taken:
    """The attempt that this browser began at this provider, used up now. Raises `Refused`; nothing tells which of
    unknown, expired, used before, another provider's and another browser's it was.
    """
    digest = rt.vault.digest("signin-state", state)
    used = session.execute(
        update(SignIn)
        .where(
            SignIn.state_digest == digest,
            SignIn.provider == name,
            SignIn.browser_digest == rt.vault.digest("signin-browser", browser),
            SignIn.used_at.is_(None),
            SignIn.expires_at > rt.now(),
        )
        .values(used_at=rt.now())
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise Refused("attempt")
    row = session.scalars(select(SignIn).where(SignIn.state_digest == digest)).one()
    request = session.get_one(Request, row.request_id)
    plain = json.loads(open_key(session, rt, request.data_key_id).open(row.sealed, f"sign_ins.sealed:{row.id}"))
    purpose: Purpose = "fetch" if row.purpose == "fetch" else "identify"
    return Taken(request.id, purpose, Attempt(**plain["attempt"]), Back(**plain["back"]))


def refused(session: Session, rt: Runtime, request: Request, name: str, *, code: str) -> None:
    """Note that a log-in proved nobody."""
    facts = {"provider": name, "code": code}
    audit.record(session, "identity:signin:failed", at=rt.now(), actor="person", request_id=request.id, facts=facts)


def accept(session: Session, rt: Runtime, request: Request, name: str, *, vouched: Vouched) -> None:
    """Take what the provider vouches for as who asks; whether that is the person of the case is looked up next.

    The caller holds the request's lock. Raises `Conflict` where somebody was proven meanwhile.
    """
    method = provider_of(rt, name).method
    if request.state is not RequestState.VERIFYING:
        raise Conflict("not_verifying")
    if not rungs.suffices(session, rt, request, method):
        raise NotAllowed("proof_too_weak")
    key = open_key(session, rt, request.data_key_id)
    claim = replace(open_claim(key, request), checked=dict(vouched.identifiers))
    request.claim_sealed = seal_claim(key, request.id, claim)
    request.verified_method, request.verified_at, request.verified_by = method, rt.now(), f"provider:{name}"
    close_codes(session, request)  # a letter stays: if nobody is proven after all it is still on its way
    _note(session, rt, request, name, vouched=vouched, purpose="identify")
    lifecycle.add_steps(session, rt, request, [NewStep(key="verify", kind=Kind.VERIFY)])


def open_answer(session: Session, rt: Runtime, request: Request, name: str, *, vouched: Vouched) -> uuid.UUID:
    """The id of an answered challenge that opens the answer. Raises `Refused` where somebody else logged in."""
    method = provider_of(rt, name).method
    if request.proof_sealed is None or not rungs.suffices(session, rt, request, method):
        raise Refused("proof_too_weak")
    proof = open_proof(open_key(session, rt, request.data_key_id), request)
    for identity, value in vouched.identifiers.items():
        if value not in {normalise(identity, one) for one in proof.identifiers.get(identity, ())}:
            raise Refused("other_person")
    row = Challenge(
        request_id=request.id,
        purpose="fetch",
        method=method,
        created_at=rt.now(),
        expires_at=rt.now(),
        tries_left=0,
        used_at=rt.now(),
    )
    session.add(row)
    session.flush()
    _note(session, rt, request, name, vouched=vouched, purpose="fetch")
    return row.id


def _note(session: Session, rt: Runtime, request: Request, name: str, *, vouched: Vouched, purpose: Purpose) -> None:
    facts = {"provider": name, "purpose": purpose, "acr": vouched.acr, "logged_in_at": vouched.at.isoformat()}
    audit.record(session, "identity:signed_in", at=rt.now(), actor="person", request_id=request.id, facts=facts)


def doubt(session: Session, rt: Runtime, request: Request, claim: Claim, *, match: Match[Person]) -> str:
    """The code why the word that was taken for the person is not taken after all, or "" (also where none was).

    `match` is what was checked or vouched for selects. What the request said of itself is compared with these
    records alone: whoever logs in as themselves must not learn whether an address is on somebody else's.
    """
    if request.verified_method is None:
        return ""
    if not rungs.suffices(session, rt, request, request.verified_method):
        return "proof_too_weak"
    return _unfit(claim, match) if request.verified_method in BY_PROVIDER else ""


def _unfit(claim: Claim, match: Match[Person]) -> str:
    if claim.for_another:
        return "for_another"
    if match.person is None:
        return "provider_ambiguous" if match.outcome == "ambiguous" else "provider_unknown"
    said = {**claim.identifiers, "name": claim.name}
    return "" if agrees(said, match.people) else "provider_mismatch"


def forget(session: Session, rt: Runtime, request: Request, step: Step, *, code: str) -> None:
    """Nothing is confirmed: the case is as it was before somebody's word was taken, and a member of staff looks."""
    key = open_key(session, rt, request.data_key_id)
    request.claim_sealed = seal_claim(key, request.id, replace(open_claim(key, request), checked={}))
    method = request.verified_method.value if request.verified_method else ""
    request.verified_method = request.verified_at = request.verified_by = None
    facts: Mapping[str, str] = {"method": method, "code": code}
    audit.record(session, "identity:unmatched", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    wait_for_staff(session, rt, request, step, code=code)
