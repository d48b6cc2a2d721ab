"""Prove that the requester is the person, asking for no more than is needed.

A one-time code goes to the contact *on file*, never to an address in the request; or named staff saw
the person. To the outside a known and an unknown person look the same: a code may have been sent.

Source: GDPR Art. 12(6); Data Protection Act 1050/2018 s. 29 (a hetu, or a hetu and a name, proves nobody).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.request import Request
from models.session import reading
from models.step import Step
from models.verification import Challenge
from models.vocabulary import LANGUAGES, Event, Kind, Method, RequestState, StepState, TaskKind
from workflows import acting, asking, audit, challenges, duplicates, lifecycle, nearness, news
from workflows.casefile import (
    Claim,
    Proof,
    open_claim,
    open_key,
    open_proof,
    proof_from,
    proof_of,
    seal_proof,
)
from workflows.errors import VastineError
from workflows.human import close_tasks_of
from workflows.ladder import by_post, calling, nearly, rungs, seeing, signin
from workflows.ladder.codes import close_codes, open_challenge, send_code
from workflows.ladder.waiting import wait_for_staff
from workflows.notice import BY_STAFF, tell
from workflows.ports import Contact, Person, RequestKey
from workflows.rules.identifiers import PHONE, normalise
from workflows.rules.identity import Match, match_identity
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.work import Lease, NewStep

_FOLLOWERS = (
    select(Request)
    .where(Request.after_request_id == bindparam("of"), Request.state == RequestState.VERIFYING)
    .with_for_update()
)

by_staff = seeing.by_staff
"""Named staff saw or called the person; see there."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the controller's own records say about the identifiers given."""

    match: Match[Person]
    people: tuple[Person, ...]  # every record that carries one of the identifiers claimed or on file
    nearly: tuple[Person, ...] = ()  # where none is: records with another spelling of the address
    holders: tuple[Person, ...] = ()  # every record that carries the number on which whoever acts was called


@dataclass(frozen=True, slots=True)
class Ask:
    """The identifiers a request came with."""

    claim: Claim
    key: RequestKey
    holder: acting.Holder | None = None  # who acts by a mandate


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step: look the person up."""
    return [NewStep(key="verify", kind=Kind.VERIFY)]


class Verification:
    """The stage: look up who is meant, then send a code to the contact on file or take staff's word."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Ask:
        """The claim, opened."""
        key = open_key(session, rt, request.data_key_id)
        return Ask(open_claim(key, request), key, acting.holder_now(session, request, key))

    def work(self, rt: Runtime, lease: Lease, inputs: Ask) -> Looked:
        """Ask every source that knows people; raises `SourceDown` if one of them is silent: absence of an answer
        must not look like absence of the person.
        """
        known = _to_look_up(inputs.claim)
        sources, people = rt.look_up(known)
        match = match_identity({**known, "name": inputs.claim.name}, people)
        # An e-mail or phone on file may stand on a spouse's record too, whom the claims did not mention: what
        # two people share must not become a seed, so the neighbours of the record are looked up as well.
        for record in match.people:
            for connector in sources:
                people.extend(p for p in connector.find(record.identifiers) if p not in people)
        called = normalise(PHONE, inputs.holder.phone) if inputs.holder is not None else None
        holders = rt.look_up({PHONE: called})[1] if called else []
        other = nearly.look(rt, inputs.claim) if match.outcome == "none" else ()
        return Looked(match, tuple(people), tuple(other), tuple(holders))

    def settle(  # noqa: PLR0911  # every line is another way to be known or not
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Ask, result: Looked
    ) -> Event | None:
        """Staff's word, a code on its way, or a person who must look."""
        match = result.match
        seen = (open_claim(inputs.key, request).checked, acting.holder_now(session, request, inputs.key))
        if seen != (inputs.claim.checked, inputs.holder):
            return None  # somebody was seen meanwhile: the step that began then looks up what was checked
        near = nearly.note(session, rt, request, inputs.claim, people=(*match.people, *result.nearly))
        if inputs.claim.for_another and not acting.is_live(session, rt, request):
            # Whoever helps proves nothing by being themselves, nor does a colleague's word that they were here.
            if request.verified_method is not None:
                signin.forget(session, rt, request, step, code="for_another")
            else:
                wait_for_staff(session, rt, request, step, code="for_another")
            acting.ask_for_it(session, rt, request)
            return None
        weak = signin.doubt(session, rt, request, inputs.claim, match=match)
        if inputs.holder is not None:
            call = calling.doubt_of_holder(rt, request, inputs.holder, people=result.holders)
        else:
            call = calling.doubt(rt, request, inputs.claim, match=match)
        if doubt := weak or call:
            signin.forget(session, rt, request, step, code=doubt)
            return None
        if request.verified_method in BY_STAFF + signin.BY_PROVIDER:
            if unclear := seeing.doubt(match):
                wait_for_staff(session, rt, request, step, code=unclear)
                return None
            proof = proof_of(match, result.people) or Proof(
                {k: [v] for k, v in _to_look_up(inputs.claim).items()},
                # Whoever acts for the person is not the person: their address is nobody's contact on file.
                Contact(name=inputs.claim.name, email="" if inputs.claim.for_another else inputs.claim.reply_to),
            )
            nearness.note_case(session, rt, request, claim=inputs.claim, proof=proof)
            accepted = acting.accepters(session, request) if inputs.holder is not None else ()
            vouched = (request.verified_by, *accepted)
            if any(nearness.is_kept_from(session, request, name) for name in vouched):
                acting.undo(session, request)
                signin.forget(session, rt, request, step, code="near_case")
                return None
            actor = request.verified_by or "vastine"
            return prove(session, rt, request, inputs.key, proof, actor=actor, noted=proof)
        if request.after_request_id is not None and not rungs.must_prove_itself(session, rt, request):
            return _with_the_first(session, rt, request, step, inputs.key)
        if unsure := "ambiguous" if match.outcome == "ambiguous" else nearly.doubt(match, near):
            wait_for_staff(session, rt, request, step, code=unsure)
        step.state, step.done_at = StepState.WAITING, None
        _offer(session, rt, request, step, inputs.key, proof_of(match, result.people))
        return None

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None


