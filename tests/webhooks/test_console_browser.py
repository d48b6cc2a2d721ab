"""The console in a real browser: two people decide an erasure with scripts switched off, and axe on every page."""

import threading
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from waitress.server import create_server

from models.staff import HumanTask
from models.vocabulary import Outcome, Right
from tests.webhooks.desk import PASSWORD
from tests.world import BOB, JANE, World
from workflows.mailroom import receive

pytestmark = pytest.mark.slow

LOOKS = tuple(product(("light", "dark"), (320, 1280)))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LETTER = f"""From: Jane <{JANE}>
To: office@shop.example
Subject: A question
Message-ID: <1@mail.example>

Hello, what do you do?
"""

Visit = Callable[..., Page]


@pytest.fixture
def address(console: Flask) -> Iterator[str]:
    server = create_server(console, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=10)


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    contexts = []

    def sit_down(name: str = "", *, language: str = "en", **look: Any) -> Page:
        context = browser.new_context(base_url=address, **look)
        contexts.append(context)
        page = context.new_page()
        page.goto("/login")
        press(page, f"button[value={language}]")
        if name:
            page.fill("#f-name", name)
            page.fill("#f-password", PASSWORD)
            press(page, "button.main")
        return page

    yield sit_down
    for context in contexts:
        context.close()


def press(page: Page, selector: str) -> None:
    """Click what leads to another page, and wait for that page."""
    with page.expect_navigation():
        page.click(selector)


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
        task = next(t.id for t in session.query(HumanTask) if t.kind.value == "by_hand")
    return {
        "today": "/",
        "queue": "/requests?state=all",
        "tasks": "/tasks",
        "task": f"/tasks/{task}",
        "deciding": case[deciding],
        "failed": case[failed],
        "verifying": case[verifying],
        "records": f"{case[deciding]}/sources/shop",
        "new": "/requests/new",
        "message": f"/messages/{message}",
        "audit": "/audit?verify=1",
        "outbox": "/outbox",
        "missing": "/nowhere",
    }


def check(page: Page, where: str) -> None:
    """No violation, contrast looked at, and nothing wider than the page."""
    found = Axe().run(page, options=RULES).response
    assert [(v["id"], [n["html"][:90] for n in v["nodes"]][:3]) for v in found["violations"]] == [], where
    assert any(p["id"] == "color-contrast" for p in found["passes"]), where
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, f"{where} is wider than the window"


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
