"""The sources beside the databases: searched and erased with the real connectors, through the real services."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from models.vocabulary import Action, Outcome, Ownership, ReceiptOutcome
from tests.connectors.service import Notes
from tests.demo.test_outcomes import ROOT, Sources, items_of, outcome, verdicts
from workers.demo.postbox import keeping_mail
from workers.demo.services import serving
from workers.demo.whole import assemble
from workflows.connectors.hand import HandConnector
from workflows.connectors.http import HttpConnector
from workflows.connectors.mailbox_source import MailboxConnector
from workflows.demo.build import AS_OF, build_demo
from workflows.demo.cast import Member
from workflows.demo.cast_channels import CALLERS, PAPERS
from workflows.demo.channels import tone
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.documents.cells import redact
from workflows.handed import HandAnswer, HandRecord
from workflows.ports import EraseItem, Lead
from workflows.register.load import load_register
from workflows.rules.holds import compile_rules
from workflows.rules.items import Item
from workflows.runtime import Runtime
from workflows.wiring import connectors_of

MORE = {"asiakaspalvelu", "uutiskirje", "kysely", "kentta", "mittausarkisto", "paperiarkisto", "posti"}
BY_SLUG = {member.slug: member for member in CAST}


@contextmanager
def whole(folder: Path) -> Iterator[Sources]:
    """The demo company with all its sources; nobody has searched the papers."""
    files = build_demo(folder / "sources", people=60, metering_days=1, longest_days=20)
    register = load_register(assemble(ROOT / "register", folder))
    sources = folder / "sources"
    with serving(sources / "services") as addresses, keeping_mail(sources) as mail:
        connectors = connectors_of(register, {**files.environ(), **addresses, **mail})
        for connector in connectors.values():
            if isinstance(connector, (HttpConnector, MailboxConnector)):
                connector._marks = Notes()
        yield Sources(register, connectors, compile_rules(register.holds))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    with whole(tmp_path_factory.mktemp("whole")) as sources:
        yield sources


def searched(sources: Sources, member: Member) -> Sources:
    """The same sources after somebody looked for this member's papers."""
    papers = tuple(
        HandRecord(
            entry=f"p{n}",
            collection="sopimuspaperi" if paper.ended else "muistilappu",
            values={
                "asnro": str(customer_number(paper.member)),
                "sisalto": paper.content,
                **({"paattynyt": paper.ended.on(AS_OF).isoformat()} if paper.ended else {}),
            },
            location=paper.where,
            pages=paper.pages,
        )
        for n, paper in enumerate(PAPERS)
        if paper.member == member.slug
    )
    archive = sources.connectors["paperiarkisto"]
    assert isinstance(archive, HandConnector)
    answered = archive.answered(HandAnswer(papers, none=not papers))
    return Sources(sources.register, {**sources.connectors, "paperiarkisto": answered}, sources.rules)


def found(sources: Sources, slug: str) -> list[Item]:
    member = BY_SLUG[slug]
    return [item for item in items_of(searched(sources, member), member) if item.source in MORE]


def of(items: list[Item], collection: str) -> list[Item]:
    return [item for item in items if item.collection == collection]


def test_every_source_beside_the_databases_answers_as_the_register_describes_it(company: Sources) -> None:
    assert company.connectors.keys() >= MORE
    for name in MORE:
        company.connectors[name].health()


def test_one_person_is_found_by_a_number_an_address_a_telephone_and_a_digest(company: Sources) -> None:
    items = found(company, "calls-and-tickets")
    assert {i.collection: len(of(items, i.collection)) for i in items} == {
        "tiketti": 2, "puhelu": 2, "tilaaja": 1, "vastaus": 1, "vanha_sarja": 2, "viesti": 2,
    }  # fmt: skip
    assert {i.ownership for i in items} == {Ownership.OWN}


def test_an_address_in_a_survey_makes_no_second_person_of_a_customer(company: Sources) -> None:
    rt = cast("Runtime", SimpleNamespace(connectors=company.connectors))
    given = {"email": as_person(BY_SLUG["newsletter-reader"]).email}
    sources, people = Runtime.look_up(rt, given)
    assert [connector.spec.source for connector in sources] == ["asiakas"]
    assert [person.identifiers["customer_number"] for person in people] == [str(customer_number("newsletter-reader"))]
    assert len([p for c in company.connectors.values() for p in c.find(given)]) > 1
    assert "asiakas" not in {c.spec.source for c in Runtime.look_up(rt, {"email": "nobody@posti.example"})[0]}


def test_a_recording_comes_with_its_call(company: Sources) -> None:
    recordings: list[tuple[bytes, str]] = []
    phone = as_person(BY_SLUG["calls-and-tickets"]).phone
    company.connectors["asiakaspalvelu"].collect(
        {"identity:phone_number": [Lead(phone)]}, lambda item: recordings.extend(f["fetch"]() for f in item.files)
    )
    assert sorted(len(content) for content, _ in recordings) == [44 + 8000 * 3, 44 + 8000 * 4]
    assert {media_type for _, media_type in recordings} == {"audio/wav"}


def test_a_neighbour_in_a_ticket_and_who_answered_are_told_apart_from_the_person(company: Sources) -> None:
    items = found(company, "calls-and-tickets")
    (about,) = [i for i in of(items, "tiketti") if i.fields["toinen.nimi"]]
    assert set(about.third_party) == {"toinen.nimi", "toinen.puhelin", "toinen.kertomus"}
    shown, hidden = redact(about.fields, about.third_party)
    assert hidden == 3
    assert "Urpo" not in str(shown)
    assert len(shown["viestit.teksti"]) == 3
    assert all("asiakaspalvelija" in call.third_party for call in of(items, "puhelu"))