def _offer(  # the ways that are left to the person themselves
    session: Session, rt: Runtime, request: Request, step: Step, key: RequestKey, proof: Proof | None
) -> None:
    by_mail = rungs.suffices(session, rt, request, Method.CODE)
    by_letter = by_post.is_unwritten(session, rt, request)
    if by_letter:
        by_post.write(session, rt, request, key, proof)
    if by_mail and not (by_letter and open_challenge(session, rt, request)):
        send_code(session, rt, request, key, proof)
    elif not (by_mail or rungs.providers_for(session, rt, request) or by_post.suffices(session, rt, request)):
        wait_for_staff(session, rt, request, step, code="proof_needed")


def _to_look_up(claim: Claim) -> Mapping[str, str]:
    # What staff checked stands alone: who wrote a neighbour's address into the form and then comes to the desk is
    # not the neighbour.
    return claim.checked or claim.identifiers


def _with_the_first(session: Session, rt: Runtime, request: Request, step: Step, key: RequestKey) -> Event | None:
    # Two rights asked for in one message need one proof: the code of the first is the code of both.
    first = session.get_one(Request, request.after_request_id)
    if first.proof_sealed is None:
        step.state, step.done_at = StepState.WAITING, None
        return None
    proof = open_proof(open_key(session, rt, first.data_key_id), first)
    request.verified_method, request.verified_by = first.verified_method, first.verified_by
    request.verified_at = rt.now()
    return prove(session, rt, request, key, proof, actor="vastine")


def _prove_followers(session: Session, rt: Runtime, request: Request, proof: Proof, *, actor: str) -> None:
    with reading(session, Request, besides=request):
        followers = session.scalars(_FOLLOWERS, {"of": request.id}).all()
    for follower in followers:
        claim = open_claim(open_key(session, rt, follower.data_key_id), follower)
        if claim.for_another and not acting.is_live(session, rt, follower):
            continue  # a power for the one right is none for the other
        if not rungs.suffices(session, rt, follower, request.verified_method):
            lifecycle.add_steps(session, rt, follower, begin(session, rt, follower))
        elif follower.verified_at is None:
            follower.verified_method, follower.verified_at = request.verified_method, rt.now()
            follower.verified_by = request.verified_by
            key = open_key(session, rt, follower.data_key_id)
            lifecycle.advance(session, rt, follower, prove(session, rt, follower, key, proof, actor=actor), actor=actor)


