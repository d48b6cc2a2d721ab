"""Messages both ways: what staff write is told without words, sealed, shown to the proven alone, gone with the case."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from models.delivery import Artifact, Grant, Outbox
from models.purge import PurgeStage
from models.request import Request
from models.staff import HumanTask
from models.thread import Reply
from models.vocabulary import Letter, RequestState, TaskState
from tests.world import JANE, World, make_world
from workflows import mailroom, thread
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.outbox import open_mail
from workflows.purge.shredding import shred
from workflows.stages import decision

WORDS = "Your contract of 2019 is with another company."


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.close()


def write(
    world: World, case: uuid.UUID, words: str = WORDS, *, user: str = "cleo", content: bytes | None = None
) -> bool:
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        return thread.reply(session, world.rt, request, user=user, words=words, content=content)


def lines(world: World, case: uuid.UUID, *, all_words: bool) -> list[thread.Line]:
    with world.rt.unit() as session:
        return thread.thread_of(session, world.rt, session.get_one(Request, case), all_words=all_words)


def mails(world: World) -> list[tuple[str, str]]:
    with world.rt.unit() as session:
        rows = session.scalars(select(Outbox).where(Outbox.letter == Letter.MESSAGE.value)).all()
        return [
            (to, body) for row in rows for to, _, body in [open_mail(row, open_key(session, world.rt, row.data_key_id))]
        ]


def test_the_mail_about_a_message_has_none_of_its_words_and_goes_to_the_contact_on_file(world: World) -> None:
    case = world.open()
    world.work()
    with world.rt.unit() as session:
        session.get_one(Request, case).state = RequestState.HELD  # something is kept, so it is not closed
    assert write(world, case)
    assert write(world, case)  # a double click
    [(to, body)] = mails(world)
    assert to == JANE
    assert "contract" not in body
    assert "/en/fetch/" in body
    with world.rt.unit() as session:
        row = session.scalars(select(Reply)).one()
        assert b"contract" not in (row.words_sealed or b"")
        assert len(session.scalars(select(Grant)).all()) == 2  # the answer's and this one


def test_words_about_a_proven_person_are_for_whoever_proves_it_again(world: World) -> None:
    case = world.open()
    world.work()
    with world.rt.unit() as session:
        session.get_one(Request, case).state = RequestState.HELD
    write(world, case, content=b"%PDF-1.4 x %%EOF")
    [seen] = lines(world, case, all_words=False)
    assert (seen.words, seen.file, seen.unread) == (None, "", True)
    [seen] = lines(world, case, all_words=True)
    assert (seen.words, seen.file) == (WORDS, "attachment_1.pdf")
    with world.rt.unit() as session:
        assert thread.unread(session, session.get_one(Request, case)) == 1
        thread.shown(session, world.rt, session.get_one(Request, case), [seen])
    [seen] = lines(world, case, all_words=True)
    assert not seen.unread


def test_nobody_works_on_a_case_while_it_is_noted_that_the_person_was_shown_a_message(
    tmp_path: Path, postgres_url: str
) -> None:
    world = make_world(tmp_path, database_url=postgres_url)
    case = world.open(desk=False)
    write(world, case)
    seen = lines(world, case, all_words=True)
    with world.rt.unit() as session:
        thread.shown(session, world.rt, session.get_one(Request, case), seen)
        with pytest.raises(OperationalError):
            begin_work(world, case)
    world.close()


def begin_work(world: World, case: uuid.UUID) -> None:
    with world.rt.unit() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        session.get_one(Request, case, with_for_update=True)


def test_a_double_click_with_a_file_is_one_message_and_another_file_is_another(world: World) -> None:
    case = world.open()
    world.work()
    with world.rt.unit() as session:
        session.get_one(Request, case).state = RequestState.HELD
    first, second = b"%PDF-1.4 one %%EOF", b"%PDF-1.4 two %%EOF"
    for content in (first, second, None):
        assert write(world, case, content=content)
        assert write(world, case, content=content)  # a double click
        world.clock.advance(minutes=1)
    assert len(mails(world)) == 3
    with world.rt.unit() as session:
        files = select(Artifact).where(Artifact.name.startswith(thread.ATTACHMENT, autoescape=True))
        assert len(session.scalars(files).all()) == 2
        session.scalars(files.order_by(Artifact.name.desc())).all()[0].purged_at = world.rt.now()
    assert write(world, case, content=second)
    assert write(world, case, content=second)
    assert len(mails(world)) == 4


def test_before_anybody_is_proven_it_goes_to_where_the_request_came_from_and_takes_no_file(world: World) -> None:
    case = world.open(desk=False)
    world.work()
    with pytest.raises(BadInput, match="thread_not_proven"):
        write(world, case, content=b"%PDF-1.4 x %%EOF")
    write(world, case, "Which year do you mean?")
    [(to, body)] = mails(world)
    assert to == "asks@elsewhere.example"
    assert "/fetch/" not in body
    [seen] = lines(world, case, all_words=False)
    assert seen.words == "Which year do you mean?"


def test_an_answer_closes_the_task_of_what_was_read_and_of_nothing_that_came_meanwhile(world: World) -> None:
    case = world.open(desk=False)
    world.work()

    def says(text: str) -> None:
        with world.rt.unit() as session:
            request = session.get_one(Request, case, with_for_update=True)
            mailroom.take_note(session, world.rt, request, text=text, language="en")
        world.clock.advance(minutes=1)

    says("I moved.")
    read = [line.ident for line in lines(world, case, all_words=True) if line.unread]
    says("And my name is another.")  # while somebody writes the answer to the first
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        thread.reply(session, world.rt, request, user="cleo", words=WORDS, read=read)
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == thread.WRITTEN)).all()
    assert {str(task.message_id) in read: task.state for task in tasks} == {True: TaskState.DONE, False: TaskState.OPEN}
    assert [(line.by, line.words, line.unread) for line in lines(world, case, all_words=True)] == [
        ("", "I moved.", False),
        ("", "And my name is another.", True),
        ("cleo", WORDS, True),
    ]


def test_a_message_that_came_while_the_page_was_made_is_not_taken_for_shown(world: World) -> None:
    case = world.open(desk=False)
    world.work()
    write(world, case)
    shown = lines(world, case, all_words=True)
    world.clock.advance(minutes=1)
    write(world, case, "And one more thing.")
    with world.rt.unit() as session:
        thread.shown(session, world.rt, session.get_one(Request, case), shown)
    assert [line.unread for line in lines(world, case, all_words=True)] == [False, True]


def test_a_complaint_waits_for_an_answer_though_the_person_takes_the_request_back(world: World) -> None:
    case = world.open(desk=False)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        mailroom.take_complaint(session, world.rt, request, text="Nobody answered me.", language="en")
        session.flush()
        decision.withdraw(session, world.rt, request, actor="person")
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.request_id == case)).all()
    assert [task.code for task in tasks if task.state is TaskState.OPEN] == ["complaint"]


@pytest.mark.parametrize(
    ("words", "content"),
    [("", None), ("x" * 5001, None), ("131052-308T", None), (WORDS, b"MZ\x00\x01"), (WORDS, b"<html>")],
)
def test_what_may_not_go_out_does_not(world: World, words: str, content: bytes | None) -> None:
    case = world.open(desk=False)
    world.work()
    with pytest.raises(BadInput):
        write(world, case, words, content=content)
    assert mails(world) == []


def test_only_who_works_on_cases_writes_and_nobody_once_the_case_is_closed(world: World) -> None:
    case = world.open()
    with pytest.raises(NotAllowed):
        write(world, case, user="nobody")
    with world.rt.unit() as session:
        request = session.get_one(Request, case, with_for_update=True)
        decision.withdraw(session, world.rt, request, actor="person")
    world.work()
    assert world.state(case) is RequestState.CLOSED
    with pytest.raises(Conflict, match="thread_closed"):
        write(world, case)


def test_the_words_and_the_file_go_with_the_case(world: World) -> None:
    case = world.open()
    world.work()
    with world.rt.unit() as session:
        session.get_one(Request, case).state = RequestState.HELD
    write(world, case, content=b"%PDF-1.4 x %%EOF")
    with world.rt.unit() as session:
        shred(session, world.rt, PurgeStage.CASE, case)
    assert lines(world, case, all_words=True) == []
    assert list(world.rt.blobs.names(f"{case}/")) == []
    with world.rt.unit() as session:
        assert session.scalars(select(Reply.words_sealed)).all() == [None]
        assert all(session.scalars(select(Artifact.purged_at)).all())
