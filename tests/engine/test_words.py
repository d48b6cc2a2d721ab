"""What breaks inside says which kind of error it was, and none of its words: those may be a person's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from models.audit import AuditEntry
from models.staff import HumanTask
from models.step import Step, StepAttempt
from models.vocabulary import Kind, StepState
from tests.world import JANE, World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop."""
    made = make_world(tmp_path)
    yield made
    made.close()


def _breaks(*_: Any) -> None:
    raise ValueError(f"no row for {JANE}")


@pytest.mark.parametrize("part", ["prepare", "work"])
def test_a_bug_in_a_stage_tells_its_kind_and_none_of_its_words(
    world: World, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident = world.open()
    monkeypatch.setattr(type(world.rt.stages[Kind.COLLECT]), part, _breaks)
    with capture_logs() as logs:
        world.work()
    with world.rt.unit() as session:
        steps = session.scalars(select(Step).where(Step.request_id == ident, Step.kind == Kind.COLLECT)).all()
        assert {step.state for step in steps} == {StepState.NEEDS_HUMAN}
        kept = [
            [row.error_code for row in session.scalars(select(StepAttempt))],
            [(row.error_class, row.error_code) for row in steps],
            [(row.code, row.facts) for row in session.scalars(select(HumanTask))],
            [(row.actor, row.facts) for row in session.scalars(select(AuditEntry))],
        ]
    assert "ValueError" in repr(logs)
    assert JANE not in repr(logs)
    assert JANE not in repr(kept)
