"""The portal in a real browser with scripts switched off: the whole walk, by pointer and by keyboard, and axe."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from tests.webhooks.visitor import code_in_mail, link_in_mail
from tests.world import JANE, World, open_world, prepare, write_register
from webhooks.public import create_app
from workers.serving import Server

pytestmark = pytest.mark.slow

LANGUAGES = ("fi", "sv", "en")
LOOKS = tuple(product(("light", "dark"), (320, 1280)))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTROLLER = """
name: Shop Oy
email: office@shop.example
phone: "+358 45 799 0000"
address: Esimerkkikatu 1, 60100 Seinäjoki
website: https://shop.example
business_id: 9000137-2
brand_colour: "#3a0d4a"
dpo: {name: Anna, email: dpo@shop.example}
"""

Visit = Callable[..., Page]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    # A colour that nobody could read on a dark page: the sheet has to move it.
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"controller.yaml": CONTROLLER})
    world = open_world(environ)
    yield world
    world.close()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    server = Server(create_app(world.rt), host="127.0.0.1", port=0, threads=4).start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    contexts = []

    def open_page(path: str, *, scheme: str = "light", width: int = 1280, scripts: bool = False) -> Page:
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def press(page: Page, selector: str) -> None:
    """Click what leads to another page, and wait for that page."""
    with page.expect_navigation():
        page.click(selector)


NEXT = "#wizard button.button"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_whole_walk_without_scripts(world: World, visit: Visit, lang: str, tmp_path: Path) -> None:
    page, clicks = visit(f"/{lang}/"), 0

    def click(selector: str) -> None:
        nonlocal clicks
        press(page, selector)
        clicks += 1

    click("main a.button")
    click(NEXT)
    assert page.locator(".box.bad").is_visible()
    page.check("#right")
    click(NEXT)
    page.fill("#name", "Jane Åström")
    page.fill("#email", "jane.shop.example")
    click(NEXT)
    assert page.input_value("#email") == "jane.shop.example"
    assert page.input_value("#name") == "Jane Åström"
    page.fill("#email", JANE)
    click(NEXT)
    page.fill("#message", "Hei!\nÅäö ✓")
    click(NEXT)
    press(page, "button[value=change-message]")
    assert page.input_value("#message") == "Hei!\nÅäö ✓"
    press(page, NEXT)
    assert "Jane Åström" in page.inner_text("dl.answers")
    click(NEXT)
    assert f"/{lang}/status/TP-" in page.url
    assert clicks <= 9  # two of them for the mistakes made on purpose
    page.fill("#code", code_in_mail(world, JANE))
    press(page, "main form button.button >> nth=0")
    world.work()
    page.reload()
    with page.expect_download() as download:
        page.click("a[href$='package.zip']")
    download.value.save_as(tmp_path / "package.zip")
    assert (tmp_path / "package.zip").read_bytes()[:2] == b"PK"


def test_the_browser_s_own_back_button_shows_what_was_typed(visit: Visit) -> None:
    page = visit("/en/")
    press(page, "main a.button")
    page.check("#right")
    press(page, NEXT)
    page.fill("#name", "Jane")
    page.fill("#email", JANE)
    press(page, NEXT)
    press(page, NEXT)
    page.go_back()
    assert page.locator("#message").is_visible()
    page.go_back()
    assert page.input_value("#name") == "Jane"
    press(page, NEXT)
    assert page.locator("#message").is_visible()


def test_the_language_can_be_changed_in_the_middle_and_nothing_is_lost(visit: Visit) -> None:
    page = visit("/fi/")
    press(page, "main a.button")
    page.check("#right-erasure")
    press(page, NEXT)
    page.fill("#name", "Jane")
    page.fill("#email", "not yet")
    press(page, ".languages button[lang=sv]")
    assert page.get_attribute("html", "lang") == "sv"
    assert (page.input_value("#name"), page.input_value("#email")) == ("Jane", "not yet")
    assert not page.locator(".box.bad").is_visible()


def test_a_double_click_on_send_is_one_request(world: World, visit: Visit) -> None:
    page = visit("/en/request?right=access")
    press(page, NEXT)
    page.fill("#email", JANE)
    press(page, NEXT)
    press(page, NEXT)
    page.dblclick(NEXT)  # the second click breaks off the first one's navigation: only where it ends counts
    expect(page).to_have_url(re.compile(r"/status/"))
    from workflows.views import list_requests

    with world.rt.unit() as session:
        assert len(list_requests(session)) == 1


def prepared(world: World, visit: Visit, lang: str) -> dict[str, str | Callable[[Page], None]]:
    """Name to path, or to what is done on the form's first page, of every page there is in a language."""
    page = visit(f"/{lang}/request?right=access")
    press(page, NEXT)
    page.fill("#email", JANE)
    for _ in range(3):
        press(page, NEXT)
    waiting = page.url.partition("/" + lang + "/")[2]
    page.fill("#code", code_in_mail(world, JANE))
    press(page, "main form button.button >> nth=0")
    world.work()
    link = link_in_mail(world, "fetch")
    other = visit(f"/{lang}/request?right=objection")
    press(other, NEXT)
    other.fill("#email", "nobody@shop.example")
    for _ in range(3):
        press(other, NEXT)
    hand = other.url.partition("/" + lang + "/")[2]

    def who(p: Page) -> None:
        p.check("#right")
        press(p, NEXT)

    def wrong(p: Page) -> None:
        who(p)
        p.fill("#email", "no")
        p.click("summary")
        p.fill("#gsrn", "123")
        press(p, NEXT)

    def message(p: Page) -> None:
        who(p)
        p.fill("#name", "Jane")
        press(p, NEXT)

    def mandate(p: Page) -> None:
        who(p)
        p.fill("#name", "Jane")
        p.check("#on_behalf-yes")
        press(p, NEXT)

    def mandate_wrong(p: Page) -> None:
        mandate(p)
        press(p, NEXT)

    def check(p: Page) -> None:
        message(p)
        p.fill("#message", "word " * 60 + "W" * 200)
        press(p, NEXT)

    return {
        "start": f"/{lang}/",
        "right": lambda _p: None,
        "right_missing": lambda p: press(p, NEXT),
        "who": who,
        "who_wrong": wrong,
        "mandate": mandate,
        "mandate_wrong": mandate_wrong,
        "message": message,
        "check": check,
        "received": f"/{lang}/received",
        "accessibility": f"/{lang}/accessibility",
        "paper": f"/{lang}/paper",
        "paper_large": f"/{lang}/paper?size=large",
        "written": f"/{lang}/{hand}?note=written",
        "not_found": f"/{lang}/nothing",
        "gone": f"/{lang}/fetch/gone",
        "fetch": link,
        "ready": f"/{lang}/{waiting}",
        "ready_sent": f"/{lang}/{waiting}?note=sent",
        "by_hand": f"/{lang}/{hand}",
        "withdraw": f"/{lang}/{hand}/withdraw",
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_finds_nothing_on_any_page_light_or_dark_narrow_or_wide(world: World, visit: Visit, lang: str) -> None:
    axe, found, pages = Axe(), [], prepared(world, visit, lang)
    for scheme, width in LOOKS:
        page = visit(f"/{lang}/", scheme=scheme, width=width, scripts=True)
        for name, way in pages.items():
            page.goto(urljoin(page.url, way if isinstance(way, str) else f"/{lang}/request"))
            if not isinstance(way, str):
                way(page)
            result = axe.run(page, options=RULES).response
            assert any(rule["id"] == "color-contrast" for rule in result["passes"]), name
            found += [f"{name} {scheme} {width}: {v['id']} {v['nodes'][0]['html'][:120]}" for v in result["violations"]]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{name} {scheme} {width}: wider than the screen")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", ["/fi/", "/sv/request", "/en/accessibility"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit: Visit, path: str) -> None:
    page = visit(path, scripts=True)
    wanted = page.evaluate(
        "[...document.querySelectorAll('a[href],button:not([tabindex=\"-1\"]),input:not([type=hidden]),textarea,summary')]"
        ".filter(e => e.tagName === 'SUMMARY' || !e.closest('details:not([open])'))"
        ".filter(e => e.type !== 'radio' || e === document.querySelector('input[type=radio]'))"
        ".map((e, n) => e.dataset.stop = n).length"
    )
    reached = set()
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            "return [e.dataset.stop || '', s.outlineStyle, parseFloat(s.outlineWidth)] })()"
        )
        if not stop[0]:
            continue
        assert stop[1] != "none", stop
        assert stop[2] >= 2, stop
        reached.add(stop[0])
    assert len(reached) == wanted


def test_the_first_stop_leads_past_the_header_and_errors_take_the_focus(visit: Visit) -> None:
    page = visit("/en/request", scripts=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    press(page, NEXT)
    assert page.title().startswith("Error:")
    assert page.evaluate("document.activeElement.className") == "box bad"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "right"


def test_the_keyboard_alone_sends_a_request(world: World, visit: Visit) -> None:
    page = visit("/en/request")
    page.locator("#right").focus()
    page.keyboard.press("Space")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.locator("#email").focus()
    page.keyboard.type(JANE)
    for _ in range(2):
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.locator(NEXT).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/status/" in page.url


def test_a_page_is_small(visit: Visit, world: World) -> None:
    answers: list[Response] = []
    page = visit("/healthz")
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  # playwright can't take a built-in
    page.goto(urljoin(page.url, "/en/"))
    page.wait_for_load_state("networkidle")
    assert [a.status for a in answers] == [200] * len(answers), [a.url for a in answers]
    sizes = [len(a.body()) for a in answers]
    assert 3 <= len(sizes) <= 4
    assert sum(sizes) < 30_000
