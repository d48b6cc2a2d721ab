"""Records of which the rules can say nothing without knowing whose they are: judged person by person."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, or_, select

from models.holds import ManualHold
from models.vocabulary import Ownership
from workflows.casefile import seeds_for
from workflows.errors import PersonMustLook
from workflows.listed import Listed, Lists
from workflows.ports import Connector, Lead, Person
from workflows.retention.late import Late, Where, late_of, where_of
from workflows.rules.holds import ManualHoldFacts, assess
from workflows.rules.identity import proven_identifiers, shared_keys
from workflows.rules.items import Item
from workflows.rules.overdue import judge_of
from workflows.rules.subject import subject_facts
from workflows.runtime import Runtime

_ROUNDS = 12
_MINE = (Ownership.OWN, Ownership.SHARED)


def late_by_person(rt: Runtime, category: str, wanted: Collection[Where]) -> dict[Where, Late]:
    """Those of the wanted records that are late and free for everybody they are about.

    A record that no person leads to is left out: nobody can tell what holds it. So is all of it while the data of
    somebody are held by hand whom the registers of people don't show, and what several share while they don't show all.
    """
    said: dict[Where, list[Late | None]] = {}
    shared: set[Where] = set()
    held = _held(rt, category)
    unseen = set(held)
    everybody = True
    for found in _people(rt):
        if found is None:
            everybody = False
            continue
        person, seeds = found
        digest = rt.vault.digest("subject", f"{person.source}:{person.key}")
        unseen.discard(digest)
        items = search(rt, seeds)
        mine = [i for i in items if i.ownership in _MINE and where_of(i) in wanted]
        if not mine:
            continue
        shared.update(where_of(i) for i in mine if i.ownership is Ownership.SHARED)
        subject = subject_facts(items, today=rt.today())
        since = judge_of(rt.retained, subject=subject, today=rt.today())
        judged = assess(
            [replace(i, ownership=Ownership.OWN, referenced=False) for i in mine],
            rt.holds,
            today=rt.today(),
            roles=rt.roles,
            erasure_kind=rt.erasure_kind,
            manual=held.get(digest, ()),
            subject=subject,
        )
        for item, verdict in judged:
            said.setdefault(where_of(item), []).append(late_of(item, verdict, since(item)))
    untold = set(said) if unseen else set() if everybody else shared
    return {
        where: words[0]
        for where, words in said.items()
        if where not in untold and words[0] is not None and all(word == words[0] for word in words)
    }


def _people(rt: Runtime) -> Iterator[tuple[Person, dict[str, list[Lead]]] | None]:
    """Everybody in the registers of people, with what a search for them starts from; None: one who can't be told."""
    for name, connector in rt.connectors.items():
        known = rt.register.sources[name].person.subject
        if known is None:
            continue
        if not isinstance(connector, Lists) or known.collection not in connector.collections():
            yield None
            continue
        for listed in connector.everything(known.collection):
            found = _person(connector, listed)
            if found is None:
                yield None
                continue
            person, people = found
            proven = proven_identifiers(person, shared=shared_keys(person, people))
            yield person, {f"identity:{kind}": [Lead(value)] for kind, value in proven.items()}


def _person(connector: Connector, listed: Listed) -> tuple[Person, list[Person]] | None:
    asked = {kind: values[0] for kind, values in listed.identifiers.items() if values}
    people = connector.find(asked) if asked else []
    same = [p for p in people if all(p.identifiers.get(kind) == value for kind, value in asked.items())]
    return (same[0], people) if len(same) == 1 else None


def search(rt: Runtime, seeds: Mapping[str, list[Lead]]) -> list[Item]:
    """Everything that these lead to, in rounds, until nothing new leads on.

    Raises `PersonMustLook` where that has no end: what was not found by then could hold the rest.
    """
    known = {key: {(lead.value, lead.start, lead.end): lead for lead in leads} for key, leads in seeds.items()}
    found: dict[str, list[Item]] = {}
    asked: dict[str, object] = {}
    for _ in range(_ROUNDS):
        fresh = False
        for name, connector in rt.connectors.items():
            usable = seeds_for({key: list(leads.values()) for key, leads in known.items()}, connector.entries())
            if not usable or asked.get(name) == usable:
                continue
            fresh = True
            asked[name], found[name] = usable, []
            for key, leads in connector.collect(usable, found[name].append).items():
                known.setdefault(key, {}).update({(lead.value, lead.start, lead.end): lead for lead in leads})
        if not fresh:
            return [item for items in found.values() for item in items]
    raise PersonMustLook("too_many_rounds", detail="the sources lead on and on; check what refers to what")


def _held(rt: Runtime, category: str) -> dict[bytes, tuple[ManualHoldFacts, ...]]:
    """What is held by hand of this category, by whose data it is."""
    held: dict[bytes, tuple[ManualHoldFacts, ...]] = {}
    with rt.unit() as session:
        for hold in session.scalars(select(ManualHold).where(lasting(rt, category))):
            facts = ManualHoldFacts(rule=hold.rule, category=hold.category, until=hold.until)
            held[hold.subject_digest] = (*held.get(hold.subject_digest, ()), facts)
    return held


def lasting(rt: Runtime, category: str) -> ColumnElement[bool]:
    """The condition on holds by hand that concern this category today."""
    of_it = or_(ManualHold.category.is_(None), ManualHold.category == category)
    return and_(ManualHold.released_at.is_(None), ManualHold.until >= rt.today(), of_it)
