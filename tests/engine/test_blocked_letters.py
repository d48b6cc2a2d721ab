"""A letter or mail that may not go out stays here, somebody is told, and nothing else is lost by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Artifact, Outbox
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Ground, RequestState, Right, TaskKind
from tests.world import JANE, World, open_world, prepare
from workflows import post
from workflows.documents.letters import TEMPLATES
from workflows.errors import BadInput
from workflows.stages import decision

CODE = "131052-308T"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def override(world: World, name: str, text: str) -> None:
    file = Path(world.rt.register.folder) / "letters" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def without(world: World, name: str, mark: str) -> None:
    own = (TEMPLATES / name).read_text(encoding="utf-8")
    assert f'"{mark}"' in own
    override(world, name, own.replace(f'"{mark}"', '"nothing"'))


def tasks(world: World) -> list[tuple[TaskKind, str]]:
    with world.rt.unit() as session:
        return [(t.kind, t.code) for t in session.scalars(select(HumanTask))]


def test_a_request_is_taken_in_though_its_acknowledgement_may_not_go_out(world: World) -> None:
    for language in ("fi", "sv", "en"):
        without(world, f"acknowledgement/mail.{language}.txt", "due")
    ident = world.open(Right.ACCESS)
    assert (TaskKind.MAIL_FAILED, "letter_contents") in tasks(world)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert not any("received your request" in mail.subject for mail in world.mailer.sent)


def test_a_certificate_that_does_not_say_all_waits_for_a_person_and_goes_once_it_is_mended(world: World) -> None:
    language = "en"
    name = f"erasure/letter.{language}.html"
    without(world, name, "checked")
    ident = world.open(Right.ERASURE)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.CLOSING
    assert TaskKind.STEP_STUCK in {kind for kind, _ in tasks(world)}
    post.send_all(world.rt)
    assert not [mail for mail in world.mailer.sent if mail.to == JANE and "fetched" in mail.subject]
    with world.rt.unit() as session:
        assert session.scalar(select(Artifact)) is None


def test_each_letter_and_mail_is_kept_with_the_version_and_approver_of_its_text(world: World) -> None:
    own = (TEMPLATES / "erasure/letter.en.html").read_text(encoding="utf-8")
    _, _, rest = own.partition("\n")
    override(world, "erasure/letter.en.html", "{# version: 7 · approved by: D. P. Officer #}\n" + rest)
    ident = world.open(Right.ERASURE)
    world.work()
    world.approve(ident)
    world.work()
    with world.rt.unit() as session:
        letter = session.scalars(select(Artifact).where(Artifact.request_id == ident)).one()
        assert letter.template == "erasure/letter.en.html · 7 · D. P. Officer"
        mails = session.scalars(select(Outbox).where(Outbox.request_id == ident)).all()
        assert {mail.letter: str(mail.template).split(" · ")[0] for mail in mails} == {
            mail.letter: f"{mail.letter}/mail.{mail.language}.txt" for mail in mails
        }


def test_a_package_is_kept_with_the_version_of_its_letter(world: World) -> None:
    ident = world.open(Right.ACCESS)
    world.work()
    with world.rt.unit() as session:
        package = session.scalars(select(Artifact).where(Artifact.request_id == ident)).one()
        assert str(package.template).startswith("access/letter.en.html · ")


def test_a_reason_with_a_personal_identity_code_is_refused_before_it_is_kept(world: World) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        reason = f"The person {CODE} is somebody else."
        with pytest.raises(BadInput) as refused:
            decision.refuse(session, world.rt, request, user="anna", ground=Ground.NO_GROUND, reason=reason)
    assert CODE not in str(refused.value) + str(refused.value.faults)
