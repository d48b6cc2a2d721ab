"""The console in a real browser: two people decide an erasure with scripts switched off, and axe on every page."""

import pytest
from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Outcome, Right, TaskKind
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.world import BOB, JANE, World
from workflows.doors.minding import SHUT
from workflows.human import open_task
from workflows.mailroom import receive, take_note
from workflows.thread import reply

pytestmark = pytest.mark.slow

LETTER = f"""From: Jane <{JANE}>
To: office@shop.example
Subject: A question
Message-ID: <1@mail.example>

Hello, what do you do?
"""


LINES = b"right,name,email\naccess,Joe,joe@shop.example\nacces,Eve,\n"


def test_two_people_approve_an_erasure_and_see_it_done(desk_world: World, visit: Visit) -> None:
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    reference = desk_world.request(ident).reference
    for name, words in (("anna", "Somebody else must approve too"), ("ben", "The work goes on by itself")):
        page = visit(name, java_script_enabled=False)
        press(page, f"text=Open request {reference}")
        assert page.locator(".plancolumn.held").inner_text().startswith("Held")
        press(page, "#approve button")
        assert page.locator("#problems").is_visible()
        page.fill("#approve input[name=reference]", reference)
        press(page, "#approve button")
        assert words in page.locator("[role=status]").inner_text()
    desk_world.work()
    page.reload()
    assert "Partly erased" in page.locator(".casehead").inner_text()
    assert desk_world.request(ident).outcome is Outcome.PARTLY_ERASED
    assert desk_world.rows("shop", "orders") == [(1, 1, "first"), (2, 1, "second")]


def test_an_approval_can_be_given_with_the_keyboard_alone(desk_world: World, visit: Visit) -> None:
    ident = desk_world.open(Right.ERASURE, BOB)
    desk_world.work()
    reference = desk_world.request(ident).reference
    page = visit("anna")
    page.goto(f"/requests/{reference}")
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName, e.name || '', e.form ? e.form.id : '', s.outlineStyle] }"
        )
        assert here[3] != "none", f"{here} shows no focus"
        if here[1:3] == ["reference", "approve"]:
            break
    page.keyboard.type(reference)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Your approval is recorded" in page.locator("[role=status]").inner_text()


@pytest.fixture
def places(desk_world: World) -> dict[str, str]:
    """Name to path of every kind of page, with something on each."""
    deciding = desk_world.open(Right.ERASURE, BOB)
    desk_world.open(Right.RECTIFICATION)
    desk_world.work()
    desk_world.execute("billing", "ALTER TABLE invoice RENAME TO elsewhere")
    failed = desk_world.open(Right.ACCESS, JANE)
    verifying = desk_world.open(Right.ERASURE, JANE, desk=False)
    desk_world.work()
    message = receive(desk_world.rt, LETTER.replace("\n", "\r\n").encode()).message_id
    folder = desk_world.rt.settings.outbox_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.eml").write_text(f"Content-Language: fi\n{LETTER}\nhttp://127.0.0.1:8080/fi/status/x", "utf-8")
    desk_world.clock.advance(days=20, minutes=10)
    case = {i: f"/requests/{desk_world.request(i).reference}" for i in (deciding, failed, verifying)}
    with desk_world.rt.unit() as session:
        task = next(t.id for t in session.query(HumanTask) if t.kind.value == "source_failed")
        door = {"mailbox": "mail:tietosuoja@esimerkkisahko.example", "since": "2026-03-02T10:00+00:00"}
        open_task(session, desk_world.rt, key="shut", kind=TaskKind.CHECK, code=SHUT, facts=door)
    with desk_world.rt.unit() as session:
        asked = session.get_one(Request, verifying, with_for_update=True)
        take_note(session, desk_world.rt, asked, text="W" * 300, language="fi")
        reply(session, desk_world.rt, asked, user="cleo", words="Which year do you mean?")
        fixing = session.scalars(select(Request.reference).where(Request.right == Right.RECTIFICATION)).one()
    return {
        "today": "/",
        "queue": "/requests?state=all",
        "tasks": "/tasks",
        "task": f"/tasks/{task}",
        "deciding": case[deciding],
        "failed": case[failed],
        "verifying": case[verifying],
        "records": f"{case[deciding]}/sources/shop",
        "corrections": f"/requests/{fixing}/corrections",
        "sources": "/sources",
        "new": "/requests/new",
        "file": "/requests/import",
        "message": f"/messages/{message}",
        "audit": "/audit?verify=1",
        "outbox": "/outbox",
        "missing": "/nowhere",
    }


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible(visit: Visit, places: dict[str, str], scheme: str, width: int) -> None:
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    stranger = visit(**look)
    press(stranger, "button.main")
    check(stranger, "log-in refused")
    page = visit("anna", **look)
    for name, path in places.items():
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        check(page, name)
    page.goto("/requests/new")
    press(page, "form.entry button.main")
    assert page.locator(".field.wrong").count() > 1
    check(page, "new, with mistakes")
    page.goto("/requests/import")
    page.set_input_files("#f-file", {"name": "a.csv", "mimeType": "text/csv", "buffer": LINES})
    press(page, "form.stack button.main")
    assert page.locator(".lines li").count() == 2
    check(page, "file, opened")
    page.goto(places["deciding"])
    press(page, "#refuse button")
    check(page, "deciding, with mistakes")


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_no_page_is_too_wide_in_any_language(visit: Visit, places: dict[str, str], language: str) -> None:
    page = visit("anna", language=language, viewport={"width": 320, "height": 900})
    for name, path in places.items():
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{name} in {language}"
