"""The sealed parts of a request: what the person said, what was proven, what leads on from there."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.request import DataKey, Request
from models.session import reading
from workflows.errors import NeverAgain
from workflows.ports import Contact, Lead, Person, RequestKey, Seeds
from workflows.register.naming import record_name
from workflows.rules.identity import Match, proven_identifiers, same_person, shared_keys
from workflows.rules.items import canonical
from workflows.runtime import Runtime

_KEY = select(DataKey).where(DataKey.id == bindparam("this"))
_FINDINGS = select(Finding).where(Finding.request_id == bindparam("of")).order_by(Finding.source)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the person told us; nothing here is proven, and nothing here seeds a search."""

    name: str = ""
    reply_to: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    for_another: bool = False
    checked: Mapping[str, str] = field(default_factory=dict)  # identifiers that staff who saw the person checked
    language_unsaid: bool = False  # the language of the case is a guess: what is on file is better
    no_ban: bool = False  # whoever erases what rests on their consent is not to set a ban too
    number_since: str = ""  # the day since which, as staff read it, the number they called is on file


@dataclass(frozen=True, slots=True)
class Acted:
    """What a mandate allows whoever acts for the person. `reply`: they get the answer; None: the person does."""

    categories: Sequence[str] | None = None  # of data; None: all
    reply: Contact | None = None

    def covers(self, category: str) -> bool:
        """Whether data of this category are within the mandate."""
        return self.categories is None or category in self.categories


@dataclass(frozen=True, slots=True)
class Proof:
    """Who the person is, by the controller's own records or by staff who saw them.

    `contact` is frozen here: a later change in the register or a wish in a mail does not move the reply.
    """

    identifiers: Mapping[str, Sequence[str]]  # a person may have two customer numbers
    contact: Contact
    source: str = ""
    key: str = ""
    records: Sequence[Sequence[str]] = ()  # (source, key) of every record that is theirs: two customer numbers, say
    shared: Mapping[str, Sequence[str]] = field(default_factory=dict)  # on file, and on another person's record too
    acted: Acted | None = None  # somebody acts for the person, by a mandate that was accepted

    @property
    def reply(self) -> Contact:
        """Whom the answer goes to: the contact on file, or whoever acts for the person where the mandate says so."""
        return self.acted.reply if self.acted is not None and self.acted.reply is not None else self.contact

    def told(self) -> dict[str, tuple[str, ...]]:
        """The person's identifiers by kind, those of the contact on file and those shared with others too."""
        contact = {"email": self.contact.email, "phone_number": self.contact.phone}
        kinds = dict.fromkeys((*self.identifiers, *self.shared, *contact))
        return {
            kind: tuple(
                value
                for value in (*self.identifiers.get(kind, ()), *self.shared.get(kind, ()), contact.get(kind, ""))
                if value
            )
            for kind in kinds
        }

    def named(self) -> set[tuple[str, str]]:
        """What was proven, as names of the register and values: an event may come with any of them."""
        named = {(record_name(source), number) for source, number in self.records}
        return named | {(f"identity:{name}", value) for name, values in self.identifiers.items() for value in values}


def proof_of(match: Match[Person], people: Sequence[Person]) -> Proof | None:
    """Who a match means, by every record that is the same person's; None where it means nobody or several."""
    if (person := match.person) is None or match.outcome not in ("one", "selected"):
        return None
    identifiers, common = dict[str, list[str]](), dict[str, list[str]]()
    records = [*match.people, *(p for p in people if p not in match.people and same_person(person, p))] or [person]
    for record in records:
        shared = shared_keys(record, people)
        for name, value in proven_identifiers(record).items():
            if value not in (values := (common if name in shared else identifiers).setdefault(name, [])):
                values.append(value)
    known = dict.fromkeys((record.source, record.key) for record in records if record.key)
    return Proof(identifiers, person.contact, person.source, person.key, tuple(known), common)


def make_key(session: Session, rt: Runtime) -> tuple[DataKey, RequestKey]:
    """A fresh key for a request or message, added to the session."""
    wrapped, key = rt.vault.new_key()
    row = DataKey(master_key=rt.vault.master_key, wrapped=wrapped, created_at=rt.now())
    session.add(row)
    session.flush()  # the rows sealed with it name its id
    return row, key


def open_key(session: Session, rt: Runtime, data_key_id: Any) -> RequestKey:
    """The key of a request or message; raises `NeverAgain("key_destroyed")` once it was destroyed."""
    rows: dict[Any, DataKey] = session.info.setdefault("data_keys", {})  # a session holds on to nothing by itself
    if data_key_id not in rows:
        with reading(session, DataKey):
            rows[data_key_id] = session.execute(_KEY, {"this": data_key_id}).scalar_one()
    row = rows[data_key_id]
    if row.wrapped is None:
        raise NeverAgain("key_destroyed")
    return rt.vault.unwrap(row.wrapped, row.master_key)


def seen_key(session: Session, row: DataKey) -> None:
    """Take note of a key that another statement read along with its own: `open_key` need not ask for it again."""
    session.info.setdefault("data_keys", {})[row.id] = row


def note_unsearched(session: Session, request: Request) -> None:
    """Of a request that no search has begun for `findings_of` need not ask. The caller holds its lock."""
    if request.searched_from is None:
        session.info.setdefault("findings", {}).setdefault(request.id, {})


