"""Questions to the person, the clock they may stop, the notice to who stays silent, and the way back."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from models.asking import Ask, AskKind
from models.delivery import Artifact, Outbox
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, Ground, Letter, Method, Outcome, RequestState, Right, TaskState
from tests.webhooks.visitor import code_in_mail
from tests.world import BOB, JANE, World, make_world, open_world, prepare, write_register
from workflows import asking, silence, sweeps
from workflows.casefile import open_key
from workflows.correcting import correct_received
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.reopening import may_reopen, reopen
from workflows.stages import decision, verification

WORDS = "We need to know which of the two contracts is meant."
CONTROLLER = (
    "{{name: Shop Oy, email: office@shop.example, dpo: {{name: Anna, email: dpo@shop.example}},"
    " delivery: {{objection_hours: 0}}, deadlines: {{suspension: {mode}}}}}"
)
Make = Callable[[str], World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A world with this mode of the clock."""
    made: list[World] = []

    def _make(mode: str) -> World:
        environ = prepare(tmp_path)
        write_register(tmp_path / "register", {"controller.yaml": CONTROLLER.format(mode=mode)})
        made.append(open_world(environ))
        return made[-1]

    yield _make
    for world in made:
        world.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    made.close()


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=UTC)


def received(world: World, day: str) -> uuid.UUID:
    world.clock.set(noon(day))
    return world.open(Right.ERASURE, BOB)


def question(world: World, ident: uuid.UUID, day: str, kind: AskKind = AskKind.SPECIFICATION) -> None:
    world.clock.set(noon(day))
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        asking.ask_person(session, world.rt, request, user="cleo", kind=kind, wanted=["contract"], words=WORDS)


def reply(
    world: World, ident: uuid.UUID, day: str, kind: AskKind = AskKind.SPECIFICATION, *, enough: bool = True
) -> None:
    world.clock.set(noon(day))
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        take = asking.answered if enough else asking.insufficient
        assert take(session, world.rt, request, kind=kind, by="cleo")


def clocks(world: World, ident: uuid.UUID) -> tuple[str, str, str | None, str | None]:
    """Both clocks as they are kept: raw A and B, suspended A and B."""
    asking.keep_running(world.rt)
    r = world.request(ident)
    a, b = r.suspended_a, r.suspended_b
    return (str(r.due_a), str(r.due_b), str(a) if a else None, str(b) if b else None)


VECTORS = [
    ("P1", "2026-03-02", "2026-03-04", "2026-03-14", "2026-04-02", "2026-04-13", "2026-04-13"),
    ("P2", "2026-03-02", "2026-03-04", "2026-03-04", "2026-04-02", None, None),
    ("P3", "2026-05-11", "2026-05-12", "2026-05-19", "2026-06-11", "2026-06-18", "2026-06-18"),
    ("P4", "2026-01-31", "2026-02-02", "2026-02-12", "2026-03-02", "2026-03-10", "2026-03-10"),
    ("P5", "2026-11-13", "2026-11-16", "2026-11-27", "2026-12-14", "2026-12-24", "2026-12-28"),
    ("P6", "2026-03-02", "2026-03-22", "2026-03-29", "2026-04-02", None, None),
]


@pytest.mark.parametrize("vector", VECTORS, ids=[v[0] for v in VECTORS])
def test_a_question_that_was_asked_in_time_stops_the_second_clock_and_never_the_first(
    make: Make, vector: tuple[str, str, str, str, str, str | None, str | None]
) -> None:
    world = make("pause")
    _, day, asked, told, raw, due_a, due_b = vector
    ident = received(world, day)
    question(world, ident, asked)
    reply(world, ident, told)
    assert clocks(world, ident)[0] == raw
    assert clocks(world, ident)[2:] == (due_a, due_b)


def test_p7_questions_that_overlap_count_each_day_once(make: Make) -> None:
    world = make("pause")
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    question(world, ident, "2026-03-05", AskKind.IDENTITY)
    reply(world, ident, "2026-03-10", AskKind.IDENTITY)
    reply(world, ident, "2026-03-14")
    assert clocks(world, ident)[2] == "2026-04-13"


def test_p8_an_answer_that_does_not_suffice_ends_nothing(make: Make) -> None:
    world = make("pause")
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    reply(world, ident, "2026-03-09", enough=False)
    world.clock.set(noon("2026-03-14"))
    assert clocks(world, ident)[2] == "2026-04-13"
    world.clock.set(noon("2026-03-16"))
    assert clocks(world, ident)[2] == "2026-04-14"
    with world.rt.unit() as session:
        (row,) = session.scalars(select(Ask).where(Ask.request_id == ident))
        assert (row.insufficient, row.answered_at) == (1, None)


def test_restart_counts_the_month_anew_from_the_answer(make: Make) -> None:
    world = make("restart")
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    reply(world, ident, "2026-03-14")
    assert clocks(world, ident) == ("2026-04-02", "2026-04-02", "2026-04-14", "2026-04-14")


