"""A category that is held back from an answer: it is in no file, the letter says why, and somebody else looked."""

import io
import uuid
import zipfile

import pytest
from sqlalchemy import select

from models.delivery import Artifact
from models.request import DataKey, Request
from models.staff import HumanTask
from models.vocabulary import LANGUAGES, Ground, Outcome, RequestState, Right
from tests.composed import ROOT
from tests.world import JANE, World, make_world
from workflows.answer import PACKAGE
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.withholding import give_after_all, told_of_withheld, withheld, withhold

S = RequestState
TEMPLATES = ROOT / "workflows" / "documents" / "templates"
WHY = "It would put somebody else in danger."
SAID = {"category": "C07", "ground": Ground.RIGHTS_OF_OTHERS.value, "reason": WHY}


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def opened(world: World) -> uuid.UUID:
    """An access that nobody has begun to work on."""
    return world.open(Right.ACCESS, JANE)


def hold_back(world: World, ident: uuid.UUID, **more: str) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        withhold(session, world.rt, request, user=more.pop("user", "ben"), **{**SAID, **more})


def package(world: World, ident: uuid.UUID) -> str:
    """All text of all files."""
    with world.rt.unit() as session:
        made = session.scalars(select(Artifact).where(Artifact.request_id == ident, Artifact.name == PACKAGE)).one()
        key = open_key(session, world.rt, session.get_one(DataKey, made.data_key_id).id)
        with world.rt.blobs.read(made.blob, key) as file:
            archive = zipfile.ZipFile(io.BytesIO(file.read()))
    return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def test_what_is_held_back_is_in_no_file_and_the_letter_says_why(world):
    ident = opened(world)
    hold_back(world, ident)
    world.work()
    assert world.state(ident) is S.DECIDING
    world.approve(ident, "anna")
    world.work()
    assert world.request(ident).outcome is Outcome.DELIVERED
    text = package(world, ident)
    assert JANE in text
    assert '"collection":"invoice","records":[\n]' in text
    assert "1,70," not in text
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        key = open_key(session, world.rt, request.data_key_id)
        told = told_of_withheld(world.rt, request, key, withheld(session, request))
    assert told["withheld"].startswith("Invoices: ")
    assert told["withheld"].endswith(WHY)


@pytest.mark.parametrize("letter", ["access", "portability"])
def test_every_letter_of_an_answer_has_a_place_for_it_in_every_language(letter):
    for language in LANGUAGES:
        text = (TEMPLATES / letter / f"letter.{language}.html").read_text(encoding="utf-8")
        assert "{{ extra.withheld }}" in text
        assert "1050/2018" in text


def test_who_held_it_back_does_not_approve_the_rest(world):
    ident = opened(world)
    hold_back(world, ident)
    world.work()
    with pytest.raises(NotAllowed, match="preparer"):
        world.approve(ident, "ben")


def test_holding_back_more_after_somebody_looked_is_looked_at_anew(world):
    ident = opened(world)
    hold_back(world, ident)
    world.work()
    hold_back(world, ident, category="C01")
    assert world.state(ident) is S.COLLECTING
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        give_after_all(session, world.rt, request, user="ben", category="C01")
    world.work()
    assert world.state(ident) is S.DECIDING


def test_who_asks_again_gets_nothing_before_somebody_looked(world):
    first = opened(world)
    hold_back(world, first)
    world.work()
    world.approve(first, "anna")
    world.work()
    again = opened(world)
    world.work()
    assert world.state(again) is S.DECIDING
    with world.rt.unit() as session:
        codes = session.scalars(select(HumanTask.code).where(HumanTask.request_id == again)).all()
    assert "review_withheld" in codes


def test_only_an_answer_that_is_still_here_is_held_back_and_with_a_reason(world):
    ident = opened(world)
    with pytest.raises(NotAllowed):
        hold_back(world, ident, user="cleo")
    with pytest.raises(BadInput) as wrong:
        hold_back(world, ident, category="C99", ground="excessive", reason="no")
    assert {fault.where for fault in wrong.value.faults} == {"category", "ground", "reason"}
    world.work()
    assert world.state(ident) is S.CLOSED
    with pytest.raises(Conflict, match="not_undelivered"):
        hold_back(world, ident)
