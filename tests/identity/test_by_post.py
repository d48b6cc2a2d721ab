"""A code in a letter to the address on file: who gets one, who never does, and that nobody can tell from outside."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import sync_playwright
from sqlalchemy import select, update

from models.audit import AuditEntry
from models.mandate import Mandate, MandateState
from models.nearness import CaseNearness, Nearness
from models.purge import PurgeStage
from models.request import Request
from models.staff import HumanTask
from models.verification import Challenge
from models.vocabulary import Method, RequestState, TaskState
from tests.identity.shop import SUBJECT, open_shop
from tests.webhooks.browsing import LOOKS, check, press
from tests.webhooks.desk import PASSWORD, Desk, give_passwords
from tests.webhooks.visitor import Caller, link_in_mail, reference_of
from tests.world import BOB, EVE, JANE, World
from webhooks.public import create_app
from webhooks.staff import create_app as create_console
from workers.serving import Server
from workflows import acting, views
from workflows.casefile import open_claim, open_key, seal_claim
from workflows.errors import Conflict, NotAllowed, NotFound
from workflows.ladder import by_post
from workflows.purge.run import purge
from workflows.stages import verification

ONLY_LETTER = ", identity: {low: [letter, desk], medium: [letter, desk], high: [letter, desk]}"
PROTECTED = SUBJECT + "    protected: marked\n"
UNKNOWN = SUBJECT.replace("postal_since: postal_since", "postal_since: street")


@dataclass
class Post:
    """The shop where only a letter or the desk proves anybody, its portal and its console."""

    world: World
    app: Flask
    console: Flask

    def asked(self, email: str = JANE, **more: str) -> tuple[Caller, str]:
        """Somebody sends the form with this address and asks for a letter."""
        caller = Caller(self.app)
        page = caller.ask(email=email, **more)
        self.world.work()
        assert caller.post(f"{page}/letter").status_code == 303
        self.world.work()
        return caller, page

    def request(self, page: str) -> Request:
        with self.world.rt.unit() as session:
            return views.find_request(session, reference_of(page))

    def tasks(self, page: str) -> dict[str, HumanTask]:
        ident = self.request(page).id
        with self.world.rt.unit() as session:
            rows = session.scalars(select(HumanTask).where(HumanTask.request_id == ident))
            return {t.code: t for t in rows if t.state is TaskState.OPEN}

    def code(self, page: str) -> str:
        """What stands in the letter."""
        task, ident = self.tasks(page)["post_code"], self.request(page).id
        with self.world.rt.unit() as session:
            row = session.get_one(Request, ident, with_for_update=True)
            return by_post.sheet_of(session, self.world.rt, row, session.get_one(HumanTask, task.id)).code

    def type(self, page: str, code: str, caller: Caller | None = None) -> int:
        """Type a code on the page that the letter names."""
        caller = caller or Caller(self.app)
        return caller.post("/en/letter", {"reference": reference_of(page), "code": code}).status_code

    def is_proven(self, page: str) -> bool:
        self.world.work()
        return self.request(page).proof_sealed is not None


@pytest.fixture
def post(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Post]:
    world = open_shop(tmp_path, **{"identity": ONLY_LETTER, **getattr(request, "param", {})})
    give_passwords(world)
    app, console = create_app(world.rt), create_console(world.rt)
    app.testing = console.testing = True
    yield Post(world, app, console)
    world.close()


def test_a_code_from_the_letter_proves_the_person_and_opens_the_answer_later(post: Post) -> None:
    caller, page = post.asked()
    assert 'name="code"' not in caller.get(page).text
    assert "/en/letter" in caller.answer.text
    code = post.code(page)
    post.world.clock.advance(days=9)
    assert post.type(page, f"{code[:5]} {code[5:]}") == 200
    row = post.request(page)
    assert (row.verified_method, row.verified_by) == (Method.LETTER, "person")
    assert post.is_proven(page)
    assert "post_code" not in post.tasks(page)
    assert post.request(page).state is RequestState.CLOSED
    assert caller.get(f"{page}/files/package.zip").status_code == 303
    post.world.clock.advance(days=2)
    assert caller.post(f"{page}/letter").status_code == 303
    assert post.type(page, code, caller) == 422, "what proved the person opens nothing later"
    assert caller.get(f"{page}/files/package.zip").status_code == 303
    assert post.type(page, post.code(page), caller) == 200
    assert caller.get(f"{page}/files/package.zip").status_code == 200
    assert Caller(post.app).get(f"{page}/files/package.zip").status_code == 303


def test_nobody_can_tell_from_outside_whether_a_letter_goes_out(post: Post) -> None:
    seen = []
    for email in (JANE, BOB, "nobody@elsewhere.example"):
        caller, page = post.asked(email)
        pages = [caller.get(page), caller.post("/en/letter", {"reference": reference_of(page), "code": "1234567890"})]
        pages += [caller.post(f"{page}/letter"), caller.get(page)]
        hide = re.compile(f"{reference_of(page)}|{page.rpartition('/')[2]}")
        seen.append([(p.status_code, hide.sub("", p.text), hide.sub("", str(p.headers))) for p in pages])
        assert ("post_code" in post.tasks(page)) is (email == JANE)
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(
    ("post", "email", "why"),
    [
        ({}, BOB, "address_changed"),
        ({}, EVE, "address_missing"),
        ({"subject": PROTECTED}, JANE, "address_protected"),
        ({"subject": UNKNOWN}, JANE, "address_unknown"),
    ],
    indirect=["post"],
)
def test_no_letter_goes_to_an_address_that_proves_nobody_and_staff_hear_why(post: Post, email: str, why: str) -> None:
    _, page = post.asked(email)
    assert why in post.tasks(page)
    assert "post_code" not in post.tasks(page)
    post.world.clock.advance(days=1)
    assert post.type(page, "0000000000") == 422
    assert not post.is_proven(page)


def test_tries_are_counted_and_the_right_code_comes_too_late_after_them(post: Post) -> None:
    _, page = post.asked()
    code = post.code(page)
    wrong = "0" * 10 if code != "0" * 10 else "1" * 10
    for _ in range(post.world.rt.register.controller.identity.letter_tries):
        assert post.type(page, wrong) == 422
    assert post.type(page, code) == 422
    assert not post.is_proven(page)


def test_a_code_is_good_for_three_weeks_and_no_longer(post: Post) -> None:
    _, page = post.asked()
    code, ident = post.code(page), post.request(page).id
    later = post.world.rt.today() + timedelta(days=60)
    with post.world.rt.unit() as session:
        session.execute(update(Request).where(Request.id == ident).values(due_a=later, due_b=later))
    post.world.clock.advance(days=21, minutes=1)
    assert post.type(page, code) == 422
    assert not post.is_proven(page)


def test_the_address_is_frozen_when_the_letter_is_written(post: Post) -> None:
    _, page = post.asked()
    post.world.execute(
        "shop", "UPDATE customer SET street = 'Thief Street 9', email = 'thief@shop.example' WHERE id = 1"
    )
    task, ident = post.tasks(page)["post_code"], post.request(page).id
    with post.world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        sheet = by_post.sheet_of(session, post.world.rt, row, session.get_one(HumanTask, task.id))
    assert sheet.contact.postal[0] == "Main Street 1"
    assert post.type(page, post.code(page)) == 200
    post.world.work()
    assert {m.to for m in post.world.mailer.sent if "thief" in m.to} == set()


def test_a_code_of_one_case_proves_no_other(post: Post) -> None:
    _, page = post.asked()
    _, other = post.asked(EVE)
    assert post.type(other, post.code(page)) == 422
    assert not post.is_proven(other)


def test_one_letter_is_on_its_way_at_a_time_and_two_are_all(post: Post) -> None:
    caller, page = post.asked()
    assert caller.post(f"{page}/letter").status_code == 404
    for again in (303, 404):
        with post.world.rt.unit() as session:
            session.execute(update(Challenge).values(tries_left=0))
        post.world.clock.advance(days=2)
        assert caller.post(f"{page}/letter").status_code == again
        post.world.work()


def test_two_cases_bring_no_two_letters_to_one_address_a_day(post: Post) -> None:
    post.asked()
    _, page = post.asked()
    assert "address_too_often" in post.tasks(page)


def test_staff_print_the_letter_say_that_it_went_out_and_can_read_the_code_no_more(post: Post) -> None:
    _, page = post.asked()
    task, code = post.tasks(page)["post_code"], post.code(page)
    there = f"/code-letters/{task.id}"
    assert Desk(post.console, "ilse").get(f"{there}/letter.pdf").status_code == 403
    assert Desk(post.console, "otto").get(there).status_code == 403
    cleo = Desk(post.console, "cleo")
    assert cleo.get(f"/tasks/{task.id}").headers["Location"].endswith(there)
    assert code not in cleo.text(there)
    printed = cleo.get(f"{there}/letter.pdf")
    assert printed.headers["Content-Disposition"] == f'attachment; filename="{reference_of(page)}_letter.pdf"'
    text = subprocess.run(["pdftotext", "-", "-"], input=printed.data, capture_output=True, check=True).stdout.decode()
    for said in (
        "Jane",
        "Main Street 1",
        "60100 Seinäjoki",
        f"{code[:5]} {code[5:]}",
        "/en/letter",
        reference_of(page),
    ):
        assert said in text, said
    assert cleo.send(there, there, {"how": "posted"}).status_code == 303
    assert cleo.get(f"{there}/letter.pdf").status_code == 404
    with pytest.raises(KeyError):
        post.code(page)
    with post.world.rt.unit() as session:
        events = {e.event: e for e in session.scalars(select(AuditEntry))}
    assert events["identity:letter:posted"].actor == "cleo"
    assert code not in str([e.facts for e in events.values()])
    assert post.type(page, code) == 200
    assert post.is_proven(page)


def test_a_letter_that_can_not_be_posted_proves_nobody(post: Post) -> None:
    _, page = post.asked()
    task, code = post.tasks(page)["post_code"], post.code(page)
    there = f"/code-letters/{task.id}"
    assert Desk(post.console, "cleo").send(there, there, {"how": "not_posted"}).status_code == 303
    assert post.type(page, code) == 422
    assert not post.is_proven(page)


def test_only_staff_who_may_post_letters_do(post: Post) -> None:
    _, page = post.asked()
    task, ident = post.tasks(page)["post_code"], post.request(page).id
    with post.world.rt.unit() as session:
        row, found = session.get_one(Request, ident, with_for_update=True), session.get_one(HumanTask, task.id)
        for name in ("ilse", "nobody"):
            with pytest.raises(NotAllowed):
                by_post.letter_of(session, post.world.rt, row, found, user=name)
            with pytest.raises(NotAllowed):
                by_post.posted(session, post.world.rt, row, found, how="posted", user=name)
        found.code = "check"
        with pytest.raises(NotFound):
            by_post.sheet_of(session, post.world.rt, row, found)


def seen(post: Post, page: str, who: str, method: Method = Method.DESK, **more: str) -> None:
    """Cleo saw or called this person."""
    rt, ident = post.world.rt, post.request(page).id
    with rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        verification.by_staff(session, rt, row, user="cleo", method=method, identifiers={"email": who, **more})
    post.world.work()


def test_a_letter_to_another_than_the_one_who_was_proven_opens_nothing(post: Post) -> None:
    caller, page = post.asked()
    task, code = post.tasks(page)["post_code"], post.code(page)
    there = f"/code-letters/{task.id}"
    assert Desk(post.console, "cleo").send(there, there, {"how": "posted"}).status_code == 303
    seen(post, page, EVE)
    assert post.is_proven(page)
    assert post.type(page, code, caller) == 422
    assert caller.get(f"{page}/files/package.zip").status_code == 303


def test_what_was_posted_before_the_person_came_to_the_desk_opens_their_answer(post: Post) -> None:
    caller, page = post.asked()
    task, code = post.tasks(page)["post_code"], post.code(page)
    there = f"/code-letters/{task.id}"
    Desk(post.console, "cleo").send(there, there, {"how": "posted"})
    seen(post, page, JANE)
    assert post.type(page, code, caller) == 200
    assert caller.get(f"{page}/files/package.zip").status_code == 200


def test_a_letter_that_was_not_posted_before_somebody_was_proven_is_called_off(post: Post) -> None:
    caller, page = post.asked()
    task, code = post.tasks(page)["post_code"], post.code(page)
    seen(post, page, JANE)
    assert post.is_proven(page)
    assert "post_code" not in post.tasks(page)
    assert Desk(post.console, "cleo").get(f"/code-letters/{task.id}/letter.pdf").status_code == 404
    assert post.type(page, code, caller) == 422
    post.world.clock.advance(days=2)
    assert caller.post(f"{page}/letter").status_code == 303, "nobody waits for what never comes"
    assert "post_code" in post.tasks(page)


def test_whoever_has_only_the_mailed_link_gets_a_letter_there_and_its_code_opens_it(post: Post) -> None:
    _, page = post.asked()
    assert post.type(page, post.code(page)) == 200
    post.world.work()
    link, caller = link_in_mail(post.world, "fetch"), Caller(post.app)
    assert f"{link}/letter" in caller.get(link).text
    post.world.clock.advance(days=2)
    assert caller.post(f"{link}/letter").status_code == 303
    assert "/en/letter" in caller.get(link).text
    assert caller.post(f"{link}/letter").status_code == 404, "one is on its way"
    code = post.code(page)
    assert post.type(page, code, caller) == 200
    assert caller.get(f"{link}/files/package.zip").status_code == 200
    assert Caller(post.app).get(f"{link}/files/package.zip").status_code == 303, "another browser"
    other, theirs = post.asked(EVE)
    assert post.type(theirs, code, other) == 422
    assert other.get(f"{link}/files/package.zip").status_code == 303


@pytest.mark.parametrize("post", [{"identity": ""}], indirect=True)
def test_a_link_that_opens_nothing_asks_for_no_letter(post: Post) -> None:
    assert Caller(post.app).post(f"/en/fetch/{'x' * 43}/letter").status_code == 404


def test_the_nights_between_leave_a_letter_that_will_open_the_answer(post: Post) -> None:
    caller, page = post.asked()
    assert post.type(page, post.code(page)) == 200
    post.world.work()
    assert post.request(page).state is RequestState.CLOSED
    post.world.clock.advance(days=2)
    assert caller.post(f"{page}/letter").status_code == 303
    purge(post.world.rt)  # what proved the person goes
    code = post.code(page)
    with post.world.rt.unit() as session:
        kept = session.scalars(select(Challenge).where(Challenge.code_digest.is_not(None))).all()
    assert [row.used_at for row in kept] == [None]
    assert post.type(page, code, caller) == 200
    assert caller.get(f"{page}/files/package.zip").status_code == 200
    assert purge(post.world.rt).stages[PurgeStage.EVIDENCE].gone == 1


@pytest.mark.parametrize("post", [{"identity": ""}], indirect=True)
def test_a_call_that_proved_nobody_leaves_the_letter_to_be_posted(post: Post) -> None:
    _, page = post.asked()
    seen(post, page, JANE, Method.CALL_BACK, phone_number="+358409999999")
    assert {"number_not_on_file", "post_code"} <= set(post.tasks(page))


def test_who_stands_near_to_the_person_never_sees_their_code(post: Post) -> None:
    _, page = post.asked()
    task, ident, rt = post.tasks(page)["post_code"], post.request(page).id, post.world.rt
    with rt.unit() as session:
        near = {"nearness": Nearness.NEAR, "noted_at": rt.now(), "opened_at": rt.now()}
        session.add(CaseNearness(request_id=ident, name="cleo", **near))
    cleo = Desk(post.console, "cleo")
    assert cleo.get(f"/requests/{reference_of(page)}").status_code == 200
    assert cleo.get(f"/code-letters/{task.id}/letter.pdf").status_code == 403
    assert Desk(post.console, "ben").get(f"/code-letters/{task.id}/letter.pdf").status_code == 200


@pytest.mark.parametrize(("post", "page_of_code"), [({}, "letter"), ({"identity": ""}, "status")], indirect=["post"])
def test_a_code_of_a_mandate_that_ended_proves_nobody_and_is_not_used_up(post: Post, page_of_code: str) -> None:
    caller, page = post.asked()
    there, code = "/en/letter", post.code(page)
    if page_of_code == "status":
        mailed = "".join(mail.body for mail in post.world.mailer.sent)
        there, code = f"{page}/code", re.findall(r"\b\d{8}\b", mailed)[0]
    ident, rt = post.request(page).id, post.world.rt
    with rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        key = open_key(session, rt, row.data_key_id)
        claim = replace(open_claim(key, row), for_another=True)
        row.claim_sealed = seal_claim(key, ident, claim)
        acting.note(session, rt, row, key, claim=claim, acting=None)
        today = rt.today()
        live = {
            "state": MandateState.PROVEN,
            "proven_at": rt.now(),
            "proven_by": "cleo",
            "valid_from": today,
            "valid_until": today,
        }
        session.flush()
        session.execute(update(Mandate).values(**live, ended_at=rt.now(), ended_why="revoked"))
    typed = {"reference": reference_of(page), "code": code}
    assert caller.post(there, typed).status_code == 422
    row = post.request(page)
    assert (row.state, row.verified_method, row.proof_sealed) == (RequestState.VERIFYING, None, None)
    with rt.unit() as session:
        assert session.scalars(select(Challenge.id).where(Challenge.used_at.is_not(None))).all() == []
        session.execute(update(Mandate).values(ended_at=None, ended_why=None))
    assert caller.post(there, typed).status_code in (200, 303)
    assert post.is_proven(page)


@pytest.mark.parametrize("post", [{"identity": ""}], indirect=True)
def test_asking_for_a_letter_sends_no_second_mail(post: Post) -> None:
    _, page = post.asked()
    codes = [m for m in post.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)]
    assert len(codes) == 1
    assert "post_code" in post.tasks(page)


@pytest.mark.parametrize(
    "post",
    [{"identity": ", identity: {low: [code, letter, desk], medium: [code, letter, desk], high: [code, desk]}"}],
    indirect=True,
)
def test_a_letter_that_is_not_enough_can_not_be_asked_for(post: Post) -> None:
    caller = Caller(post.app)
    page = caller.ask(email=JANE, right="erasure")
    post.world.work()
    assert f"{page}/letter" not in caller.get(page).text
    assert caller.post(f"{page}/letter").status_code == 404
    ident = post.request(page).id
    with post.world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        with pytest.raises(Conflict):
            by_post.ask(session, post.world.rt, row, actor="cleo")


@pytest.mark.slow
def test_axe_finds_nothing_on_the_pages_of_a_letter(post: Post, chromium: str) -> None:
    _, page = post.asked()
    ident = post.tasks(page)["post_code"].id
    portal = Server(post.app, host="127.0.0.1", port=0, threads=2).start()
    console = Server(post.console, host="127.0.0.1", port=0, threads=2).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme, width in LOOKS:
            look = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
            shown = browser.new_context(**look).new_page()
            for path in ("/fi/letter", "/sv/letter", "/en/letter", page):
                shown.goto(f"http://127.0.0.1:{portal.port}{path}")
                check(shown, f"{path} {scheme} {width}")
            shown.goto(f"http://127.0.0.1:{portal.port}/en/letter")
            shown.fill("#reference", reference_of(page))
            press(shown, "main button.button")
            assert "Error" in shown.title()
            check(shown, f"a wrong code {scheme} {width}")
            shown.goto(f"http://127.0.0.1:{console.port}/login")
            shown.fill("input[name=name]", "cleo")
            shown.fill("input[name=password]", PASSWORD)
            press(shown, "main button")
            shown.goto(f"http://127.0.0.1:{console.port}/code-letters/{ident}")
            check(shown, f"the console {scheme} {width}")
            shown.goto(f"http://127.0.0.1:{console.port}/requests/{reference_of(page)}")
            for closed in shown.locator("details > summary").all():
                closed.click()
            check(shown, f"the case {scheme} {width}")
        browser.close()
    portal.stop()
    console.stop()
