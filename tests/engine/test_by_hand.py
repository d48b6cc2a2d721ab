"""Who answers by hand gives the person a letter, or the case does not end."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.delivery import Artifact, Outbox
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, Letter, OutboxState, Outcome, RequestState, Right
from tests.world import JANE, World, open_world, prepare
from workflows import post
from workflows.casefile import Claim
from workflows.errors import BadInput, NotAllowed
from workflows.outbox import PRINT
from workflows.posting import sheet_of
from workflows.repair import locked_task
from workflows.stages import intake
from workflows.stages.by_hand import LETTERS, answer_by_hand

WORDS = "The contract passed to the estate.\n\nIts invoices are sent there."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def end(world: World, ident: uuid.UUID, *, user: str = "cleo", letter: str = Letter.ANSWER, words: str = WORDS) -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        answer_by_hand(session, world.rt, request, user=user, letter=letter, words=words)


def files(world: World, ident: uuid.UUID) -> list[str]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Artifact.name).where(Artifact.request_id == ident)))


@pytest.mark.parametrize("letter", LETTERS)
def test_a_case_that_a_person_answers_ends_with_their_letter(world: World, letter: Letter) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    end(world, ident, letter=letter)
    world.work()
    assert (world.state(ident), world.request(ident).outcome) == (RequestState.CLOSED, Outcome.BY_HAND)
    assert files(world, ident) == [f"letter_{letter.value}.pdf"]
    post.send_all(world.rt)
    assert [mail.to for mail in world.mailer.sent if "fetched" in mail.subject + mail.body] == [JANE]
    assert not any("estate" in mail.body for mail in world.mailer.sent)


@pytest.mark.parametrize(
    ("letter", "words", "field"),
    [
        ("", WORDS, "answer_letter"),
        ("access", WORDS, "answer_letter"),
        (Letter.ANSWER, " Yes. ", "answer_words"),
        (Letter.ANSWER, "x" * 4001, "answer_words"),
        (Letter.ANSWER, f"{WORDS} 131052-308T", "answer_words"),
    ],
)
def test_without_a_whole_letter_nothing_ends(world: World, letter: str, words: str, field: str) -> None:
    ident = world.open(Right.ERASURE)
    world.work()
    with pytest.raises(BadInput) as refused:
        end(world, ident, letter=letter, words=words)
    assert [fault.where for fault in refused.value.faults] == [field]
    assert (world.state(ident), world.request(ident).outcome) == (RequestState.DECIDING, None)
    with pytest.raises(NotAllowed):
        end(world, ident, user="nobody")


def test_what_staff_write_to_somebody_unproven_goes_in_no_mail_but_on_paper(world: World) -> None:
    claim = Claim(identifiers={"email": JANE}, reply_to="asks@elsewhere.example")
    with world.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "en", Channel.LETTER, claim)
        ident = intake.open_request(session, world.rt, asked).request.id
    end(world, ident)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert not any("estate" in mail.body or mail.to == JANE for mail in world.mailer.sent)
    with world.rt.unit() as session:
        row = session.scalars(select(Outbox).where(Outbox.letter == Letter.ANSWER.value)).one()
        assert row.state is OutboxState.PAPER
        task = session.scalars(select(HumanTask).where(HumanTask.code == PRINT)).one()
        found, request = locked_task(session, task.id)
        assert request is not None
        assert sheet_of(session, world.rt, request, found).files == ["letter_answer.pdf"]
