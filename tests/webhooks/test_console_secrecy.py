"""Where the organisation asks for a promise of secrecy, nobody works without one."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.webhooks.desk import Desk, give_passwords, words_of
from tests.world import World, open_world, prepare
from webhooks.staff import create_app
from workflows.staffing import sign_nda


@pytest.fixture
def strict_world(tmp_path: Path) -> Iterator[World]:
    environ = prepare(tmp_path)
    controller = tmp_path / "register" / "controller.yaml"
    kept = yaml.safe_load(controller.read_text(encoding="utf-8"))
    controller.write_text(yaml.safe_dump({**kept, "staff": {"nda_required": True}}), encoding="utf-8")
    world = open_world(environ)
    give_passwords(world)
    yield world
    world.close()


def test_who_did_not_sign_the_promise_of_secrecy_is_not_let_in(strict_world: World) -> None:
    app = create_app(strict_world.rt)
    app.testing = True
    refused = Desk(app).log_in("anna")
    assert refused.status_code == 403
    assert "promise of secrecy" in words_of(refused.text)
    assert "promise of secrecy" not in words_of(Desk(app).log_in("anna", "not the password").text)
    with strict_world.rt.unit() as session:
        sign_nda(session, strict_world.rt, "anna", on=date(2026, 1, 7))
    assert Desk(app, "anna").get("/").status_code == 200
