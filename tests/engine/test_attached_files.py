"""Files that came with records go with the answer that names them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.collection import Finding
from models.request import Request
from models.vocabulary import Event, RequestState, Right
from tests.world import World, open_world, prepare
from workflows import lifecycle
from workflows.casefile import open_key


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def attach(world: World, request) -> set[str]:
    """A file beside each answer of the request, as an attachment lies there."""
    with world.rt.unit() as session:
        case = session.get_one(Request, request)
        key = open_key(session, world.rt, case.data_key_id)
        found = session.scalars(select(Finding.blob).where(Finding.request_id == request, Finding.blob.is_not(None)))
        names = {f"{blob}.file1" for blob in found}
    for name in names:
        with world.rt.blobs.write(name, key) as out:
            out.write(b"a recording")
    return names


def test_files_of_records_go_with_the_answer_that_names_them(world: World) -> None:
    request = world.open(Right.ERASURE)
    world.work()
    assert world.state(request) is RequestState.DECIDING
    names = attach(world, request)
    assert names
    assert names <= set(world.rt.blobs.names())
    world.approve(request)
    world.work()
    assert world.state(request) in (RequestState.HELD, RequestState.CLOSED)
    assert not names & set(world.rt.blobs.names())


def test_an_answer_that_a_later_search_replaces_goes_at_once_with_its_files(world: World) -> None:
    request = world.open(Right.ERASURE)
    world.work()
    names = attach(world, request)
    with world.rt.unit() as session:
        case = session.get_one(Request, request, with_for_update=True)
        lifecycle.advance(session, world.rt, case, Event.RECHECK)
    world.work()
    assert world.state(request) is RequestState.DECIDING
    with world.rt.unit() as session:
        found = set(session.scalars(select(Finding.blob).where(Finding.blob.is_not(None))))
    assert not names & set(world.rt.blobs.names())
    assert set(world.rt.blobs.names()) == found
