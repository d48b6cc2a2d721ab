"""Which member of staff a case concerns: found by keyed digests of what is theirs, or said by a person.

Source: GDPR Art. 5(1)(f), 32(4); Administrative Procedure Act 434/2003 s. 28, as a measure of who is too near.
"""

import unicodedata
import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from models.nearness import CaseNearness, Nearness, StaffKey
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Role, TaskKind
from workflows import audit
from workflows.barring import BARRED, DENIED, OPENED
from workflows.casefile import Claim, Proof, open_key
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.human import open_task
from workflows.rules.identifiers import KINDS, normalise
from workflows.runtime import Runtime

SURNAME, ADDRESS = "surname", "address"
LOOKED, TRIED = "near_opened", "near_tried"
"""Codes of the tasks that tell the data protection officer."""

_STRENGTH = {Nearness.NEAR: 0, Nearness.BARRED: 1, Nearness.OWN: 2}
_HIDDEN = (Nearness.OWN, Nearness.BARRED)
_OF_MAILS = select(StaffUser.name).where(func.lower(StaffUser.email).in_(bindparam("mails", expanding=True)))
_OF_KEYS = select(StaffKey).where(StaffKey.digest.in_(bindparam("digests", expanding=True)))
_LONGEST = 4
"""Words of a surname at most, as in "de la Torre Ruiz"."""


def know(session: Session, rt: Runtime, name: str, *, own: Mapping[str, str], near: Mapping[str, str], by: str) -> int:
    """Keep digests of what is a member of staff's own (identifiers) and near to them (surname, address); how many.

    They replace those kept before, and count for cases opened or proven from now on. Raises `NotFound`, `BadInput`.
    """
    if session.get(StaffUser, name) is None:
        raise NotFound("user", detail=f"there is no user {name}")
    faults = [Fault(kind, "identifier_invalid", f"one of {', '.join(KINDS)}") for kind in own if kind not in KINDS]
    faults += [Fault(kind, "near_kind", f"{SURNAME} or {ADDRESS}") for kind in near if kind not in (SURNAME, ADDRESS)]
    plain = {kind: normalise(kind, value) for kind, value in own.items() if kind in KINDS}
    faults += [Fault(kind, "identifier_invalid", "write it as it is on file") for kind, v in plain.items() if v is None]
    if faults:
        raise BadInput(faults)
    for row in session.scalars(select(StaffKey).where(StaffKey.name == name)):
        session.delete(row)
    session.flush()
    keys = {_digest(rt, kind, value or ""): Nearness.OWN for kind, value in plain.items()}
    for kind, value in near.items():
        keys.setdefault(_digest(rt, kind, _plain(value)), Nearness.NEAR)
    session.add_all(StaffKey(name=name, digest=digest, nearness=how) for digest, how in keys.items())
    facts = {"name": name, "keys": len(keys)}
    audit.record(session, "staff:known", at=rt.now(), actor=by, facts=facts)
    return len(keys)


def note_case(session: Session, rt: Runtime, request: Request, *, claim: Claim, proof: Proof | None = None) -> None:
    """Find out whom of the staff this case concerns, by what it says and, once that is proven, by what is on file."""
    values = {(kind, value) for kind, value in claim.identifiers.items()}
    values |= {("email", claim.reply_to)} if claim.reply_to else set()
    names, lines = [claim.name], list[str]()
    if proof is not None:
        values |= {(kind, value) for kind, known in proof.told().items() for value in known}
        names.append(proof.contact.name)
        lines += proof.contact.postal
    mails = [normalise(kind, value) or value.lower() for kind, value in values if kind == "email"]
    found: dict[str, Nearness] = {}
    if mails:
        for name in session.scalars(_OF_MAILS, {"mails": mails}):
            found[name] = Nearness.OWN
    digests = [_digest(rt, kind, normalise(kind, value) or value) for kind, value in values]
    digests += [_digest(rt, SURNAME, part) for name in names for part in _parts(name)]
    digests += [_digest(rt, ADDRESS, _plain(line)) for line in lines if line.strip()]
    for row in session.scalars(_OF_KEYS, {"digests": digests}):
        if _STRENGTH[row.nearness] >= _STRENGTH.get(found.get(row.name, Nearness.NEAR), 0):
            found[row.name] = row.nearness
    for name, how in found.items():
        _note(session, rt, request, name, how=how, by="vastine")


