"""The page on which somebody says whose doubtful records are: what it shows, what it takes, whom it lets in."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from models.audit import AuditEntry
from models.candidates import CandidateVerdict
from models.vocabulary import RequestState, Right
from tests.webhooks.desk import Desk, form_of, give_passwords, words_of
from tests.world import JANE, World, open_world, prepare
from webhooks.staff import create_app


@pytest.fixture
def doubtful(tmp_path: Path) -> World:
    """A shop whose register says that an e-mail address never says enough."""
    environ = prepare(tmp_path)
    file = tmp_path / "register" / "sources" / "shop.yaml"
    source = yaml.safe_load(file.read_text("utf-8"))
    source.setdefault("person", {})["strength"] = {"email": "hint"}
    file.write_text(yaml.safe_dump(source), "utf-8")
    world = open_world(environ)
    give_passwords(world)
    return world


@pytest.fixture
def seat(doubtful: World) -> Callable[[str], Desk]:
    app = create_app(doubtful.rt)
    app.testing = True
    return lambda name: Desk(app, name)


@pytest.fixture
def page(doubtful: World) -> str:
    """The address of the case of an erasure of Jane's, waiting for its decision."""
    ident = doubtful.open(Right.ERASURE, JANE)
    doubtful.work()
    assert doubtful.state(ident) is RequestState.DECIDING
    return f"/requests/{doubtful.request(ident).reference}"


def marks_of(text: str) -> list[str]:
    return re.findall(r'name="mark" value="([^"]+)"', text)


def said(doubtful: World) -> list[tuple[str, str, str]]:
    with doubtful.rt.unit() as session:
        rows = session.scalars(select(CandidateVerdict).order_by(CandidateVerdict.collection))
        return [(row.collection, row.verdict.value, row.decided_by) for row in rows]


def test_the_case_leads_to_the_page_and_an_approval_waits_for_it(
    seat: Callable[[str], Desk], doubtful: World, page: str
) -> None:
    anna = seat("anna")
    assert "Records that may be the requester's: 3" in anna.text(page)
    answer = anna.send(page, f"{page}/approve", {"reference": page.rpartition("/")[2]})
    assert answer.status_code == 409
    assert "Say so first" in words_of(answer.text)
    shown = anna.text(f"{page}/candidates")
    assert "customer.email = email" in shown
    assert "3 unsaid, showing 1–3 of 3" in shown


def test_one_choice_for_all_of_them_makes_a_new_plan(seat: Callable[[str], Desk], doubtful: World, page: str) -> None:
    cleo = seat("cleo")
    here = f"{page}/candidates"
    text = cleo.get(here).text
    form = {**form_of(text, ""), "mark": marks_of(text), "all": "mine", "reason": "saw her card"}
    answer = cleo.post(here, form)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{page}?done=all_judged")
    assert [word for _, word, _ in said(doubtful)] == ["mine"] * 3
    assert {by for _, _, by in said(doubtful)} == {"cleo"}
    doubtful.work()
    assert "Erased now 5" in cleo.text(page), "what is hers leads on to her two invoices"
    with doubtful.rt.unit() as session:
        facts = [e.facts for e in session.scalars(select(AuditEntry).where(AuditEntry.event == "candidate:decided"))]
    assert len(facts) == 3
    assert "card" not in repr(facts)


def test_a_word_without_a_reason_is_not_taken_and_nothing_typed_is_lost(
    seat: Callable[[str], Desk], doubtful: World, page: str
) -> None:
    cleo = seat("cleo")
    here = f"{page}/candidates"
    text = cleo.get(here).text
    answer = cleo.post(here, {**form_of(text, ""), "mark": marks_of(text), "word:1": "not_mine", "reason": " "})
    assert answer.status_code == 422
    assert "what you base it on, at most" in words_of(answer.text)
    assert re.search(r'name="word:1" value="not_mine" checked', answer.text)
    assert said(doubtful) == []


def test_one_word_leaves_the_others_open(seat: Callable[[str], Desk], doubtful: World, page: str) -> None:
    cleo = seat("cleo")
    here = f"{page}/candidates"
    text = cleo.get(here).text
    answer = cleo.post(here, {**form_of(text, ""), "mark": marks_of(text), "word:2": "cant_tell", "reason": "no idea"})
    assert answer.headers["Location"] == f"{here}?done=judged"
    assert "2 unsaid" in cleo.text(here)


def test_a_mark_that_is_none_of_the_case_changes_nothing(
    seat: Callable[[str], Desk], doubtful: World, page: str
) -> None:
    cleo = seat("cleo")
    here = f"{page}/candidates"
    text = cleo.get(here).text
    false = "shop/customer/" + "0" * 64 + "/" + "1" * 64
    answer = cleo.post(here, {**form_of(text, ""), "mark": [false], "all": "mine", "reason": "because"})
    assert answer.status_code == 409
    assert said(doubtful) == []


@pytest.mark.parametrize(("name", "status"), [("ilse", 403), ("otto", 403), ("ada", 403), ("ben", 200)])
def test_only_who_works_on_cases_sees_the_page(seat: Callable[[str], Desk], page: str, name: str, status: int) -> None:
    assert seat(name).get(f"{page}/candidates").status_code == status


def test_looking_at_candidates_is_on_record(seat: Callable[[str], Desk], doubtful: World, page: str) -> None:
    seat("cleo").get(f"{page}/candidates?reveal=1")
    with doubtful.rt.unit() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.event == "case:read")).all()
    assert [(e.actor, e.facts["what"], e.facts["reveal"]) for e in entries] == [("cleo", "candidates", True)]
