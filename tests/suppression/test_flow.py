"""A ban or a withdrawn consent from its arrival to the letter: nobody proves anything, nobody has to decide."""

import pytest
import sqlalchemy as sa

from models.delivery import Outbox
from models.staff import HumanTask
from models.suppression import BanRow
from models.vocabulary import Ban, Channel, Outcome, RequestState, Right, TaskState
from tests.world import World, make_world
from workflows.casefile import Claim
from workflows.mailroom import receive
from workflows.stages import intake
from workflows.suppression import banned

MAIL = {"email": "jane@shop.example"}


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def ask(world: World, text: str, right: Right = Right.MARKETING_BAN, *, lang: str = "en", claim: Claim | None = None):
    claim = claim or Claim(identifiers=MAIL, reply_to="asks@elsewhere.example", text=text)
    with world.rt.unit() as session:
        return intake.open_request(session, world.rt, intake.Asked(right, lang, Channel.EMAIL, claim)).request.id


def forbidden(world: World, ban: Ban, address: str) -> bool | None:
    with world.rt.unit() as session:
        return banned(session, world.rt, ban, [[("email", address)]])[0]


def tasks(world: World, ident) -> dict[str, HumanTask]:
    with world.rt.unit() as session:
        rows = session.scalars(sa.select(HumanTask).where(HumanTask.request_id == ident)).all()
        session.expunge_all()
    return {row.code: row for row in rows}


def test_a_ban_is_in_force_before_anything_else_happens(world: World) -> None:
    ask(world, "STOP")
    assert forbidden(world, Ban.ELECTRONIC, "jane@shop.example") is True
    assert forbidden(world, Ban.ELECTRONIC, "asks@elsewhere.example") is True
    assert forbidden(world, Ban.TELEPHONE, "jane@shop.example") is False


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_a_ban_is_answered_by_itself_without_a_code(world: World, lang: str) -> None:
    ident = ask(world, "", lang=lang)
    world.work()
    request = world.request(ident)
    assert (request.state, request.outcome) == (RequestState.CLOSED, Outcome.BANNED)
    with world.rt.unit() as session:
        letters = session.scalars(sa.select(Outbox.letter).where(Outbox.request_id == ident)).all()
    assert sorted(letters) == ["acknowledgement", "ban"]


def test_people_are_told_to_set_it_in_their_systems_within_two_working_days(world: World) -> None:
    ident = ask(world, "STOP")
    world.work()
    task = tasks(world, ident)["set_ban"]
    assert task.state is TaskState.OPEN
    assert task.facts == {"bans": ["B3"]}
    assert 2 <= (task.due_on - world.rt.today()).days <= 6
    assert set(tasks(world, ident)) == {"set_ban"}


def test_a_withdrawn_consent_bans_what_rested_on_it_and_erases_nothing_by_itself(world: World) -> None:
    ident = ask(world, "I withdraw my consent", Right.WITHDRAW_CONSENT)
    world.work()
    assert world.request(ident).outcome is Outcome.BANNED
    assert forbidden(world, Ban.ELECTRONIC, "jane@shop.example") is True
    assert set(tasks(world, ident)) == {"set_ban", "consent_data"}


def test_a_ban_without_any_contact_waits_for_a_person(world: World) -> None:
    ident = ask(world, "", claim=Claim(name="Jane"))
    world.work()
    assert world.request(ident).state is RequestState.RECEIVED
    assert set(tasks(world, ident)) == {"ban_contact", "print_letter"}  # no mail can tell them that it came in


def test_the_letter_never_says_that_a_ban_is_in_force_that_is_not(world: World) -> None:
    ident = ask(world, "STOP")
    with world.rt.unit() as session:
        session.execute(sa.delete(BanRow).where(BanRow.request_id == ident))
    world.work()
    assert world.request(ident).outcome is Outcome.BANNED
    assert forbidden(world, Ban.ELECTRONIC, "jane@shop.example") is True


def test_who_bans_twice_hears_twice_and_stays_banned_once(world: World) -> None:
    first, second = ask(world, "STOP"), ask(world, "STOP")
    world.work()
    assert {world.request(first).outcome, world.request(second).outcome} == {Outcome.BANNED}
    with world.rt.unit() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(BanRow)) == 2  # one for each contact


@pytest.mark.parametrize(
    ("lang", "words"),
    [("fi", "painettu"), ("sv", "tryckt"), ("en", "already printed")],
)
def test_the_letter_says_that_what_was_printed_before_may_still_come(world: World, lang: str, words: str) -> None:
    ask(world, "", lang=lang)
    world.work()
    (letter,) = [mail for mail in world.mailer.sent if words in mail.body]
    assert "DVV" in letter.body
    assert "Traficom" in letter.body


@pytest.mark.parametrize("words", ["STOP", "Peruuttakaa uutiskirje.", "Sluta skicka reklam."])
def test_a_mail_of_a_word_or_two_bans_the_address_that_sent_it(world: World, words: str) -> None:
    head = "From: Jane <news@reader.example>\r\nTo: office@shop.example\r\nMessage-ID: <one@shop.example>\r\n"
    receive(world.rt, f"{head}Subject: Re: news\r\n\r\n{words}\r\n".encode())
    assert forbidden(world, Ban.ELECTRONIC, "news@reader.example") is True
