"""The page on which somebody says whose doubtful records are, in a real browser, with axe, in every look."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask import Flask

from models.vocabulary import RequestState, Right
from tests.webhooks.browsing import LOOKS, Visit, check, press
from tests.webhooks.desk import give_passwords
from tests.world import JANE, World, open_world, prepare
from webhooks.staff import create_app

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    environ = prepare(tmp_path)
    file = tmp_path / "register" / "sources" / "shop.yaml"
    source = yaml.safe_load(file.read_text("utf-8"))
    source.setdefault("person", {})["strength"] = {"email": "hint"}
    file.write_text(yaml.safe_dump(source), "utf-8")
    made = open_world(environ)
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def console(world: World) -> Flask:
    return create_app(world.rt)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_saying_whose_records_are_works_without_scripts_and_is_accessible(
    world: World, visit: Visit, scheme: str, width: int
) -> None:
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    reference = world.request(ident).reference
    page = visit("cleo", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"/requests/{reference}")
    check(page, "case with candidates")
    page.goto(f"/requests/{reference}/candidates")
    check(page, "candidates")
    page.check("input[name='all'][value=mine]")
    press(page, "form.stack button.main")
    check(page, "candidates with a mistake")
    assert page.is_checked("input[name='all'][value=mine]")
    page.fill("#f-reason", "saw her card")
    press(page, "form.stack button.main")
    assert page.url.endswith("done=all_judged")
    world.work()
    assert world.state(ident) is RequestState.DECIDING
