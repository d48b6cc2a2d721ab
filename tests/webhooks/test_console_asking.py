"""Questions to the person at the console, the answers, the extension in words and a case taken up again."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from models.asking import Ask
from models.delivery import Outbox
from models.vocabulary import Channel, Letter, RequestState, Right
from tests.webhooks.desk import Desk, has_form
from tests.world import BOB, JANE, World
from workflows import sweeps
from workflows.casefile import open_key
from workflows.outbox import open_mail

Seat = Callable[..., Desk]
WORDS = "Bob has two contracts and we cannot tell which he means."


def page_of(world: World) -> str:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    return f"/requests/{world.request(ident).reference}"


def asked_mails(world: World) -> list[tuple[str, str]]:
    with world.rt.unit() as session:
        rows = session.scalars(select(Outbox).where(Outbox.letter == Letter.ASK.value)).all()
        opened = [open_mail(row, open_key(session, world.rt, row.data_key_id)) for row in rows]
    return [(to, body) for to, _, body in opened]


def ask(seat: Desk, page: str, **more: object) -> int:
    fields = {"kind": "specification", "wanted": ["contract", "period"], "words": WORDS, **more}
    return seat.send(page, f"{page}/ask", fields).status_code


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_person_is_asked_by_mail_for_the_least_and_no_mail_says_the_words(
    desk: Seat, desk_world: World, language: str
) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo", language=language)
    assert ask(cleo, page) == 302
    [(to, body)] = asked_mails(desk_world)
    assert to == BOB
    assert WORDS not in body
    assert WORDS in cleo.text(page)
    assert WORDS not in desk("otto").text(page)
    for enough in ("no", "yes"):
        assert cleo.send(page, f"{page}/ask/answered", {"enough": enough}).status_code == 302
    with desk_world.rt.unit() as session:
        row = session.scalars(select(Ask)).one()
    assert (row.insufficient, row.taken_by) == (1, "cleo")
    assert not has_form(cleo.get(page).text, f"{page}/ask/answered")


def test_who_is_asked_again_after_an_answer_that_did_not_suffice_gets_a_mail_and_no_words_are_lost(
    desk: Seat, desk_world: World
) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo")
    assert (ask(cleo, page), ask(cleo, page)) == (302, 302)
    assert len(asked_mails(desk_world)) == 1  # the form sent twice
    assert cleo.send(page, f"{page}/ask/answered", {"enough": "no"}).status_code == 302
    again = "Both of the contracts have ended, so we still need the period."
    assert ask(cleo, page, words=again) == 302
    assert len(asked_mails(desk_world)) == 2
    for words in (WORDS, again):
        assert cleo.text(page).count(words) == 1


def test_a_question_without_a_kind_a_need_or_words_is_not_sent(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo")
    wrongs: list[dict[str, object]] = [{"kind": ""}, {"wanted": []}, {"wanted": ["other"]}, {"words": "short"}]
    for wrong in wrongs:
        assert ask(cleo, page, **wrong) == 422
    assert asked_mails(desk_world) == []
    fields = {"kind": "mandate", "enough": "yes", "csrf": cleo.token()}
    assert cleo.post(f"{page}/ask/answered", fields).status_code == 409


def test_an_extension_takes_the_reason_in_words(desk: Seat, desk_world: World) -> None:
    page = page_of(desk_world)
    cleo = desk("cleo")
    fields = {"extension_reason": "complexity", "extension_words": "short"}
    assert cleo.send(page, f"{page}/extend", fields).status_code == 422
    fields["extension_words"] = "Three old systems must be searched by hand for this request."
    assert cleo.send(page, f"{page}/extend", fields).status_code == 302


def test_a_case_that_lacked_an_answer_is_taken_up_again_with_a_reason(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(who=JANE, desk=False, channel=Channel.PORTAL)
    desk_world.work()
    desk_world.clock.advance(days=28)
    assert sweeps.unidentified(desk_world.rt) == 1
    desk_world.work()
    page = f"/requests/{desk_world.request(ident).reference}"
    cleo = desk("cleo")
    assert cleo.send(page, f"{page}/reopen", {"reopen_reason": ""}).status_code == 422
    assert cleo.send(page, f"{page}/reopen", {"reopen_reason": "The person came to the desk today."}).status_code == 302
    assert desk_world.state(ident) is RequestState.VERIFYING
    assert not has_form(cleo.get(page).text, f"{page}/reopen")
