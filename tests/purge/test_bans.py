"""What a night does with bans: those in force stay, those that ended go in time, and once a year a person is asked."""

import pytest
import sqlalchemy as sa

from models.staff import HumanTask
from models.suppression import BanRow
from models.vocabulary import Ban, Channel
from tests.world import World, make_world
from workflows.purge.run import purge
from workflows.suppression import Banning, lift_bans, set_bans

#: Years go by night for night.
pytestmark = pytest.mark.slow

JANE = {"email": "jane@shop.example"}
HOW = Banning(Channel.EMAIL, origin="person", proof="mail", by="person")


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def bans(world: World) -> list[Ban]:
    with world.rt.unit() as session:
        return sorted(session.scalars(sa.select(BanRow.ban)))


def reviews(world: World) -> int:
    with world.rt.unit() as session:
        asked = sa.select(sa.func.count()).select_from(HumanTask).where(HumanTask.code == "ban_review")
        return session.scalar(asked) or 0


def nights(world: World, days: int) -> None:
    """Time passes in steps that a purge believes."""
    for _ in range(days // 5):
        world.clock.advance(days=5)
        purge(world.rt)


def test_a_ban_that_ended_goes_in_time_and_one_in_force_never_does(world: World) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.TELEPHONE, Ban.ELECTRONIC], contacts=JANE, how=HOW)
    with world.rt.unit() as session:
        lift_bans(session, world.rt, bans=[Ban.TELEPHONE], contacts=JANE, by="anna", proof="letter")
    kept = world.rt.register.controller.own_records.cases.days
    nights(world, kept - kept % 5)
    assert bans(world) == [Ban.TELEPHONE, Ban.ELECTRONIC]
    nights(world, 10)
    assert bans(world) == [Ban.ELECTRONIC]


def test_once_a_year_a_person_is_asked_whether_bans_are_still_needed(world: World) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=JANE, how=HOW)
    nights(world, 360)
    assert reviews(world) == 0
    nights(world, 15)
    assert reviews(world) == 1
