"""How long an answer can be fetched: told before it ends, longer for the proven, the same page for all that is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from models.audit import AuditEntry
from models.delivery import Artifact, Grant
from tests.webhooks.visitor import Caller, code_in_mail, link_in_mail
from tests.world import JANE, World, make_world
from webhooks.portal import download
from webhooks.public import create_app
from workflows.sweeps import sweep


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = make_world(tmp_path)
    yield world
    world.close()


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.rt)


@pytest.fixture
def page(world: World, app: Flask) -> str:
    """The page of a request that was answered."""
    caller = Caller(app)
    page = caller.ask(email=JANE)
    caller.post(f"{page}/code", {"code": code_in_mail(world, JANE)})
    world.work()
    return page


def warnings(world: World) -> list[str]:
    world.work()
    return [mail.body for mail in world.mailer.sent if mail.subject.startswith("Your answer can be fetched until")]


def opened(world: World, app: Flask, link: str, *, send: str = "send") -> Caller:
    person = Caller(app)
    assert person.post(f"{link}/{send}").status_code == 303
    assert person.post(f"{link}/code", {"code": code_in_mail(world, JANE)}).status_code == 303
    return person


def test_the_link_works_fourteen_days_and_its_end_is_told_once_three_days_before(
    world: World, app: Flask, page: str
) -> None:
    first = link_in_mail(world, "fetch")
    world.clock.advance(days=10, hours=23)
    assert warnings(world) == []
    world.clock.advance(hours=2)
    assert len(warnings(world)) == 1
    sweep(world.rt)
    assert len(warnings(world)) == 1
    second = link_in_mail(world, "fetch")
    assert second != first
    for link in (first, second):
        assert Caller(app).get(link).status_code == 200
    world.clock.advance(days=3)
    assert [Caller(app).get(link).status_code for link in (first, second)] == [404, 404]


def test_a_link_that_is_revoked_while_its_case_is_waited_for_opens_nothing(world: World, app: Flask, page: str) -> None:
    token = link_in_mail(world, "fetch").rpartition("/")[2]
    with world.rt.sessions() as session, app.test_request_context():
        held = download.find(session, token)
        session.commit()  # what it has read stays in its hands, as while it waits for the lock
        with world.rt.unit() as other:
            for grant in other.scalars(select(Grant)):
                grant.revoked_at = world.rt.now()
        with pytest.raises(download.Gone):
            download.find(session, token)
    assert held[0].revoked_at is not None


def test_who_has_fetched_the_answer_is_not_told(world: World, app: Flask, page: str) -> None:
    link = link_in_mail(world, "fetch")
    assert opened(world, app, link).get(f"{link}/files/package.zip").status_code == 200
    world.clock.advance(days=12)
    assert warnings(world) == []


@pytest.mark.parametrize("by_link", [True, False])
def test_whoever_proves_it_again_gets_more_time_and_the_package_stays_as_long(
    world: World, app: Flask, page: str, by_link: bool
) -> None:
    link = link_in_mail(world, "fetch")
    world.clock.advance(days=12)
    place, send = (link, "send") if by_link else (page, "resend")
    person = opened(world, app, place, send=send)
    assert "Give me more time" in person.get(place).text
    assert person.post(f"{place}/renew").status_code == 303
    assert "Give me more time" not in person.get(place).text
    world.clock.advance(days=13)
    sweep(world.rt)
    assert Caller(app).get(link).status_code == 200
    with world.rt.unit() as session:
        assert session.scalars(select(AuditEntry.facts).where(AuditEntry.event == "package:renewed")).one()
        assert session.scalars(select(Artifact).where(Artifact.name == "package.zip")).one().purged_at is None


def test_a_package_that_was_asked_for_longer_outlives_its_day_and_goes_after_the_longer_one(
    world: World, app: Flask, page: str
) -> None:
    world.clock.advance(days=29)
    opened(world, app, page, send="resend").post(f"{page}/renew")
    world.clock.advance(days=10)
    sweep(world.rt)
    opened(world, app, page, send="resend")
    world.clock.advance(days=6)
    sweep(world.rt)
    with world.rt.unit() as session:
        assert session.scalars(select(Artifact).where(Artifact.name == "package.zip")).one().purged_at is not None


def test_nobody_gets_time_without_a_proof_nor_without_end(world: World, app: Flask, page: str) -> None:
    link = link_in_mail(world, "fetch")
    stranger = Caller(app)
    world.clock.advance(days=12)
    for place in (page, link):
        assert stranger.post(f"{place}/renew").status_code == 303
    with world.rt.unit() as session:
        assert session.scalars(select(Artifact.kept_until).where(Artifact.name == "package.zip")).one() is None
        assert len(session.scalars(select(Grant)).all()) == 1
    days = 12
    while days < 100:
        opened(world, app, page, send="resend").post(f"{page}/renew")
        world.clock.advance(days=13)
        days += 13
        sweep(world.rt)
    with world.rt.unit() as session:
        assert session.scalars(select(Artifact).where(Artifact.name == "package.zip")).one().purged_at is not None
