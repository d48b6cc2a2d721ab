"""Named staff saw the person, or called them: what they checked, and that they did."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session

from models.request import Request
from models.vocabulary import Kind, Method, RequestState
from workflows import audit, lifecycle, nearness
from workflows.casefile import open_claim, open_key, seal_claim
from workflows.errors import BadInput, Conflict, Fault, NotAllowed
from workflows.ladder import rungs
from workflows.notice import BY_STAFF
from workflows.ports import Person
from workflows.rules.identifiers import PHONE
from workflows.rules.identity import Match, changes_hands
from workflows.runtime import Runtime
from workflows.work import NewStep

DOCUMENTS = ("passport", "identity_card", "driving_licence", "known_person")
"""What staff may have looked at, at the desk. That it was seen is kept, and nothing that stands in it."""


def doubt(match: Match[Person]) -> str:
    """The code why what was checked does not say who it is, or "".

    Whoever shows their own document and names a neighbour's number is neither the neighbour nor both of them.
    """
    if match.outcome == "ambiguous" or match.reason == "contradicted":
        return "ambiguous" if match.outcome == "ambiguous" else "contradicted"
    return "changes_hands" if changes_hands(match) else ""


def by_staff(
    session: Session,
    rt: Runtime,
    request: Request,
    *,
    user: str,
    method: Method,
    identifiers: Mapping[str, str],
    document: str = "",
    number_since: date | None = None,
) -> None:
    """Named staff saw the person, or called back a number on file; only the `identifiers` they checked count.

    `document`: which of `DOCUMENTS` they looked at; `number_since`: the day since which, as they read it, the number
    is on file. Raises `NotAllowed` for a method that is not staff's, `Conflict` once the person is proven, `BadInput`
    if nothing was checked.
    """
    if method not in BY_STAFF:
        raise NotAllowed("method")
    if not rungs.suffices(session, rt, request, method):
        raise NotAllowed("proof_too_weak", detail="this proof is not enough for what was asked")
    if request.state is not RequestState.VERIFYING:
        raise Conflict("not_verifying")
    key = open_key(session, rt, request.data_key_id)
    said = open_claim(key, request)
    if nearness.is_kept_from(session, request, user):
        raise NotAllowed("near_case", detail="somebody who stands near to the person does not vouch for them")
    if said.for_another:  # whom it is about, those said who accepted the mandate
        raise NotAllowed("mandate_needed", detail="somebody acts for this person: their mandate has to be accepted")
    checked = {k: v for k, v in identifiers.items() if v}
    if not checked:
        raise BadInput([Fault("customer_number", "nothing_checked", "name what you checked")])
    if method is Method.CALL_BACK and PHONE not in checked:
        raise BadInput([Fault(PHONE, "number_missing", "name the number that you called")])
    if document and document not in DOCUMENTS:
        raise BadInput([Fault("document", "document_missing", f"one of {', '.join(DOCUMENTS)}")])
    since = number_since.isoformat() if number_since and method is Method.CALL_BACK else ""
    claim = replace(said, checked=checked, number_since=since)
    request.claim_sealed = seal_claim(key, request.id, claim)
    request.verified_method, request.verified_at, request.verified_by = method, rt.now(), user
    facts = {"method": method.value, "checked": sorted(checked), "document": document, "number_since": since}
    audit.record(session, "identity:checked", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    lifecycle.add_steps(session, rt, request, [NewStep(key="verify", kind=Kind.VERIFY)])