def bar(session: Session, rt: Runtime, request: Request, name: str, *, by: str, reason: str) -> None:
    """Keep this case from a member of staff who is a relative, friend or colleague of the person.

    They say so themselves, or the data protection officer does. Raises `NotAllowed`, `NotFound`, `BadInput`.
    """
    staff, other = session.get(StaffUser, by), session.get(StaffUser, name)
    if other is None:
        raise NotFound("user", detail=f"there is no user {name}")
    if staff is None or staff.disabled_at is not None or (by != name and staff.role is not Role.DPO):
        raise NotAllowed("role", detail="they say so themselves, or the data protection officer does")
    if by != name and is_kept_from(session, request, by):
        raise NotAllowed(
            "near_case", detail="somebody who stands near to the person does not keep others from the case"
        )
    sealed = _sealed(session, rt, request, reason, by=by)
    audit.record(session, BARRED, at=rt.now(), actor=by, request_id=request.id, sealed=sealed)
    _note(session, rt, request, name, how=Nearness.BARRED, by=by)


def open_near(session: Session, rt: Runtime, request: Request, *, user: str, reason: str) -> None:
    """Look at the case of somebody near, with a reason, for reading; the data protection officer hears of it at once.

    Raises `Conflict` where the case is not near to them, `NotFound` for one that is kept from them, `BadInput`.
    """
    row = session.get(CaseNearness, (request.id, user))
    if row is None:
        raise Conflict("not_near", detail="this case is not near to you")
    if row.nearness is not Nearness.NEAR:
        raise NotFound("request", detail="there is no request with this reference")
    sealed = _sealed(session, rt, request, reason, by=user)
    row.opened_at = rt.now()
    audit.record(session, OPENED, at=rt.now(), actor=user, request_id=request.id, sealed=sealed)
    _alarm(session, rt, request, user, code=LOOKED)


def note_attempt(session: Session, rt: Runtime, request: Request, *, user: str) -> None:
    """Somebody tried to look at a case that is kept from them: on record, and the data protection officer hears."""
    audit.record(session, DENIED, at=rt.now(), actor=user, request_id=request.id)
    _alarm(session, rt, request, user, code=TRIED)


def is_kept_from(session: Session, request: Request, name: str | None) -> bool:
    """Whether this member of staff may not act on the case at all."""
    return name is not None and session.get(CaseNearness, (request.id, name)) is not None


def hidden_from(session: Session, name: str) -> set[uuid.UUID]:
    """The cases that no list shows to this member of staff."""
    mine = (CaseNearness.name == name, CaseNearness.nearness.in_(_HIDDEN))
    return set(session.scalars(select(CaseNearness.request_id).where(*mine)))


def cases_kept_from(session: Session, name: str) -> set[str]:
    """The references of those cases."""
    return set(session.scalars(select(Request.reference).where(Request.id.in_(hidden_from(session, name)))))


def _note(session: Session, rt: Runtime, request: Request, name: str, *, how: Nearness, by: str) -> None:
    row = session.get(CaseNearness, (request.id, name))
    if row is not None and _STRENGTH[row.nearness] >= _STRENGTH[how]:
        return
    if row is None:
        row = CaseNearness(request_id=request.id, name=name, nearness=how, noted_at=rt.now())
        session.add(row)
    row.nearness = how
    session.flush()
    if by == "vastine":
        facts = {"name": name, "nearness": how.value}
        audit.record(session, "case:near", at=rt.now(), actor=by, request_id=request.id, facts=facts)


def _alarm(session: Session, rt: Runtime, request: Request, name: str, *, code: str) -> None:
    open_task(
        session,
        rt,
        key=f"{code}:{request.id}:{name}",
        kind=TaskKind.CHECK,
        code=code,
        request_id=request.id,
        due_on=rt.today(),
        facts={"name": name},
    )


def _sealed(session: Session, rt: Runtime, request: Request, reason: str, *, by: str) -> bytes:
    words = reason.strip()
    if not 10 <= len(words) <= 1000:
        raise BadInput([Fault("near_reason", "near_reason", "write one sentence, at most 1000 characters")])
    key = open_key(session, rt, request.data_key_id)
    return key.seal(words.encode(), f"audit.near:{request.id}:{by}:{rt.now().isoformat()}")


def _digest(rt: Runtime, kind: str, value: str) -> bytes:
    return rt.vault.digest("staff", f"{kind}:{value}")


def _parts(name: str) -> Iterable[str]:
    """All that may be a surname in it: each word, and words that follow one another, as in "von Essen"."""
    words = [word for word in _plain(name).split() if len(word) > 1]
    return {" ".join(words[n : n + length]) for length in range(1, _LONGEST + 1) for n in range(len(words))}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
