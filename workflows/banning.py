"""Bans and withdrawn consent as requests: in force the moment they arrive, and answered without anybody's doing.

Nobody is asked to prove who they are: a ban harms nobody, and the contact that was given is what it is about. What no
program can set in a source is a task for people. What consent alone allowed is erased in a case of its own, for which
they have to be the person; where the register names no such data or nobody is proven, a person is asked to look.

Source: GDPR Art. 7(3), 12(2), 17(1)(b), 21(2)-(3).
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.suppression import BanRow
from models.vocabulary import Ban, Event, Outcome, Right, TaskKind
from workflows.casefile import Claim, open_claim, open_key, open_proof
from workflows.human import open_task
from workflows.ports import RequestKey
from workflows.rules.bans import IDENTITIES, bans_asked, comparable
from workflows.rules.deadlines import is_working_day
from workflows.rules.flows import Identity, flow_of
from workflows.rules.identifiers import EMAIL
from workflows.runtime import Runtime
from workflows.suppression import Banning, bans_of, set_bans
from workflows.work import InOurBooks

SET_BAN = "set_ban"
"""The code of the task to set a ban in the systems people are addressed from."""
CONSENT_DATA = "consent_data"
"""The code of the task to look for data that consent alone allowed."""
NOTHING_TO_BAN = "ban_contact"
"""The code of the task of a ban that came without any contact it could be about."""
REVIEW = "ban_review"
"""The code of the yearly task: are the bans still needed?"""


def is_ban(right: Right) -> bool:
    """Whether a request of this right sets bans, and nobody has to prove themselves."""
    return flow_of(right).identity is Identity.MATCH


def bans_of_claim(right: Right, claim: Claim) -> tuple[Ban, ...]:
    """What the person forbids, in their own words."""
    return bans_asked(right, claim.text)


def rests_on_consent(rt: Runtime) -> list[str]:
    """The categories that nothing but consent allows us to hold."""
    return sorted(code for code, category in rt.register.categories.items() if category.consent_only)


def look_for_consent_data(session: Session, rt: Runtime, request: Request) -> None:
    """Ask a person to see to what rested on the consent: no program erases it. Source: GDPR Art. 17(1)(b)."""
    open_task(
        session,
        rt,
        key=f"{CONSENT_DATA}:{request.id}",
        kind=TaskKind.BY_HAND,
        code=CONSENT_DATA,
        request_id=request.id,
        due_on=request.due_on,
        facts={"bans": []},
    )


def ban_at_once(session: Session, rt: Runtime, request: Request, claim: Claim, *, by: str) -> bool:
    """Set the bans of a new request, and the task that goes with them; False where no contact was given at all.

    All of it is in the transaction that opens the request: once it is registered, it is in force.
    """
    contacts = _contacts(claim)
    if not contacts:
        return False
    bans = bans_of_claim(request.right, claim)
    how = Banning(request.channel, origin="person", proof=request.reference, by=by, request=request)
    _set(session, rt, bans, contacts=contacts, how=how)
    due_on = _in_working_days(rt, flow_of(request.right, request.flow_version).target_working_days or 0)
    facts = {"bans": [ban.value for ban in bans]}
    open_task(
        session,
        rt,
        key=f"{SET_BAN}:{request.id}",
        kind=TaskKind.BY_HAND,
        code=SET_BAN,
        request_id=request.id,
        due_on=min(due_on, request.due_on),
        facts=facts,
    )
    return True


def _set(
    session: Session, rt: Runtime, bans: Sequence[Ban], *, contacts: Sequence[tuple[str, str]], how: Banning
) -> None:
    for line in contacts:  # one by one: somebody may give two addresses
        set_bans(session, rt, bans=bans, contacts=dict([line]), how=how)


def ban_with_erasure(
    session: Session, rt: Runtime, request: Request, key: RequestKey, *, categories: Collection[str]
) -> None:
    """Data of these categories were erased at the person's wish: what rested on consent bans what it allowed.

    Without it the next import would begin anew. Nothing is banned for who said that they want no ban, nor by an
    erasure that is done again; an address that others have too is theirs to forbid. Source: GDPR Art. 7(3), 17(1)(b).
    """
    if request.replay_id is not None or not set(categories) & set(rests_on_consent(rt)):
        return
    if open_claim(key, request).no_ban:
        return
    proof = open_proof(key, request)
    others = {(kind, comparable(kind, value)) for kind, values in proof.shared.items() for value in values}
    told = {
        (kind, plain)
        for kind, values in proof.told().items()
        for value in values
        if (plain := comparable(kind, value)) and (kind, plain) not in others
    }
    how = Banning(request.channel, origin="person", proof=request.reference, by="vastine", request=request)
    _set(session, rt, (Ban.ELECTRONIC,), contacts=sorted(told), how=how)


def told_of_bans(session: Session, request: Request, key: RequestKey) -> dict[str, str]:
    """What the letter says of them: their codes; {} for a request that set none."""
    if not is_ban(request.right):
        since = request.answered_at  # an earlier letter said of the others
        new = [b for b in bans_of(session, request) if b.lifted_at is None and (since is None or b.set_at > since)]
        bans = sorted({row.ban.value for row in new})
        return {"bans": " ".join(bans)} if bans else {}
    asked = bans_of_claim(request.right, open_claim(key, request))
    kind = {"consent": "1"} if request.right is Right.WITHDRAW_CONSENT else {}
    return {"bans": " ".join(ban.value for ban in asked)} | kind


def ask_for_review(session: Session, rt: Runtime) -> None:
    """Once a year somebody says whether we still market, which is why bans are kept at all. Source: GDPR Art. 5(1)(e).

    A year begins with the oldest ban in force; nothing goes unless a person lets it.
    """
    oldest = session.scalar(select(func.min(BanRow.set_at)).where(BanRow.lifted_at.is_(None)))
    years = (rt.now() - oldest) // timedelta(days=365) if oldest is not None else 0
    key = f"{REVIEW}:{rt.today().year}"
    if years < 1 or session.scalar(select(HumanTask.id).where(HumanTask.key == key)) is not None:
        return
    open_task(session, rt, key=key, kind=TaskKind.CHECK, code=REVIEW, due_on=rt.today() + timedelta(days=30))


def _contacts(claim: Claim) -> list[tuple[str, str]]:
    """Each contact that was given and can be compared, the address that asked among them."""
    given = [*claim.identifiers.items(), *claim.checked.items(), (EMAIL, claim.reply_to)]
    known = {(i, plain) for i, value in given if i in IDENTITIES and value and (plain := comparable(i, value))}
    return sorted(known)


def _in_working_days(rt: Runtime, days: int) -> date:
    settings = rt.register.controller.deadlines
    day = rt.today()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day, country=settings.country)
    return day


class BanWork(InOurBooks):
    """How a ban is carried out: it was, when it came in; this makes sure of it before the letter says so."""

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:
        """Nobody decides: it may not be refused."""

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """Every ban is in force for every contact; one that is not any more is set anew, before the letter says so."""
        claim = open_claim(open_key(session, rt, request.data_key_id), request)
        how = Banning(request.channel, origin="person", proof=request.reference, by="vastine", request=request)
        bans = bans_of_claim(request.right, claim)
        _set(session, rt, bans, contacts=_contacts(claim), how=how)
        request.outcome = Outcome.BANNED
        return Event.CHANGED
