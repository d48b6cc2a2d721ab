"""A world with a console before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.webhooks.desk import Desk, give_passwords
from tests.world import World, make_world
from webhooks.staff import create_app


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
