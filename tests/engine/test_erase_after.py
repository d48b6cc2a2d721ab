"""A source is erased after those that its collections name in `erase_after`."""

from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from models.step import Step
from models.vocabulary import Kind, Right
from tests.world import JANE, open_world, prepare


@pytest.mark.parametrize(("later", "first"), [("billing", "shop"), ("shop", "billing")])
def test_the_source_that_must_wait_is_erased_last(tmp_path: Path, later: str, first: str) -> None:
    environ = prepare(tmp_path)
    file = tmp_path / "register" / "sources" / f"{later}.yaml"
    source = yaml.safe_load(file.read_text("utf-8"))
    other = yaml.safe_load((tmp_path / "register" / "sources" / f"{first}.yaml").read_text("utf-8"))
    named = f"{other['dataset'][0]['fides_key']}.{other['dataset'][0]['collections'][0]['name']}"
    collection = source["dataset"][0]["collections"][0]
    collection["fides_meta"] = {**collection.get("fides_meta", {}), "erase_after": [named]}
    file.write_text(yaml.safe_dump(source), "utf-8")
    world = open_world(environ)
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    world.approve(ident)
    world.work()
    with world.rt.unit() as session:
        steps = session.scalars(select(Step).where(Step.kind == Kind.ERASE, Step.source.is_not(None)))
        assert [step.source for step in sorted(steps, key=lambda step: str(step.done_at))] == [first, later]
    world.close()
