"""Bans: what is asked for, how contacts are compared, and what the register answers."""

import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import AuditEntry
from models.suppression import BanRow
from models.vocabulary import Ban, Channel, Right
from tests.effort import examples
from tests.world import World, make_world
from workflows import suppression
from workflows.errors import BadInput, NotFound
from workflows.rules.bans import IDENTITIES, bans_asked, comparable
from workflows.suppression import Banning, banned, lift_bans, list_bans, set_bans

EVERY_WAY = (Ban.DIRECT_MAIL, Ban.TELEPHONE, Ban.ELECTRONIC)
HOW = Banning(Channel.EMAIL, origin="person", proof="mail", by="person")


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "bans"),
    [
        ("", EVERY_WAY),
        ("En halua enää suoramarkkinointia.", EVERY_WAY),
        ("STOP", (Ban.ELECTRONIC,)),
        ("Peruuttakaa uutiskirje.", (Ban.ELECTRONIC,)),
        ("Sluta skicka reklam.", EVERY_WAY),
        ("Sluta skicka nyhetsbrev", (Ban.ELECTRONIC,)),
        ("Please stop sending me your newsletter", (Ban.ELECTRONIC,)),
        ("Kiellän puhelinmyynnin.", (Ban.TELEPHONE,)),
        ("Kiellän markkina- ja mielipidetutkimukset", (Ban.MARKET_RESEARCH, Ban.OPINION_SURVEYS)),
        ("Kiellän tietojeni luovuttamisen muille", (Ban.DISCLOSURE,)),
        ("Tietojani ei saa julkaista luetteloissa", (Ban.DIRECTORY,)),
        ("Kiellän uutiskirjeen ja kaiken muun mainonnan", EVERY_WAY),
    ],
)
def test_the_words_say_which_bans_are_meant_and_marketing_at_large_means_every_way(text, bans) -> None:
    assert bans_asked(Right.MARKETING_BAN, text) == bans


def test_a_withdrawn_consent_bans_electronic_marketing_and_other_rights_ban_nothing() -> None:
    assert bans_asked(Right.WITHDRAW_CONSENT, "Peruutan suostumukseni") == (Ban.ELECTRONIC,)
    assert bans_asked(Right.ACCESS, "newsletter") == ()


@pytest.mark.parametrize(
    ("identity", "one", "other"),
    [
        ("email", "Jane@Shop.Example ", "jane@shop.example"),
        ("email", "jane@bücher.example", "JANE@xn--bcher-kva.example"),
        ("email", "ｊａｎｅ@shop.example", "jane@shop.example"),
        ("phone_number", "040 123 4567", "+358401234567"),
        ("postal_address", "Koivukatu 3 A 5, 00100 Helsinki", "KOIVUKATU 3 a 5\n00100 HELSINKI, Finland"),
        ("customer_number", "ab 12", "AB12"),
    ],
)
def test_two_spellings_of_one_contact_are_one(identity, one, other) -> None:
    assert comparable(identity, one) == comparable(identity, other) is not None


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(IDENTITIES), st.text(max_size=60))
def test_the_comparable_spelling_is_its_own_and_knows_no_width_of_letters(identity, text) -> None:
    plain = comparable(identity, text)
    if plain is not None:
        assert comparable(identity, plain) == plain
        assert comparable(identity, unicodedata.normalize("NFKC", text)) == plain


def test_a_ban_is_in_force_at_once_and_for_no_other_purpose_or_person(world: World) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts={"email": "jane@shop.example"}, how=HOW)
        lines = [[("email", "JANE@shop.example")], [("email", "bob@shop.example")], [("email", "no address")], []]
        assert banned(session, world.rt, Ban.ELECTRONIC, lines) == [True, False, None, None]
        assert banned(session, world.rt, Ban.DIRECT_MAIL, lines[:1]) == [False]


