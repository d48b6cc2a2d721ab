"""Pages that come up on the way only, in every language and look: items, messages, log-ins, notices, errors."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, Response
from playwright.sync_api import Browser, Page
from waitress.server import create_server

from models.request import Request
from models.vocabulary import RequestState
from tests.webhooks.browsing import LOOKS, RULES, press
from tests.webhooks.visitor import Caller, code_in_mail, link_in_mail
from tests.world import JANE, World, open_world, prepare, write_register
from webhooks.portal.house import STYLE, page
from webhooks.public import create_app
from workflows import thread
from workflows.views import find_request

pytestmark = pytest.mark.slow

CONTROLLER = """
name: Shop Oy
email: office@shop.example
phone: "+358 45 799 0000"
address: Esimerkkikatu 1, 60100 Seinäjoki
brand_colour: "#3a0d4a"
dpo: {name: Anna, email: dpo@shop.example}
delivery: {objection_hours: 0}
"""
IN_OTHER_LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "link-in-text-block"]}}
"""What a colour or a width can change; everything else is looked at once."""
NEXT = "#wizard button.button >> nth=0"
SHOWN: dict[str, dict[str, Any]] = {
    "signin_go": {
        "reference": "TP-2026-7K4M-9X",
        "right": "access",
        "url": "https://bank.example/x",
        "provider": "Bank",
    }
    | {"purpose": "identify", "back": "/en/"},
    "signin_done": {"back": "/en/", "purpose": "identify"},
    "signin_failed": {"why": "too_often", "back": "/en/"},
    "notice_done": {},
    "notice_gone": {},
    "notice": {
        "notice": {
            "kind": "erasure",
            "recipient": "Perintä Oy",
            "reference": "TP-2026-7K4M-9X",
            "due_on": date(2026, 4, 2),
            "categories": ["Customer data"],
            "identifiers": [("email", JANE)],
        },
        "place": {"lang": "en", "token": "x"},
    },
    "expired": {},
    **{f"error {code}": {"code": code} for code in (403, 409, 429, 500)},
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"controller.yaml": CONTROLLER})
    world = open_world(environ)
    yield world
    world.close()


@pytest.fixture
def app(world: World) -> Flask:
    """The portal, and an address for pages that only something going wrong leads to."""
    app = create_app(world.rt)

    def shown(lang: str, name: str) -> Response:
        facts = SHOWN[name]
        return page(name.partition(" ")[0], **{**facts, "place": {"lang": lang, "token": "x"}})

    app.add_url_rule("/<lang>/shown/<name>", "shown", shown)
    return app


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    running.join(timeout=10)


def cases(world: World, app: Flask, lang: str) -> dict[str, str]:
    """Name to path of pages of cases in which something was written; made once, before any look."""
    caller = Caller(app)
    held = caller.ask(lang, email=JANE, copy_of="some", categories="C01")
    caller.post(f"{held}/code", {"code": code_in_mail(world, JANE)})
    world.work()
    with world.rt.unit() as session:
        request = find_request(session, held.split("/")[3], lock=True)
        request.state = RequestState.HELD  # something is kept: it is not closed
        thread.reply(session, world.rt, request, user="cleo", words="Word " * 40, content=b"%PDF-1.4 x %%EOF")
    caller.post(f"{held}/message", {"note": "W" * 300})
    link = link_in_mail(world, "fetch")
    closed = caller.ask(lang, email=JANE, message="another")
    with world.rt.unit() as session:
        asked = session.get_one(Request, find_request(session, closed.split("/")[3]).id, with_for_update=True)
        thread.reply(session, world.rt, asked, user="cleo", words="Which year?")
    caller.post(f"{closed}/withdraw")
    world.work()
    return {"thread": held, "thread_sent": f"{held}?note=sent", "link": link, "closed": closed}


def check(axe: Axe, page: Page, where: str, *, whole: bool) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    result = axe.run(page, options=RULES if whole else IN_OTHER_LOOKS).response
    found = [f"{where}: {v['id']} {v['nodes'][0]['html'][:120]}" for v in result["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{where}: wider than the screen")
    if len(page.content().encode()) + STYLE.stat().st_size > 30_000:
        found.append(f"{where}: larger than 30 kB")
    return found


def on_the_form(page: Page, lang: str) -> Iterator[str]:
    """Walk through the pages that only some rights have; the name of each, while it is shown."""
    for right in ("access", "rectification", "restriction", "erasure"):
        page.goto(f"/{lang}/request?right={right}")
        press(page, NEXT)
        page.fill("#email", JANE)
        press(page, NEXT)
        if right == "access":
            assert not page.locator("#categories").is_visible(), "all is chosen, and nothing asks for ticks"
            page.check("#copy_of-some")
            press(page, NEXT)
            assert page.locator(".box.bad").is_visible()
        yield f"after who, {right}"
        if right == "rectification":
            press(page, NEXT)
            assert page.locator(".box.bad").is_visible()
            yield "items, with mistakes"
            page.fill("#item1_what", "W" * 200)
            page.check("#item1_kind")
            page.fill("#item1_wanted", "Jane")
            press(page, "button[value=more]")
            yield "a second item"
            press(page, NEXT)
            press(page, NEXT)
            yield "check, with items"


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_pages_on_the_way_are_accessible_in_every_look(
    world: World, app: Flask, browser: Browser, address: str, lang: str
) -> None:
    axe, found, places = Axe(), [], cases(world, app, lang)
    places |= {name: f"/{lang}/shown/{name}" for name in SHOWN}
    opened = False
    for look, (scheme, width) in enumerate(LOOKS):
        context = browser.new_context(
            base_url=address,
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 900},
        )
        page = context.new_page()
        for name, path in places.items():
            page.goto(path)
            found += check(axe, page, f"{name} {scheme} {width}", whole=look == 0)
        for name in on_the_form(page, lang):
            found += check(axe, page, f"{name} {scheme} {width}", whole=look == 0)
        if not opened:
            page.goto(places["link"])
            press(page, "main form button.button >> nth=0")
            page.fill("#code", code_in_mail(world, JANE))
            press(page, "main form button.button >> nth=0")
            opened, cookies = True, context.cookies()
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(places["link"])
        assert page.locator(".thread").is_visible()
        found += check(axe, page, f"link, opened {scheme} {width}", whole=look == 0)
        page.goto(places["closed"])
        page.click("summary")
        press(page, "details[open] form button")
        found += check(axe, page, f"complaint, empty {scheme} {width}", whole=look == 0)
        context.close()
    assert not found, "\n".join(found)
