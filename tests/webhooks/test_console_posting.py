"""The page from which staff print what no mail can bring, and say that they took it to the post."""

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from models.delivery import Outbox
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Letter, OutboxState, Right
from tests.webhooks.desk import Desk
from tests.world import World
from workflows.casefile import open_key, open_proof, seal_proof
from workflows.outbox import PRINT

Seat = Callable[..., Desk]


def without_mail(world: World, ident: uuid.UUID, *, protected: bool = False) -> None:
    """The contact on file has a postal address and no e-mail."""
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        key = open_key(session, world.rt, request.data_key_id)
        proof = open_proof(key, request)
        postal = ("Kotikuja 1", "60100 Seinäjoki")
        contact = replace(proof.contact, email="", postal=postal, protected=protected)
        request.proof_sealed = seal_proof(key, request.id, replace(proof, contact=contact))


def answered(world: World, *, protected: bool = False) -> str:
    """An erasure whose answer has to go on paper; the task that asks for it."""
    ident = world.open(Right.ERASURE)
    world.work()
    without_mail(world, ident, protected=protected)
    world.approve(ident)
    world.work()
    with world.rt.unit() as session:
        return str(session.scalars(select(HumanTask.id).where(HumanTask.code == PRINT)).one())


def test_a_letter_is_printed_and_posted_from_its_task(desk: Seat, desk_world: World) -> None:
    task = answered(desk_world)
    cleo, page = desk("cleo"), f"/post/{task}"
    assert cleo.get(f"/tasks/{task}").location == page
    shown = cleo.get(page).text
    assert "Kotikuja 1" in shown
    assert "letter_erasure.pdf" in shown
    assert "is protected" not in shown
    assert cleo.send(page, page).status_code == 422
    assert cleo.send(page, page, {"how": "posted"}).status_code == 303
    assert cleo.get(page).location == f"/tasks/{task}"
    with desk_world.rt.unit() as session:
        row = session.scalars(select(Outbox).where(Outbox.letter == Letter.READY.value)).one()
        assert row.state is OutboxState.SENT


def test_a_protected_address_asks_for_a_second_look(desk: Seat, desk_world: World) -> None:
    assert "is protected" in desk("cleo").get(f"/post/{answered(desk_world, protected=True)}").text


@pytest.mark.parametrize("who", ["ilse", "otto"])
def test_who_may_not_see_letters_may_not_print_them(desk: Seat, desk_world: World, who: str) -> None:
    assert desk(who).get(f"/post/{answered(desk_world)}").status_code == 403


def test_no_other_task_has_such_a_page(desk: Seat, desk_world: World) -> None:
    desk_world.open(Right.ERASURE)
    desk_world.work()
    with desk_world.rt.unit() as session:
        other = session.scalars(select(HumanTask.id)).first()
    assert desk("cleo").get(f"/post/{other}").status_code == 404
    assert desk("cleo").get(f"/post/{uuid.uuid4()}").status_code == 404