def test_a_line_of_which_a_part_cannot_be_compared_is_never_called_allowed(world: World) -> None:
    with world.rt.unit() as session:
        line = [("email", "bob@shop.example"), ("phone_number", "number unknown")]
        assert banned(session, world.rt, Ban.TELEPHONE, [line]) == [None]


def test_one_banned_contact_bans_the_whole_line(world: World) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.TELEPHONE], contacts={"customer_number": "1001"}, how=HOW)
        line = [("phone_number", "040 123 4567"), ("customer_number", "1001")]
        assert banned(session, world.rt, Ban.TELEPHONE, [line]) == [True]


def test_a_contact_is_kept_nowhere_in_words(world: World) -> None:
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=list(Ban), contacts={"email": "jane@shop.example"}, how=HOW)
    with world.rt.unit() as session:
        for table in (BanRow.__table__, AuditEntry.__table__):
            assert "jane" not in str(session.execute(sa.select(table)).all())
        other = world.rt.vault.digest("email", "jane@shop.example")
        assert all(row.digest != other for row in list_bans(session, world.rt))


def test_the_same_ban_twice_is_one_and_lifting_needs_proof_and_keeps_the_history(world: World) -> None:
    jane = {"email": "jane@shop.example"}
    with world.rt.unit() as session:
        assert len(set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, how=HOW)) == 1
        assert set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, how=HOW) == []
        with pytest.raises(BadInput):
            lift_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, by="cleo", proof=" ")
        assert lift_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, by="cleo", proof="form 17") == 1
        with pytest.raises(NotFound):
            lift_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, by="cleo", proof="form 17")
        assert banned(session, world.rt, Ban.ELECTRONIC, [[("email", "jane@shop.example")]]) == [False]
        assert len(set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, how=HOW)) == 1
        assert len(list_bans(session, world.rt, contacts=jane, lifted=True)) == 2
        assert len(list_bans(session, world.rt, contacts=jane)) == 1


def test_what_is_no_contact_bans_nobody_and_says_so(world: World) -> None:
    with world.rt.unit() as session, pytest.raises(BadInput):
        set_bans(session, world.rt, bans=list(Ban), contacts={"email": "nobody"}, how=HOW)


def test_a_contact_that_cannot_be_compared_is_neither_left_out_in_silence_nor_called_free(world: World) -> None:
    contacts = {"email": "jane@shop.example", "phone_number": "call her"}
    with world.rt.unit() as session:
        for work in (
            lambda: set_bans(session, world.rt, bans=list(Ban), contacts=contacts, how=HOW),
            lambda: lift_bans(session, world.rt, bans=list(Ban), contacts=contacts, by="cleo", proof="form 17"),
            lambda: list_bans(session, world.rt, contacts=contacts),
        ):
            with pytest.raises(BadInput) as caught:
                work()
            assert "call her" not in str(caught.value)
        assert not list_bans(session, world.rt, lifted=True)


def test_a_ban_that_another_process_set_in_the_same_instant_is_no_error(world: World, monkeypatch) -> None:
    jane = {"email": "jane@shop.example"}
    with world.rt.unit() as session:
        set_bans(session, world.rt, bans=[Ban.ELECTRONIC], contacts=jane, how=HOW)
    look, looked = suppression._in_force, set()

    def too_early(session, ban, identity, *, digest):
        if ban in looked:
            return look(session, ban, identity, digest=digest)
        return looked.add(ban)

    monkeypatch.setattr(suppression, "_in_force", too_early)
    with world.rt.unit() as session:
        fresh = set_bans(session, world.rt, bans=[Ban.TELEPHONE, Ban.ELECTRONIC], contacts=jane, how=HOW)
        assert [row.ban for row in fresh] == [Ban.TELEPHONE]
    with world.rt.unit() as session:
        assert {row.ban for row in list_bans(session, world.rt)} == {Ban.ELECTRONIC, Ban.TELEPHONE}
