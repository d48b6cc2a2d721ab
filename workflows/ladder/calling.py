"""A call by staff to a number on file: what it is worth.

Source: GDPR Art. 12(6), 32(1).
"""

from collections.abc import Sequence

from models.request import Request
from models.vocabulary import Method
from workflows.acting import Holder
from workflows.casefile import Claim
from workflows.ports import Person
from workflows.rules.contact_age import unsettled
from workflows.rules.identifiers import PHONE, normalise
from workflows.rules.identity import Match, agrees
from workflows.runtime import Runtime


def doubt(rt: Runtime, request: Request, claim: Claim, *, match: Match[Person]) -> str:
    """The code why a call proves nobody, or "" (also where nobody called, or several people may be meant).

    The number is the person's own on file, and was so for days before the request. The source says since when; where
    it does not, the member of staff who looked does, by name.
    """
    if request.verified_method is not Method.CALL_BACK or match.outcome == "ambiguous":
        return ""
    called = normalise(PHONE, (claim.checked or claim.identifiers).get(PHONE, ""))
    if called is None:
        return "number_missing"
    contacts = [p.contact for p in match.people if normalise(PHONE, p.contact.phone) == called]
    known = [c.phone_since for c in contacts if c.phone_since]
    if not contacts and not any(normalise(PHONE, p.identifiers.get(PHONE, "")) == called for p in match.people):
        return "number_not_on_file"
    return _unsettled(rt, request, known or [claim.number_since])


def doubt_of_holder(rt: Runtime, request: Request, holder: Holder, *, people: Sequence[Person]) -> str:
    """The same for whoever acts by a mandate: `people` carry the number that was called, and one has to be them.

    The person's own number says nothing of who acts for them. Nobody but a source says since when it is on file.
    """
    if request.verified_method is not Method.CALL_BACK:
        return ""
    called = normalise(PHONE, holder.phone)
    if called is None:
        return "number_missing"
    theirs = [p.contact for p in people if agrees({"name": holder.name, PHONE: called}, [p])]
    if not theirs:
        return "number_not_on_file"
    return _unsettled(rt, request, [one.phone_since for one in theirs])


def _unsettled(rt: Runtime, request: Request, since: Sequence[str]) -> str:
    days = rt.register.controller.identity.unchanged_days
    found = (unsettled(one, asked_on=request.received_on, days=days) for one in since)
    return next((f"number_{why}" for why in found if why), "")
