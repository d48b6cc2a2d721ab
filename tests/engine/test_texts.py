"""Where the register says so, a person reviews an answer whose texts name somebody else; other answers still go out."""

from pathlib import Path

import pytest
import yaml

from models.vocabulary import RequestState
from tests.world import BOB, JANE, World, open_world, prepare


@pytest.mark.parametrize(
    ("review", "note", "state"),
    [
        (True, "ask eve@shop.example", RequestState.DECIDING),
        (True, "ask office@shop.example or " + JANE, RequestState.CLOSED),
        (False, "ask eve@shop.example", RequestState.CLOSED),
    ],
)
def test_a_text_that_names_somebody_else_waits_for_a_person(
    tmp_path: Path, review: bool, note: str, state: RequestState
) -> None:
    environ = prepare(tmp_path)
    file = tmp_path / "register" / "controller.yaml"
    controller = yaml.safe_load(file.read_text("utf-8"))
    controller["decisions"] = {"review_texts": review}
    file.write_text(yaml.safe_dump(controller), "utf-8")
    world: World = open_world(environ)
    world.execute("shop", f"UPDATE orders SET note = '{note}' WHERE id = 1")
    hers, his = world.open(who=JANE), world.open(who=BOB)
    world.work()
    assert world.state(hers) is state
    assert world.state(his) is RequestState.CLOSED
    world.close()
