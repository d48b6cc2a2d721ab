"""A letter comes in the language that was asked for; where none was said, in the one on file, else in Finnish."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.request import Request
from models.vocabulary import Channel, Method, Right
from tests.world import World, open_world, prepare
from workflows.casefile import Claim, Proof, open_key
from workflows.ports import Contact
from workflows.rules.form import understand_form
from workflows.stages import intake, verification


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def proven(world: World, *, unsaid: bool, on_file: str) -> str:
    """The language of a case once the person is proven."""
    claim = Claim(identifiers={"email": "x@y.example"}, reply_to="x@y.example", language_unsaid=unsaid)
    contact = Contact(name="Ida", email="ida@shop.example", language=on_file)
    with world.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "fi", Channel.API, claim)
        ident: uuid.UUID = intake.open_request(session, world.rt, asked).request.id
        request = session.get_one(Request, ident)
        request.verified_method, request.verified_at, request.verified_by = Method.DESK, world.rt.now(), "cleo"
        key = open_key(session, world.rt, request.data_key_id)
        verification.prove(session, world.rt, request, key, Proof({"email": ["x"]}, contact), actor="cleo")
        return request.language


@pytest.mark.parametrize(
    ("unsaid", "on_file", "expected"),
    [(True, "sv", "sv"), (True, "", "fi"), (True, "de", "fi"), (False, "sv", "fi")],
)
def test_the_language_on_file_counts_where_none_was_said(
    world: World, unsaid: bool, on_file: str, expected: str
) -> None:
    assert proven(world, unsaid=unsaid, on_file=on_file) == expected


def test_a_form_tells_a_language_that_was_said_from_our_own_guess() -> None:
    fields = {"right": "access", "email": "x@y.example"}
    assert not understand_form(fields).language_said
    assert understand_form({**fields, "language": "fi"}).language_said