def findings_of(session: Session, request: Request) -> dict[str, Finding]:
    """The request's answers by source, in order; read once in a transaction, so one that is added belongs here too."""
    known: dict[Any, dict[str, Finding]] = session.info.setdefault("findings", {})
    if request.id not in known:
        with reading(session, Finding):
            known[request.id] = {f.source: f for f in session.scalars(_FINDINGS, {"of": request.id})}
    return known[request.id]


def seal_claim(key: RequestKey, request_id: Any, claim: Claim) -> bytes:
    """Seal what the person said."""
    return key.seal(canonical(asdict(claim)).encode(), f"requests.claim:{request_id}")


def open_claim(key: RequestKey, request: Request) -> Claim:
    """What the person said."""
    return Claim(**json.loads(key.open(request.claim_sealed, f"requests.claim:{request.id}")))


def seal_proof(key: RequestKey, request_id: Any, proof: Proof) -> bytes:
    """Seal who the person is."""
    return key.seal(canonical(asdict(proof)).encode(), f"requests.proof:{request_id}")


def open_proof(key: RequestKey, request: Request) -> Proof:
    """Who the person is; raises `NeverAgain("not_proven")` while nobody is."""
    if request.proof_sealed is None:
        raise NeverAgain("not_proven")
    return proof_from(json.loads(key.open(request.proof_sealed, f"requests.proof:{request.id}")))


def proof_from(data: Mapping[str, Any]) -> Proof:
    """A proof from its JSON."""
    contact = dict(data["contact"])
    contact["postal"] = tuple(contact.get("postal", ()))
    return Proof(
        identifiers=data["identifiers"],
        contact=Contact(**contact),
        source=data["source"],
        key=data["key"],
        records=tuple(tuple(record) for record in data.get("records", ())),
        shared=data.get("shared", {}),
        acted=_acted_from(data.get("acted")),
    )


def _acted_from(data: Mapping[str, Any] | None) -> Acted | None:
    if data is None:
        return None
    categories, reply = data["categories"], data["reply"]
    return Acted(
        categories=None if categories is None else tuple(categories),
        reply=None if reply is None else Contact(**{**reply, "postal": tuple(reply.get("postal", ()))}),
    )


def seal_leads(key: RequestKey, request_id: Any, source: str, leads: Mapping[str, Sequence[Lead]]) -> bytes:
    """Seal the values a source leads on to."""
    plain = {
        name: [[lead.value, _iso(lead.start), _iso(lead.end)] for lead in values] for name, values in leads.items()
    }
    return key.seal(canonical(plain).encode(), f"findings.leads:{request_id}:{source}")


def with_earlier_leads(
    key: RequestKey, request_id: Any, finding: Finding, leads: Mapping[str, Sequence[Lead]]
) -> dict[str, list[Lead]]:
    """These leads and those that the source gave before: what gave them may have been erased since."""
    merged = {name: list(values) for name, values in leads.items()}
    for name, values in _opened_leads(key, request_id, finding.source, finding.leads_sealed or b"").items():
        known = merged.setdefault(name, [])
        known.extend(lead for lead in values if lead not in known)
    return merged


def leads_of(key: RequestKey, request_id: Any, finding: Finding) -> Mapping[str, Sequence[Lead]]:
    """The values that this answer of a source led on to."""
    return _opened_leads(key, request_id, finding.source, finding.leads_sealed or b"")


def _opened_leads(key: RequestKey, request_id: Any, source: str, sealed: bytes) -> dict[str, list[Lead]]:
    if not sealed:
        return {}
    plain = json.loads(key.open(sealed, f"findings.leads:{request_id}:{source}"))
    return {name: [Lead(v, _day(start), _day(end)) for v, start, end in values] for name, values in plain.items()}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def seeds_of(session: Session, key: RequestKey, request: Request) -> dict[str, list[Lead]]:
    """Everything that may seed a search: proven identifiers, and what they led to so far."""
    proof = open_proof(key, request)
    seeds: dict[str, dict[tuple[str, str | None, str | None], Lead]] = {}
    for name, values in proof.identifiers.items():
        for value in values:
            seeds.setdefault(f"identity:{name}", {})[(value, None, None)] = Lead(value)
    for name, values in proof.shared.items():
        for value in values:
            seeds.setdefault(f"shared:{name}", {})[(value, None, None)] = Lead(value)
    for source, finding in sorted(findings_of(session, request).items()):
        for name, leads in _opened_leads(key, request.id, source, finding.leads_sealed or b"").items():
            for lead in leads:
                seeds.setdefault(name, {})[(lead.value, _iso(lead.start), _iso(lead.end))] = lead
    return {name: [found[k] for k in sorted(found, key=str)] for name, found in sorted(seeds.items())}


def seeds_for(seeds: Seeds, entries: frozenset[str]) -> dict[str, list[Lead]]:
    """The part of the seeds that a source's search can start from."""
    return {name: list(values) for name, values in seeds.items() if name in entries and values}


def seeds_digest(seeds: Seeds) -> bytes:
    """Says whether a source was asked with the same seeds before."""
    plain = {
        n: sorted(([lead.value, _iso(lead.start), _iso(lead.end)] for lead in v), key=str) for n, v in seeds.items()
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).digest()
