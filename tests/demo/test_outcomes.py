"""What the cast page promises, checked with the real connectors, the real register and the real rules.

The engine's part (steps, approvals, letters) is left out: find, search until nothing new leads on, judge,
preview. What the sources would then do is what the receipts will say.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from models.vocabulary import Action, Outcome, Ownership, ReceiptOutcome, Right
from workflows.connectors.erasing import plan_action
from workflows.demo.build import AS_OF, build_demo
from workflows.demo.cast import Member
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.ports import Connector, EraseItem, Lead
from workflows.register.load import load_register
from workflows.register.model import Register
from workflows.rules.holds import CompiledRules, assess, compile_rules
from workflows.rules.identity import match_identity, proven_identifiers, shared_keys
from workflows.rules.items import Item, Verdict
from workflows.wiring import connectors_of

ROOT = Path(__file__).parents[2]
ON_FILE = [member for member in CAST if member.on_file]
NOT_OURS = ("nothing_personal", "register")


@dataclass(frozen=True)
class Sources:
    register: Register
    connectors: Mapping[str, Connector]
    rules: CompiledRules


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    files = build_demo(tmp_path_factory.mktemp("outcomes"), people=200, metering_days=1, longest_days=60)
    register = load_register(ROOT / "register")
    return Sources(register, connectors_of(register, files.environ()), compile_rules(register.holds))


def search(sources: Sources, identifiers: Mapping[str, str]) -> list[Item]:
    """Rounds over all sources until no source has new seeds."""
    seeds: dict[str, dict[tuple[object, ...], Lead]] = {
        f"identity:{key}": {(value,): Lead(value)} for key, value in identifiers.items()
    }
    found: dict[str, list[Item]] = {}
    asked: dict[str, object] = {}
    for _ in range(6):
        for name, connector in sources.connectors.items():
            usable = {k: list(v.values()) for k, v in seeds.items() if k in connector.entries()}
            if not usable or asked.get(name) == usable:
                continue
            asked[name], found[name] = usable, []
            for key, leads in connector.collect(usable, found[name].append).items():
                seeds.setdefault(key, {}).update({(lead.value, lead.start, lead.end): lead for lead in leads})
    return [item for items in found.values() for item in items]


def items_of(sources: Sources, member: Member) -> list[Item]:
    given = {"customer_number": str(customer_number(member.slug)), "name": as_person(member).first}
    people = [p for c in sources.connectors.values() for p in c.find({"customer_number": given["customer_number"]})]
    match = match_identity(given, people)
    assert match.outcome == "one"
    assert match.person is not None
    return search(sources, proven_identifiers(match.person, shared=shared_keys(match.person, people)))


def verdicts(sources: Sources, items: list[Item], today: date = AS_OF) -> list[tuple[Item, Verdict]]:
    roles = {
        (name, collection): {c: column.role for c, column in spec.columns.items() if column.role}
        for name, source in sources.register.sources.items()
        for collection, spec in source.person.collections.items()
    }
    judged = assess(
        items, sources.rules, today=today, roles=lambda source, collection: roles[source, collection],
        erasure_kind=lambda item: plan_action(sources.register, item),
    )  # fmt: skip
    return list(judged)


def outcome(sources: Sources, plan: list[tuple[Item, Verdict]]) -> Outcome:
    gone = rest = False
    for name, connector in sources.connectors.items():
        mine = [(n, item, verdict) for n, (item, verdict) in enumerate(plan) if item.source == name]
        batch = [
            EraseItem(n, item.collection, item.locator, verdict.action, verdict.fields, item.digest)
            for n, item, verdict in mine
            if verdict.action in (Action.DELETE, Action.MASK)
        ]
        refused = {p.item_no: p.refused for p in connector.preview(batch) if p.refused}
        assert set(refused.values()) <= {"by_hand"}, refused
        gone = gone or len(refused) < len(batch)
        rest = rest or any(
            v.holds or n in refused or (v.action is Action.KEEP and v.reason not in NOT_OURS) for n, _, v in mine
        )
    if not gone:
        return Outcome.KEPT
    return Outcome.PARTLY_ERASED if rest else Outcome.ERASED


@pytest.mark.parametrize("member", ON_FILE, ids=lambda m: m.slug)
def test_an_erasure_ends_as_the_page_says(sources: Sources, member: Member) -> None:
    plan = verdicts(sources, items_of(sources, member))
    holds = {hold.rule for _, verdict in plan for hold in verdict.holds}
    assert not any(hold.unknown for _, verdict in plan for hold in verdict.holds)
    assert set(member.erasure.holds) <= holds
    if member.erasure.outcome is not Outcome.BY_HAND:
        assert outcome(sources, plan) is member.erasure.outcome, sorted(holds)


@pytest.mark.parametrize("member", ON_FILE, ids=lambda m: m.slug)
def test_an_access_finds_the_person_and_nobody_else(sources: Sources, member: Member) -> None:
    items = items_of(sources, member)
    mine = {str(customer_number(member.slug)), str(customer_number(member.slug) + 10_000)}
    own = [item for item in items if item.ownership is Ownership.OWN]
    for item in own:
        numbers = {str(item.fields[c]) for c in ("asnro", "asnro2") if item.fields.get(c) is not None}
        assert not numbers or numbers & mine, item.collection
        if item.source == "perinta":
            assert item.fields["hetu"] == as_person(member).hetu
    assert {item.collection for item in own} >= {"asiakas", "osoite"}
    if member.deals:
        seen = [item for item in items if item.ownership in (Ownership.OWN, Ownership.SHARED)]
        assert {item.collection for item in seen} >= {"sopimus", "sarja_15"}
    assert member.expected(Right.ACCESS).outcome in (Outcome.DELIVERED, Outcome.BY_HAND)


def test_a_series_ends_where_the_contract_ends(sources: Sources) -> None:
    moved = {member.slug: items_of(sources, member) for member in CAST if member.slug in ("moved", "moved-in")}
    days = {slug: {i.on for i in items if i.collection == "sarja_15"} for slug, items in moved.items()}
    places = {
        slug: {i.locator["key"]["gsrn"] for i in items if i.collection == "sarja_15"} for slug, items in moved.items()
    }
    shared = places["moved"] & places["moved-in"]
    assert len(shared) == 1
    assert days["moved-in"]
    first = min(day for day in days["moved-in"] if day)
    at_shared = {
        i.on for i in moved["moved"] if i.collection == "sarja_15" and i.locator["key"]["gsrn"] in shared and i.on
    }
    assert max(at_shared) < first


def test_who_shares_a_mail_address_gets_only_her_own(sources: Sources) -> None:
    for slug in ("shared-mail-1", "shared-mail-2", "recycled-mail-old", "recycled-mail-new"):
        items = items_of(sources, next(m for m in CAST if m.slug == slug))
        names = {i.fields["asnro"] for i in items if i.collection == "asiakas" and i.ownership is Ownership.OWN}
        assert names == {customer_number(slug)}


def test_nobody_is_found_by_a_number_that_is_nobodys(sources: Sources) -> None:
    number = str(customer_number("unknown"))
    assert [p for c in sources.connectors.values() for p in c.find({"customer_number": number})] == []


def test_every_source_is_as_the_register_describes_it(sources: Sources) -> None:
    for connector in sources.connectors.values():
        connector.health()


@pytest.mark.slow
@pytest.mark.parametrize("day", [date(2026, 12, 31), date(2027, 1, 1), date(2027, 7, 1)])
def test_the_stories_keep_their_ends_on_other_days(tmp_path: Path, day: date) -> None:
    files = build_demo(tmp_path, people=2, metering_days=1, longest_days=5, as_of=day)
    register = load_register(ROOT / "register")
    sources = Sources(register, connectors_of(register, files.environ()), compile_rules(register.holds))
    for member in ON_FILE:
        plan = verdicts(sources, items_of(sources, member), day)
        assert set(member.erasure.holds) <= {hold.rule for _, verdict in plan for hold in verdict.holds}, member.slug
        if member.erasure.outcome is not Outcome.BY_HAND:
            assert outcome(sources, plan) is member.erasure.outcome, member.slug


@pytest.mark.parametrize(
    "slug",
    [
        "ended-12-years",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("prospect", "in-collection", "contact-ended", "outages")),
    ],
)
def test_erasing_touches_the_member_and_nobody_else(tmp_path: Path, slug: str) -> None:
    files = build_demo(tmp_path, people=5, metering_days=1, longest_days=3)
    register = load_register(ROOT / "register")
    sources = Sources(register, connectors_of(register, files.environ()), compile_rules(register.holds))
    member = next(m for m in CAST if m.slug == slug)
    others = [m for m in ON_FILE if m.slug not in (slug, "shared-address-1")]
    before = {m.slug: {(i.source, i.collection, i.digest) for i in items_of(sources, m)} for m in others}
    plan = verdicts(sources, items_of(sources, member))
    for name in sorted(sources.connectors, key=lambda n: register.sources[n].person.order):
        batch = [
            EraseItem(n, item.collection, item.locator, verdict.action, verdict.fields, item.digest)
            for n, (item, verdict) in enumerate(plan)
            if item.source == name and verdict.action in (Action.DELETE, Action.MASK)
        ]
        done = sources.connectors[name].erase(f"{slug}-{name}", 1, batch) if batch else []
        assert {d.outcome for d in done} <= {ReceiptOutcome.ERASED, ReceiptOutcome.MASKED}
        assert len(done) == len(batch)
    after = {m.slug: {(i.source, i.collection, i.digest) for i in items_of(sources, m)} for m in others}
    assert after == before
    left = sqlite3.connect(tmp_path / "asiakas.db")
    row = left.execute(
        "SELECT asnro, sahkoposti, puhelin FROM asiakas WHERE asnro = ?", (customer_number(slug),)
    ).fetchone()
    left.close()
    assert row == (customer_number(slug), None, None)