def test_without_a_word_in_the_register_questions_are_noted_and_no_clock_stops(world: World) -> None:
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    reply(world, ident, "2026-03-14")
    assert clocks(world, ident) == ("2026-04-02", "2026-04-02", None, None)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        (asked,) = asking.asks_of(session, request, open_key(session, world.rt, request.data_key_id))
    assert (asked.asked_at, asked.answered_at, asked.words) == (noon("2026-03-04"), noon("2026-03-14"), WORDS)


def test_planning_goes_by_the_clock_that_never_stops(make: Make) -> None:
    world = make("pause")
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    assert clocks(world, ident)[2] is None  # asked today: nothing to count yet
    world.clock.set(noon("2026-03-20"))
    assert clocks(world, ident)[2] is not None
    assert world.request(ident).due_on == date(2026, 4, 2)


def test_the_day_of_arrival_put_right_moves_both_clocks(make: Make) -> None:
    world = make("pause")
    ident = received(world, "2026-03-04")
    question(world, ident, "2026-03-04")
    reply(world, ident, "2026-03-14")
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        why = "The letter lay at the front desk."
        correct_received(session, world.rt, request, user="cleo", day=date(2026, 3, 2), reason=why)
    assert clocks(world, ident) == ("2026-04-02", "2026-04-02", "2026-04-13", "2026-04-13")


def test_a_code_on_its_way_is_a_question_that_the_right_code_answers(make: Make) -> None:
    world = make("pause")
    ident = world.open(who=JANE, desk=False, channel=Channel.PORTAL)
    world.work()
    world.clock.advance(minutes=5)
    code = code_in_mail(world, JANE)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        assert not verification.answer(session, world.rt, request, "00000000" if code != "00000000" else "11111111")
        assert verification.answer(session, world.rt, request, code)
    with world.rt.unit() as session:
        (row,) = session.scalars(select(Ask).where(Ask.request_id == ident))
    assert (row.kind, row.insufficient, row.taken_by) == (AskKind.IDENTITY, 1, "person")


@pytest.mark.parametrize(
    ("user", "wanted", "words", "error"),
    [
        ("nobody", ["contract"], WORDS, NotAllowed),
        ("cleo", [], WORDS, BadInput),
        ("cleo", ["passport"], WORDS, BadInput),
        ("cleo", ["contract"], "short", BadInput),
    ],
)
def test_a_question_says_what_is_needed_and_why(
    world: World, user: str, wanted: list[str], words: str, error: type[Exception]
) -> None:
    ident = world.open(Right.ERASURE, BOB)
    kind = AskKind.SPECIFICATION
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        with pytest.raises(error):
            asking.ask_person(session, world.rt, request, user=user, kind=kind, wanted=wanted, words=words)


def test_a_question_that_stays_unanswered_is_a_persons_task_before_the_day_it_is_due(world: World) -> None:
    ident = received(world, "2026-03-02")
    question(world, ident, "2026-03-04")
    world.clock.set(noon("2026-03-18"))
    assert silence.mind(world.rt) == 0
    world.clock.set(noon("2026-03-19"))
    assert (silence.mind(world.rt), silence.mind(world.rt)) == (1, 0)
    with world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == silence.SILENT)).one()
    assert (task.request_id, task.due_on, task.state) == (ident, date(2026, 4, 2), TaskState.OPEN)
    reply(world, ident, "2026-03-20")
    with world.rt.unit() as session:
        assert session.get_one(HumanTask, task.id).state is TaskState.DONE
    assert silence.mind(world.rt) == 0


def refused_for_want_of_words(world: World) -> uuid.UUID:
    """A case whose question nobody answered, though somebody was given the task to see to it."""
    ident = received(world, "2026-03-02")
    world.work()
    question(world, ident, "2026-03-04")
    world.clock.set(noon("2026-03-19"))
    assert silence.mind(world.rt) == 1
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        why = "Nobody told us which of the contracts is meant."
        decision.refuse(session, world.rt, request, user="anna", ground=Ground.NOT_SPECIFIED, reason=why)
    world.work()
    return ident


def test_once_a_request_is_answered_nobody_has_to_see_to_its_questions(world: World) -> None:
    ident = refused_for_want_of_words(world)
    assert world.state(ident) is RequestState.CLOSED
    with world.rt.unit() as session:
        task = session.scalars(select(HumanTask).where(HumanTask.code == silence.SILENT)).one()
    assert (task.state, task.answer) == (TaskState.DONE, "settled")


def test_who_brings_what_was_asked_is_not_waited_for_any_more(world: World) -> None:
    ident = refused_for_want_of_words(world)
    take_up(world, ident)
    with world.rt.unit() as session:
        (row,) = session.scalars(select(Ask).where(Ask.request_id == ident))
    assert (row.answered_at, row.taken_by) == (noon("2026-03-19"), "cleo")


WHY = "The person came to the desk today."


