"""The console in a real browser: what every test of its pages does there."""

from collections.abc import Callable
from itertools import product

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LOOKS = tuple(product(("light", "dark"), (320, 1280)))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

Visit = Callable[..., Page]


def press(page: Page, selector: str) -> None:
    """Click what leads to another page, and wait for that page."""
    with page.expect_navigation():
        page.click(selector)


def check(page: Page, where: str) -> None:
    """No violation, contrast looked at, and nothing wider than the page."""
    found = Axe().run(page, options=RULES).response
    assert [(v["id"], [n["html"][:90] for n in v["nodes"]][:3]) for v in found["violations"]] == [], where
    assert any(p["id"] == "color-contrast" for p in found["passes"]), where
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, f"{where} is wider than the window"
