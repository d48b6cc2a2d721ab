"""A world with a console before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from tests.webhooks.browsing import Visit, press
from tests.webhooks.desk import PASSWORD, Desk, give_passwords
from tests.webhooks.visitor import Caller
from tests.world import World, make_world
from webhooks.public import create_app as portal_app
from webhooks.staff import create_app
from workers.serving import Server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The small controller."""
    world = make_world(tmp_path)
    yield world
    world.close()


@pytest.fixture
def caller(world: World) -> Caller:
    """Somebody at the portal of `world`."""
    return Caller(portal_app(world.rt))


@pytest.fixture
def desk_world(tmp_path: Path) -> Iterator[World]:
    """The small controller, with staff of every role who may log in."""
    world = make_world(tmp_path)
    give_passwords(world)
    yield world
    world.close()


@pytest.fixture
def console(desk_world: World) -> Flask:
    """The console of `desk_world`."""
    app = create_app(desk_world.rt)
    app.testing = True
    return app


@pytest.fixture
def desk(console: Flask) -> Callable[..., Desk]:
    """A function that seats somebody at the console: `desk("anna")`."""

    def seat(name: str = "", **more: str) -> Desk:
        return Desk(console, name, **more)

    return seat


@pytest.fixture
def address(console: Flask) -> Iterator[str]:
    server = Server(console, host="127.0.0.1", port=0, threads=4).start()
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
