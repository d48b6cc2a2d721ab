"""A copy of some data only: nobody goes through papers that hold nothing of it, unless they lead to what does."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.staff import HumanTask
from models.vocabulary import Method, Outcome, Right, SourceResult, TaskState
from tests.hand import archive
from tests.hand.archive import open_archive
from tests.world import JANE, World
from workflows.casefile import Claim
from workflows.stages import intake

LEADS_ON = archive.LEDGER.replace(
    "fides_meta: {identity: email}", "fides_meta: {references: [{dataset: archive, field: paper.content}]}"
).replace("category: C17", "category: C07")


def asked(world: World, right: Right = Right.ACCESS, *categories: str) -> uuid.UUID:
    claim = Claim(identifiers={"email": JANE}, reply_to=JANE)
    wanted = {"categories": list(categories)} if categories else {}
    with world.rt.unit() as session:
        one = intake.Asked(right, "en", intake.Channel.DESK, claim, method=Method.DESK, by="cleo", **wanted)  # type: ignore[arg-type]
        ident = intake.open_request(session, world.rt, one).request.id
    world.work()
    return ident


def searched(world: World, ident: uuid.UUID) -> set[str]:
    """Sources that somebody is asked to go through."""
    mine = (HumanTask.request_id == ident, HumanTask.code == "search_by_hand", HumanTask.state == TaskState.OPEN)
    with world.rt.unit() as session:
        return {str(task.facts["source"]) for task in session.scalars(select(HumanTask).where(*mine))}


def test_nobody_goes_through_papers_that_hold_nothing_of_what_was_asked_for(tmp_path: Path) -> None:
    world = open_archive(tmp_path)
    whole, invoices, papers = asked(world), asked(world, Right.ACCESS, "C07"), asked(world, Right.ACCESS, "C17")
    assert [bool(searched(world, one)) for one in (whole, invoices, papers)] == [True, False, True]
    assert world.request(invoices).outcome is Outcome.DELIVERED
    with world.rt.unit() as session:
        mine = (Finding.request_id == invoices, Finding.source == "archive")
        found = session.scalars(select(Finding).where(*mine)).one()
        assert (found.result, found.why, found.searched_at) == (SourceResult.NONE, "not_asked", None)
    world.close()


def test_papers_that_lead_on_to_what_was_asked_for_are_gone_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LEDGER", LEADS_ON)
    world = open_archive(tmp_path, "archive", "ledger")
    assert searched(world, asked(world, Right.ACCESS, "C07")) == {"archive"}
    world.close()