def test_a_visit_is_whose_contract_was_in_force_that_day(company: Sources) -> None:
    before, after = (of(found(company, slug), "kaynti") for slug in ("visited", "visited-next"))
    assert len(before) == len(after) == 1
    assert before[0].fields["gsrn"] == after[0].fields["gsrn"]
    assert before[0].on is not None
    assert after[0].on is not None
    assert before[0].on < after[0].on
    assert "naapuri" in before[0].third_party


def test_days_in_the_archive_are_held_as_long_as_those_in_the_metering_system(company: Sources) -> None:
    member = BY_SLUG["visited"]
    sources = searched(company, member)
    plan = verdicts(sources, items_of(sources, member))
    archived = [(item, verdict) for item, verdict in plan if item.source == "mittausarkisto"]
    assert len(archived) == 2
    assert {hold.rule for _, verdict in archived for hold in verdict.holds} == {"H05"}
    here = {item.on for item, _ in plan if item.collection == "sarja_15"}
    assert not here & {item.on for item, _ in archived}
    assert found(company, "visited-next") != []
    assert of(found(company, "visited-next"), "vanha_sarja") == []


def test_what_a_drop_in_latin_1_says_is_read_with_its_letters(company: Sources) -> None:
    answers = of(found(company, "newsletter-reader"), "vastaus")
    assert sorted(str(i.fields["palaute"]) for i in answers) == ["", "Selkeä kirje; lisää säästövinkkejä."]
    assert {i.fields["arvosana"] for i in answers} == {"4", "5"}


def test_a_contract_on_paper_is_held_and_a_note_is_not(company: Sources) -> None:
    member = BY_SLUG["paper-contract"]
    sources = searched(company, member)
    plan = verdicts(sources, items_of(sources, member))
    papers = {item.collection: verdict for item, verdict in plan if item.source == "paperiarkisto"}
    assert {hold.rule for hold in papers["sopimuspaperi"].holds} == {"H06"}
    assert papers["muistilappu"].action is Action.DELETE
    assert not papers["muistilappu"].holds


@pytest.mark.parametrize("member", CALLERS, ids=lambda m: m.slug)
def test_an_erasure_ends_as_the_page_says_with_all_sources_too(company: Sources, member: Member) -> None:
    sources = searched(company, member)
    plan = verdicts(sources, items_of(sources, member))
    assert set(member.erasure.holds) <= {hold.rule for _, verdict in plan for hold in verdict.holds}
    assert outcome(sources, plan) is member.erasure.outcome


def test_who_left_nothing_there_is_found_in_none_of_them(company: Sources) -> None:
    assert found(company, "ended-12-years") == []
    assert found(company, "shared-mail-1") == []


def snapshot(folder: Path) -> dict[str, list[str]]:
    """Every record of every service and file beside the databases, line by line."""
    lines = {}
    for path in sorted((folder / "sources").glob("*/*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        lines[path.name] = [json.dumps(one, sort_keys=True) for several in content.values() for one in several]
    for path in sorted((folder / "sources/drops").rglob("*.csv")):
        lines[path.name] = path.read_bytes().decode("iso-8859-1").splitlines()
    lines["mail"] = [path.read_text(encoding="utf-8") for path in sorted((folder / "sources/mail/cur").iterdir())]
    return lines


def test_an_erasure_takes_the_members_records_out_of_services_and_files_and_no_others(tmp_path: Path) -> None:
    member = BY_SLUG["newsletter-reader"]
    with whole(tmp_path) as company:
        sources = searched(company, member)
        before = snapshot(tmp_path)
        plan = verdicts(sources, items_of(sources, member))
        for name in MORE - {"paperiarkisto"}:
            batch = [
                EraseItem(n, item.collection, item.locator, verdict.action, verdict.fields, item.digest)
                for n, (item, verdict) in enumerate(plan)
                if item.source == name
            ]
            done = sources.connectors[name].erase(f"op-{name}", 1, batch) if batch else []
            assert {d.outcome for d in done} <= {ReceiptOutcome.ERASED}
        assert found(sources, member.slug) == []
    after = snapshot(tmp_path)  # what was deleted on the mail server is kept so when that ends
    gone = {name: sorted(set(lines) - set(after[name])) for name, lines in before.items()}
    assert all(set(after[name]) <= set(before[name]) for name in before)
    assert {name: len(lines) for name, lines in gone.items()} == {
        "asiakaspalvelu.json": 1, "uutiskirje.json": 1, "kaynnit_1.csv": 0, "vastaukset_1.csv": 1,
        "vastaukset_2.csv": 1, "mail": 2,
    }  # fmt: skip
    assert all("iida.kallio" in line for name in ("vastaukset_1.csv", "vastaukset_2.csv") for line in gone[name])


def test_a_recording_is_the_same_tone_every_time_and_another_for_another_call() -> None:
    assert tone("P1", 2) == tone("P1", 2)
    assert tone("P1", 1) != tone("P2", 1)
    assert tone("P1", 1)[:4] == b"RIFF"


def test_the_cast_reaches_every_source_and_has_members_for_it() -> None:
    assert len(CAST) >= 60
    assert Outcome.ERASED in {member.erasure.outcome for member in CALLERS}
    assert {paper.member for paper in PAPERS} == {"paper-contract"}
