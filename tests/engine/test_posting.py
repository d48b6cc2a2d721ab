"""What must be told goes on paper where there is no address for mail, and a named person takes it to the post."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.delivery import Outbox
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, Letter, Method, OutboxState, RequestState, Right, TaskKind, TaskState
from tests.world import World, open_world, prepare
from workflows import post
from workflows.casefile import Claim
from workflows.errors import BadInput, Conflict, NotAllowed, NotFound
from workflows.ladder.unproven import give_up
from workflows.outbox import BY_POST, PRINT
from workflows.posting import posted, sheet_of
from workflows.reminding import _facts as reminder_facts
from workflows.repair import close_by_word, locked_task
from workflows.stages import intake

CODES = {Letter.CODE, Letter.FETCH_CODE}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(prepare(tmp_path))
    yield made
    made.close()


def walks_in(world: World, right: Right = Right.ACCESS, *, seen: bool = True) -> uuid.UUID:
    """Somebody without any e-mail address writes a letter, or comes to the desk."""
    claim = Claim(name="Ida", identifiers={"email": "ida@nowhere.example"})
    method, by = (Method.DESK, "cleo") if seen else (None, "person")
    asked = intake.Asked(right, "sv", Channel.LETTER, claim, method=method, by=by)
    with world.rt.unit() as session:
        return intake.open_request(session, world.rt, asked).request.id


def paper(world: World, ident: uuid.UUID) -> dict[str, uuid.UUID]:
    """Letter to the task that asks to print it."""
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.request_id == ident, HumanTask.code == PRINT))
        return {t.facts["letter"]: t.id for t in tasks if t.state is TaskState.OPEN}


def take(world: World, task: uuid.UUID, *, how: str = "posted", user: str = "cleo") -> None:
    with world.rt.unit() as session:
        found, request = locked_task(session, task)
        assert request is not None
        posted(session, world.rt, request, found, how=how, user=user)


def rows(world: World, ident: uuid.UUID) -> dict[str, tuple[OutboxState, str | None]]:
    with world.rt.unit() as session:
        mails = session.scalars(select(Outbox).where(Outbox.request_id == ident))
        return {mail.letter: (mail.state, mail.error_code) for mail in mails}


def test_every_letter_to_somebody_without_an_address_waits_on_paper_for_a_named_person(world: World) -> None:
    ident = walks_in(world)
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert post.send_all(world.rt) == 0
    assert world.mailer.sent == []
    asked = paper(world, ident)
    assert set(asked) == {"acknowledgement", "ready"}
    assert {state for state, _ in rows(world, ident).values()} == {OutboxState.PAPER}
    take(world, asked["ready"])
    assert rows(world, ident)["ready"] == (OutboxState.SENT, None)
    assert set(paper(world, ident)) == {"acknowledgement"}
    with world.rt.unit() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.event == "letter:posted")).one()
        assert (entry.actor, entry.facts) == ("cleo", {"letter": "ready", "answer": "posted"})


def test_the_sheet_has_the_text_and_the_files_that_it_points_to(world: World) -> None:
    ident = walks_in(world)
    world.work()
    asked = paper(world, ident)
    with world.rt.unit() as session:
        for letter, files in (("acknowledgement", []), ("ready", ["package.zip"])):
            task, request = locked_task(session, asked[letter])
            assert request is not None
            sheet = sheet_of(session, world.rt, request, task)
            assert sheet.letter == letter
            assert request.reference in sheet.body
            assert (sheet.files, sheet.to and sheet.to.name) == (files, "Ida")


def test_the_answer_to_somebody_who_was_never_proven_is_printed_too(world: World) -> None:
    ident = walks_in(world, seen=False)
    world.work()
    with world.rt.unit() as session:
        give_up(session, world.rt, session.get_one(Request, ident, with_for_update=True))
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert "refusal" in paper(world, ident)
    assert not {letter.value for letter in CODES} & set(rows(world, ident))


def test_what_opens_an_answer_never_goes_on_paper(world: World) -> None:
    assert not CODES & BY_POST
    assert Letter.RECIPIENT_NOTICE not in BY_POST


def test_a_request_is_not_acknowledged_while_its_receipt_lies_on_the_desk(world: World) -> None:
    ident = walks_in(world, seen=False)
    with world.rt.unit() as session:
        assert not reminder_facts(session, world.rt, session.get_one(Request, ident)).acknowledged
    take(world, paper(world, ident)["acknowledgement"])
    with world.rt.unit() as session:
        assert reminder_facts(session, world.rt, session.get_one(Request, ident)).acknowledged


def test_that_there_is_nowhere_to_take_it_is_on_record_and_is_not_called_sent(world: World) -> None:
    ident = walks_in(world, seen=False)
    take(world, paper(world, ident)["acknowledgement"], how="no_address")
    assert rows(world, ident)["acknowledgement"] == (OutboxState.FAILED, "no_address")


def test_a_letter_is_posted_once_by_somebody_who_may_and_never_by_a_word(world: World) -> None:
    ident = walks_in(world)
    task = paper(world, ident)["acknowledgement"]
    with world.rt.unit() as session:
        found, _ = locked_task(session, task)
        assert found.kind is TaskKind.BY_HAND
        with pytest.raises(Conflict):
            close_by_word(session, world.rt, found, by="cleo", answer="done")
    with pytest.raises(NotAllowed):
        take(world, task, user="nobody")
    with pytest.raises(BadInput):
        take(world, task, how="thought_of")
    take(world, task)
    with pytest.raises(Conflict):
        take(world, task, how="no_address", user="anna")
    with world.rt.unit() as session:
        other = session.scalars(select(HumanTask).where(HumanTask.id == task)).one()
        other.facts = {}
        with pytest.raises(NotFound):
            sheet_of(session, world.rt, session.get_one(Request, ident), other)