def _may_prove(session: Session, rt: Runtime, request: Request, method: Method) -> bool:
    # Where a code can prove nobody today it is like a wrong one, and neither it nor a try is used up.
    claim = open_claim(open_key(session, rt, request.data_key_id), request)
    mandated = not claim.for_another or acting.is_live(session, rt, request)
    return mandated and rungs.suffices(session, rt, request, method)


def answer(session: Session, rt: Runtime, request: Request, code: str) -> bool:
    """Take a code the person typed; True if it proved them. The caller holds the request's lock.

    A wrong code and a code that never existed cost one try and look the same.
    """
    row = open_challenge(session, rt, request)
    if row is None or request.state is not RequestState.VERIFYING or not _may_prove(session, rt, request, Method.CODE):
        return False
    if not challenges.take(session, rt, request, row, code):
        asking.insufficient(session, rt, request, kind=AskKind.IDENTITY, by="person")
        return False
    key = open_key(session, rt, request.data_key_id)
    proof = proof_from(json.loads(key.open(row.candidate_sealed or b"", f"challenges.candidate:{row.id}")))
    request.verified_method, request.verified_at, request.verified_by = Method.CODE, rt.now(), "person"
    event = prove(session, rt, request, key, proof, actor="person")
    lifecycle.advance(session, rt, request, event, actor="person")
    return True


def answer_letter(session: Session, rt: Runtime, request: Request, code: str) -> Challenge | None:
    """Take a code that came by post; the answered one if it was right. The caller holds the request's lock."""
    verifying = request.state is RequestState.VERIFYING
    good = by_post.suffices(session, rt, request)
    good = good and (not verifying or _may_prove(session, rt, request, Method.LETTER))
    taken = by_post.take(session, rt, request, code) if good else None
    if not verifying:
        return taken[0] if taken and request.proof_sealed is not None else None
    if taken is None:
        asking.insufficient(session, rt, request, kind=AskKind.IDENTITY, by="person")
        return None
    key = open_key(session, rt, request.data_key_id)
    request.verified_method, request.verified_at, request.verified_by = Method.LETTER, rt.now(), "person"
    event = prove(session, rt, request, key, taken[1], actor="person")
    lifecycle.advance(session, rt, request, event, actor="person")
    return taken[0]


def again(session: Session, rt: Runtime, request: Request) -> None:
    """A fresh code: the look-up is repeated, so that what is on file now gets it."""
    if request.state is not RequestState.VERIFYING:
        return
    close_codes(session, request)
    lifecycle.add_steps(session, rt, request, begin(session, rt, request))


def prove(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    proof: Proof,
    *,
    actor: str,
    noted: Proof | None = None,
) -> Event:
    """Freeze who the person is and how they are reached. Raises `NotAllowed` for a proof that is not enough.

    `noted`: the proof with which the caller has just asked whom of the staff the case concerns.
    """
    rungs.require(session, rt, request)
    claim = open_claim(key, request)
    proof = acting.with_mandate(session, rt, request, key, claim, proof)
    if claim.language_unsaid and proof.reply.language in LANGUAGES:
        request.language = proof.reply.language
    request.proof_sealed = seal_proof(key, request.id, proof)
    root = f"{proof.source}:{proof.key}" if proof.key else canonical(dict(proof.identifiers))
    request.subject_digest = rt.vault.digest("subject", root)
    asking.answered(session, rt, request, kind=AskKind.IDENTITY, by=actor)
    news.add_keys(session, rt, request, proof.named())
    if proof != noted:
        nearness.note_case(session, rt, request, claim=claim, proof=proof)
    tell(session, rt, request, key, proof)
    by_post.call_off(session, request, key, proof)
    close_tasks_of(session, rt, request.id, kinds={TaskKind.IDENTIFY}, by=actor)
    audit.record(
        session,
        "identity:proven",
        at=rt.now(),
        actor=actor,
        request_id=request.id,
        facts={"method": request.verified_method.value if request.verified_method else ""},
    )
    _prove_followers(session, rt, request, proof, actor=actor)
    return duplicates.join(session, rt, request)
