"""The register of bans: set at once, asked by every list and every other system, lifted only by a later consent.

It holds keyed digests and no contact. Their key has a purpose of its own, so that they meet no other digest of ours.
What cannot be compared counts as banned: nobody is written to because we could not read an address.
Source: GDPR Art. 21(2)-(3), 7(3), 5(2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import StaffUser
from models.suppression import BanRow
from models.vocabulary import Ban, Channel, Role
from workflows import audit
from workflows.errors import BadInput, Fault, NotAllowed, NotFound
from workflows.rules.bans import IDENTITIES, comparable
from workflows.runtime import Runtime

_STAFF = (Role.INTAKE, Role.CASEWORKER, Role.APPROVER, Role.DPO)
_AT_ONCE = 400  # digests in one statement


@dataclass(frozen=True, slots=True)
class Banning:
    """How a ban came to us: `origin` is person, staff or the name of a source; `proof` a code or reference of ours."""

    channel: Channel
    origin: str
    proof: str
    by: str
    request: Request | None = None


def may_ban(session: Session, name: str) -> None:
    """Raises `NotAllowed` for who is no member of staff that writes requests down or works on them."""
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in _STAFF:
        raise NotAllowed("role", detail="bans need the role intake, caseworker, approver or dpo")


def set_bans(
    session: Session, rt: Runtime, *, bans: Iterable[Ban], contacts: Mapping[str, str], how: Banning
) -> list[BanRow]:
    """Ban each of these contacts by each of these bans, in force with this transaction; those that are new.

    `contacts`: identity to value. Raises `BadInput` for what is no contact of its kind: then none is banned.
    """
    digests = _digests(rt, contacts)
    fresh = []
    for ban in dict.fromkeys(bans):
        for identity, digest in digests.items():
            if _in_force(session, ban, identity, digest=digest) is not None:
                continue
            row = BanRow(
                ban=ban,
                identity=identity,
                digest=digest,
                channel=how.channel,
                origin=how.origin,
                proof=how.proof,
                request_id=how.request.id if how.request else None,
                set_by=how.by,
                set_at=rt.now(),
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                if _in_force(session, ban, identity, digest=digest) is None:
                    raise
                continue  # another process set it just now
            fresh.append(row)
    if fresh:
        facts: dict[str, object] = {
            "bans": sorted({row.ban.value for row in fresh}),
            "identities": sorted({row.identity for row in fresh}),
            "origin": how.origin,
            "proof": how.proof,
        }
        owner = how.request.id if how.request else None
        audit.record(session, "ban:set", at=rt.now(), actor=how.by, request_id=owner, facts=facts)
    return fresh


def banned(session: Session, rt: Runtime, ban: Ban, lines: Sequence[Sequence[tuple[str, str]]]) -> list[bool | None]:
    """Whether each line, as (identity, value) pairs, may not be used: any of its contacts is banned.

    None: not all of it can be compared, so it may not be used either. Nothing is kept of what was asked.
    """
    asked = []
    for line in lines:
        plain = [(identity, comparable(identity, value)) for identity, value in line if value.strip()]
        pairs = [(identity, _digest(rt, identity, value)) for identity, value in plain if value is not None]
        asked.append((pairs, bool(pairs) and len(pairs) == len(plain)))
    known = _known(session, ban, {pair for pairs, _ in asked for pair in pairs})
    return [True if any(pair in known for pair in pairs) else (False if whole else None) for pairs, whole in asked]


def _known(session: Session, ban: Ban, pairs: set[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    known: set[tuple[str, bytes]] = set()
    digests = sorted({digest for _, digest in pairs})
    for start in range(0, len(digests), _AT_ONCE):
        rows = session.execute(
            select(BanRow.identity, BanRow.digest).where(
                BanRow.digest.in_(digests[start : start + _AT_ONCE]), BanRow.ban == ban, BanRow.lifted_at.is_(None)
            )
        )
        known |= {(row.identity, row.digest) for row in rows}
    return known & pairs


def lift_bans(
    session: Session, rt: Runtime, *, bans: Iterable[Ban], contacts: Mapping[str, str], by: str, proof: str
) -> int:
    """Take note that the person consented again; how many bans of these contacts that ended. The rows stay.

    Raises `BadInput` without a proof or for what is no contact of its kind, `NotFound` where none of them is banned.
    """
    if not proof.strip():
        raise BadInput([Fault("proof", "is missing", "say what shows that the person consented again")])
    digests = _digests(rt, contacts)
    count = 0
    told: set[str] = set()
    for ban in dict.fromkeys(bans):
        for identity, digest in digests.items():
            row = _in_force(session, ban, identity, digest=digest)
            if row is None:
                continue
            row.lifted_by, row.lifted_at, row.lift_proof = by, rt.now(), proof.strip()[:64]
            told.add(ban.value)
            count += 1
    if not count:
        raise NotFound("no_ban", detail="no such ban of these contacts is in force")
    facts = {"bans": sorted(told), "proof": proof.strip()[:64]}
    audit.record(session, "ban:lifted", at=rt.now(), actor=by, facts=facts)
    return count


def bans_of(session: Session, request: Request) -> Sequence[BanRow]:
    """The bans that a request set, in the order of the list."""
    rows = select(BanRow).where(BanRow.request_id == request.id)
    return session.scalars(rows.order_by(BanRow.ban, BanRow.identity)).all()


def list_bans(
    session: Session, rt: Runtime, *, contacts: Mapping[str, str] | None = None, lifted: bool = False
) -> Sequence[BanRow]:
    """Bans in force, the newest first; `lifted`: those that ended too; `contacts`: only those of these contacts.

    Raises `BadInput` for what is no contact of its kind: nobody is called free of bans who was not looked for.
    """
    rows = select(BanRow).order_by(BanRow.set_at.desc(), BanRow.ban, BanRow.identity)
    if not lifted:
        rows = rows.where(BanRow.lifted_at.is_(None))
    if contacts is not None:
        rows = rows.where(BanRow.digest.in_(_digests(rt, contacts).values()))
    return session.scalars(rows).all()


def forget_lifted(session: Session, *, before: datetime) -> int:
    """Delete bans that ended before this instant; how many. One in force never goes. Source: GDPR Art. 5(1)(e)."""
    over = select(BanRow.id).where(BanRow.lifted_at.is_not(None), BanRow.lifted_at < before)
    gone = session.scalars(over).all()
    for row in gone:
        session.delete(session.get_one(BanRow, row))
    return len(gone)


def _in_force(session: Session, ban: Ban, identity: str, *, digest: bytes) -> BanRow | None:
    return session.scalar(
        select(BanRow).where(
            BanRow.ban == ban, BanRow.identity == identity, BanRow.digest == digest, BanRow.lifted_at.is_(None)
        )
    )


def _digests(rt: Runtime, contacts: Mapping[str, str]) -> dict[str, bytes]:
    plain = {identity: comparable(identity, value) for identity, value in contacts.items()}
    if not plain or None in plain.values():
        known = ", ".join(IDENTITIES)
        raise BadInput([Fault("contact", "is no contact that can be compared", f"give one of {known}, written whole")])
    return {identity: _digest(rt, identity, value) for identity, value in plain.items() if value is not None}


def _digest(rt: Runtime, identity: str, plain: str) -> bytes:
    return rt.vault.digest("suppression", f"{identity}:{plain}")
