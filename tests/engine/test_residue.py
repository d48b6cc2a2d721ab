"""After an erasure the sources are looked at again: what is still there, or there again, is never called erased."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.decision import Plan
from models.staff import HumanTask
from models.vocabulary import PlanState, RequestState, Right, TaskKind
from tests.world import World, make_world
from workflows import engine

INVOICE_IS_BACK = ("billing", "INSERT INTO invoice VALUES (70, 1, 'Jane', 0)")
NAME_IS_BACK = ("shop", "UPDATE customer SET email = 'jane@shop.example', name = 'Jane' WHERE id = 1")
NEW_INVOICE = ("billing", "INSERT INTO invoice VALUES (79, 1, 'Jane', 0)")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The shop."""
    made = make_world(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("what", "counted"),
    [
        pytest.param(INVOICE_IS_BACK, {"residue": 1, "unknown": 0}, id="a deleted record"),
        pytest.param(NAME_IS_BACK, {"residue": 1, "unknown": 0}, id="a masked value"),
        pytest.param(NEW_INVOICE, {"residue": 0, "unknown": 1}, id="a record nobody planned"),
    ],
)
def test_what_is_there_again_after_the_erasure_is_found_and_decided_anew(
    world: World, what: tuple[str, str], counted: dict[str, int]
) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    world.approve(ident)
    erased = []

    def put_back(name: str) -> None:
        if name == "erased":
            erased.append(name)
            if len(erased) == 2:  # both sources are done, and nobody has looked yet
                world.execute(*what)

    engine.drain(replace(world.rt, failpoint=put_back))
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    with world.rt.unit() as session:
        (told,) = session.scalars(select(AuditEntry).where(AuditEntry.event == "erasure:residue")).all()
        assert told.facts == {**counted, "unfinished": False}
        assert session.scalars(select(Plan.state).order_by(Plan.version)).all() == [PlanState.VOID, PlanState.FROZEN]
        assert TaskKind.RESIDUE in session.scalars(select(HumanTask.kind)).all()
        assert not session.scalars(select(AuditEntry).where(AuditEntry.event == "erasure:proven")).all()