def take_up(world: World, ident: uuid.UUID, user: str = "cleo", reason: str = WHY) -> None:
    with world.rt.unit() as session:
        reopen(session, world.rt, session.get_one(Request, ident, with_for_update=True), user=user, reason=reason)


def silent(world: World) -> uuid.UUID:
    """A case that ended for want of a proof, three days before the day it was due."""
    ident = world.open(who=JANE, desk=False, channel=Channel.PORTAL)
    world.work()
    world.clock.advance(days=28)
    assert sweeps.unidentified(world.rt) == 1
    world.work()
    return ident


def test_who_stays_silent_is_told_before_the_day_and_the_case_can_be_taken_up_again(world: World) -> None:
    ident = silent(world)
    request = world.request(ident)
    assert (request.state, request.outcome) == (RequestState.CLOSED, Outcome.NOT_IDENTIFIED)
    assert world.rt.today() < request.due_a
    with world.rt.unit() as session:
        mails = session.scalars(select(Outbox.letter).where(Outbox.request_id == ident)).all()
    assert Letter.REFUSAL.value in mails
    assert may_reopen(request)
    world.clock.advance(days=30)
    take_up(world, ident)
    request = world.request(ident)
    assert (request.state, request.outcome, request.closed_at) == (RequestState.VERIFYING, None, None)
    assert request.received_on == world.rt.today()
    with world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        verification.by_staff(session, world.rt, row, user="cleo", method=Method.DESK, identifiers={"email": JANE})
    world.work()
    assert world.request(ident).outcome is Outcome.DELIVERED


def test_only_a_case_that_lacked_an_answer_is_taken_up_again(world: World) -> None:
    ident = world.open()
    world.work()
    assert world.request(ident).state is RequestState.CLOSED
    with pytest.raises(Conflict):
        take_up(world, ident)
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        decision.refuse(
            session, world.rt, request, user="anna", ground=Ground.LEGAL_CLAIM, reason="The invoice is not paid."
        )
    world.work()
    with pytest.raises(Conflict):
        take_up(world, ident)


def test_taking_a_case_up_again_needs_a_reason_and_a_role(world: World) -> None:
    ident = silent(world)
    with pytest.raises(BadInput):
        take_up(world, ident, reason="why not")
    with pytest.raises(NotAllowed):
        take_up(world, ident, user="nobody")
    assert world.request(ident).state is RequestState.CLOSED


def test_who_was_refused_as_another_person_asks_anew(world: World) -> None:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        decision.refuse(
            session, world.rt, request, user="anna", ground=Ground.NOT_IDENTIFIED, reason="It was not him at the desk."
        )
    world.work()
    with world.rt.unit() as session:  # Bob's name and what is held of him: whoever is proven next would get it
        assert session.scalars(select(Artifact.name).where(Artifact.request_id == ident)).all() == [
            "letter_refusal.pdf"
        ]
    with pytest.raises(Conflict, match="not_reopenable"):
        take_up(world, ident)
    request = world.request(ident)
    assert (request.state, request.outcome) == (RequestState.CLOSED, Outcome.REFUSED)


def extend(world: World, ident: uuid.UUID, words: str = "") -> date:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        return decision.extend(session, world.rt, request, user="cleo", reason="complexity", words=words)


@pytest.mark.parametrize(("at", "told"), [("2026-04-07T20:59:59", True), ("2026-04-07T21:00:00", False)])
def test_an_extension_is_told_until_midnight_in_helsinki_of_the_last_day_and_not_a_second_later(
    world: World, at: str, told: bool
) -> None:
    ident = received(world, "2026-03-05")
    world.work()
    world.clock.set(datetime.fromisoformat(at).replace(tzinfo=UTC))
    if told:
        assert extend(world, ident) == date(2026, 6, 5)
        return
    with pytest.raises(Conflict) as refused:
        extend(world, ident)
    assert refused.value.code == "too_late"
    assert (world.request(ident).extended_until, world.request(ident).due_on) == (None, date(2026, 4, 7))


def test_a_question_that_stops_the_second_clock_makes_no_extension_later_than_the_first_month(make: Make) -> None:
    world = make("pause")
    ident = received(world, "2026-03-02")
    world.work()
    question(world, ident, "2026-03-04")
    world.clock.set(noon("2026-04-03"))
    with pytest.raises(Conflict):
        extend(world, ident)


def test_the_words_of_an_extension_are_in_its_letter_and_in_no_mail(world: World) -> None:
    ident = received(world, "2026-03-05")
    world.work()
    words = "Your calls of four years have to be listened to one by one."
    extend(world, ident, words)
    request = world.request(ident)
    assert request.extension_sealed is not None
    assert words.encode() not in request.extension_sealed
    with pytest.raises(BadInput):
        extend(world, ident, "short")
    world.work()
    assert all(words not in mail.body for mail in world.mailer.sent)
    with world.rt.unit() as session:
        texts = {
            row.name: row.template for row in session.scalars(select(Artifact).where(Artifact.request_id == ident))
        }
    assert str(texts["letter_extension.pdf"]).startswith("extension/letter.en.html · ")
