"""M19 to M27 and M59 to M72: correcting, restricting, objecting, forbidding, and who else may ask."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.asking import AskKind
from models.rectification import Flaw, ItemDecision, RectificationItem, Remedy
from models.request import Request
from models.restriction import RestrictionGround, Weighed
from models.staff import HumanTask
from models.vocabulary import Ban, Channel, Ground, Method, Outcome, RequestState, Right
from tests.matrix.company import check, read, words_of, work
from tests.matrix.conftest import Played
from tests.matrix.row import row, row_of
from tests.story.house import House, mail_of
from workflows.acting import Acting, Holder
from workflows.asking import ask_person
from workflows.casefile import Claim
from workflows.demo.planting import customer_number
from workflows.errors import BadInput, Conflict
from workflows.mandates import checking
from workflows.rectifying import deciding, saying
from workflows.restricting import lifting, naming, objecting
from workflows.restricting.hand import done_by_hand
from workflows.restriction import restrictions_on
from workflows.stages import decision, intake
from workflows.stages.collection import skip_source
from workflows.suppression import banned

S, D = RequestState, ItemDecision
REPLY = "asks@elsewhere.example"
WHY = "Tieto on tosite, eikä sitä saa muuttaa jälkikäteen."
RESTRICT = "Osoitteeni on väärin, ja selvitys on kesken."


class Correction:
    """One rectification at its decision, of one item."""

    def __init__(self, house: House, who: str, *, remedy: Remedy = Remedy.CORRECT, flaw: Flaw | None = Flaw.INACCURATE):
        self.house, self.rt, self.who = house, house.rt, who
        self.reference = house.ask(who, Right.RECTIFICATION, reply_to=REPLY)
        work(house)
        with house.held(self.reference) as (session, request):
            said = saying.Said("Tieto on väärin", "", "" if remedy is Remedy.ERASE else "Oikea tieto")
            self.item = saying.say(session, self.rt, request, said, remedy=remedy, flaw=flaw, by="kaspar").id

    def point(self, source: str, collection: str, field: str, *, locator: dict[str, object], new: object) -> None:
        with self.house.held(self.reference) as (session, request):
            deciding.point(
                session, self.rt, request, self._item(session), source=source, collection=collection,
                locator=locator, field=field, new=new, user="kaspar",
            )  # fmt: skip

    def decide(self, word: ItemDecision, reason: str = "", ground: Ground | None = None) -> None:
        with self.house.held(self.reference) as (session, request):
            deciding.decide(
                session, self.rt, request, self._item(session), decision=word, reason=reason, ground=ground,
                user="tuulikki",
            )  # fmt: skip

    def end(self) -> None:
        self.house.approve(self.reference, "tuulikki")
        work(self.house)

    def refuse(self, reason: str) -> None:
        with self.house.held(self.reference) as (session, request):
            decision.refuse(session, self.rt, request, user="tuulikki", ground=Ground.NO_GROUND, reason=reason)
        work(self.house)

    def _item(self, session: Session) -> RectificationItem:
        return session.get_one(RectificationItem, self.item)


def address(house: House, who: str) -> str:
    return house.query("asiakas", "SELECT katuosoite FROM asiakas WHERE asnro = :n", n=customer_number(who))[0][0]


@row("rectification of a wrong address", S.CLOSED, Outcome.RECTIFIED, "L01 L06 L07")
def test_m19_a_wrong_address_is_corrected_and_its_source_hears_of_it(house: House) -> None:
    case = Correction(house, "swedish")
    case.point("asiakas", "asiakas", "katuosoite", locator={"asnro": customer_number("swedish")}, new="Nygatan 201")
    case.decide(D.CHANGE)
    case.end()
    assert address(house, "swedish") == "Nygatan 201"
    check(house, row_of(test_m19_a_wrong_address_is_corrected_and_its_source_hears_of_it), case.reference)


@row("rectification of a reading that the network company owns", S.CLOSED, Outcome.RECTIFIED, "L01 L06")
def test_m20_a_wrong_reading_is_forwarded_to_who_owns_the_meter(house: House) -> None:
    case = Correction(house, "solar")
    case.decide(D.FORWARD, "Verkkoyhtiö omistaa mittarin ja korjaa lukeman.")
    case.end()
    assert [task.code for task in house.tasks(case.reference)] == ["rectify_forward"]
    check(house, row_of(test_m20_a_wrong_reading_is_forwarded_to_who_owns_the_meter), case.reference)


@row("rectification of a name, contract in force", S.CLOSED, Outcome.RECTIFIED, "L01 L06 L07")
def test_m21_a_name_is_corrected_and_the_hub_hears_of_it(house: House) -> None:
    case = Correction(house, "sami")
    case.point("asiakas", "asiakas", "etunimet", locator={"asnro": customer_number("sami")}, new="Máret Ánne")
    case.decide(D.CHANGE)
    case.end()
    check(house, row_of(test_m21_a_name_is_corrected_and_the_hub_hears_of_it), case.reference)


@row("rectification of a name in the hub after the contract ended", S.CLOSED, Outcome.RECTIFIED, "L01 L06")
def test_m22_a_name_that_only_the_hub_may_change_is_referred_to_it(house: House) -> None:
    case = Correction(house, "foreign")
    case.decide(D.REFER, "Sopimus on päättynyt; tiedon korjaa Fingrid Datahub.")
    case.end()
    check(house, row_of(test_m22_a_name_that_only_the_hub_may_change_is_referred_to_it), case.reference)


@row("rectification of an old invoice", S.CLOSED, Outcome.RECTIFIED, "L01 L06",
     instead="the note and its reason are told in L06; a refusal of all is L08")  # fmt: skip
def test_m23_a_voucher_stays_as_it_is_with_a_note(house: House) -> None:
    case = Correction(house, "clock-change")
    n = str(customer_number("clock-change"))
    number = house.query("laskutus", "SELECT min(laskunro) FROM lasku WHERE asnro = :n", n=n)[0][0]
    case.point("laskutus", "lasku", "viite", locator={"laskunro": number}, new="1")
    with pytest.raises(Conflict, match="held"):
        case.decide(D.CHANGE)
    case.decide(D.NOTE, WHY)
    case.end()
    check(house, row_of(test_m23_a_voucher_stays_as_it_is_with_a_note), case.reference)


@row("rectification of an opinion in which no fact is wrong", S.CLOSED, Outcome.REFUSED, "L01 L08",
     instead="refused; to keep what the person says beside it is a decision of its own, told in L06")  # fmt: skip
def test_m24_an_opinion_is_not_corrected(house: House) -> None:
    case = Correction(house, "long-name")
    case.refuse("Merkintä on asiakaspalvelijan arvio, eikä siinä ole virheellistä tietoa.")
    check(house, row_of(test_m24_an_opinion_is_not_corrected), case.reference)


@row("rectification that names no item or ground", S.CLOSED, Outcome.REFUSED, "L01 L02 L08")
def test_m25_who_is_asked_once_what_is_wrong_and_does_not_say_is_refused(house: House) -> None:
    case = Correction(house, "one-name", flaw=None)
    with house.held(case.reference) as (session, request):
        assert saying.missing(session, house.rt, request)
        ask_person(
            session, house.rt, request, user="kaspar", kind=AskKind.SPECIFICATION, wanted=["record", "ground"],
            words="Mikä tieto on väärin, ja miksi?",
        )  # fmt: skip
    work(house)
    with pytest.raises(BadInput):
        case.decide(D.CHANGE)
    case.refuse("Pyynnöstä ei selviä, mikä tieto on väärin, emmekä saaneet vastausta kysymykseemme.")
    check(house, row_of(test_m25_who_is_asked_once_what_is_wrong_and_does_not_say_is_refused), case.reference)


@row("rectification of a datum that is not needed", S.CLOSED, Outcome.RECTIFIED, "L01 L06 L07")
def test_m26_a_datum_without_a_reason_is_emptied(house: House) -> None:
    case = Correction(house, "interrupted", remedy=Remedy.ERASE, flaw=Flaw.UNNECESSARY)
    case.point("asiakas", "asiakas", "puhelin", locator={"asnro": customer_number("interrupted")}, new=None)
    case.decide(D.CHANGE)
    case.end()
    n = customer_number("interrupted")
    assert house.query("asiakas", "SELECT puhelin FROM asiakas WHERE asnro = :n", n=n) == [(None,)]
    check(house, row_of(test_m26_a_datum_without_a_reason_is_emptied), case.reference)


class Restricting:
    """One restriction in force, of all of the person's data."""

    def __init__(self, house: House, who: str, ground: RestrictionGround) -> None:
        self.house = house
        self.reference = house.ask(who, Right.RESTRICTION, reply_to=REPLY)
        with house.held(self.reference) as (session, request):
            naming.name_scope(session, house.rt, request, naming.Scope(ground, RESTRICT), user="kaspar")
        work(house)
        house.approve(self.reference, "tuulikki")
        work(house)
        self.by_hand()

    def by_hand(self) -> None:
        while tasks := self.house.tasks(self.reference):  # one source after the other
            for task in tasks:
                with self.house.held(self.reference) as (session, request):
                    row = session.get_one(HumanTask, task.id)
                    done_by_hand(session, self.house.rt, request, row, possible=True, user="kaspar")
            work(self.house)

    def in_force(self, who: str) -> bool:
        with self.house.rt.unit() as session:
            return bool(restrictions_on(session, self.house.rt, [("customer_number", str(customer_number(who)))]))


@row("restriction while a correction is looked into", S.HELD, Outcome.RESTRICTED, "L01 L11",
     instead="the restriction is a request of its own beside the correction")  # fmt: skip
def test_m27_contested_data_rest_while_they_are_looked_into(house: House) -> None:
    correction = Correction(house, "shared-mail-1")
    case = Restricting(house, "shared-mail-1", RestrictionGround.ACCURACY)
    assert house.state(correction.reference) == "deciding"
    assert case.in_force("shared-mail-1")
    check(house, row_of(test_m27_contested_data_rest_while_they_are_looked_into), case.reference)


@row("restriction of contested data", S.HELD, Outcome.RESTRICTED, "L01 L11")
def test_m59_contested_data_are_stored_and_used_for_claims_only(house: House) -> None:
    case = Restricting(house, "same-name-1", RestrictionGround.ACCURACY)
    assert case.in_force("same-name-1")
    assert not case.in_force("same-name-2")
    check(house, row_of(test_m59_contested_data_are_stored_and_used_for_claims_only), case.reference)


@row("restriction in place of erasing what is held unlawfully", S.HELD, Outcome.RESTRICTED, "L01 L11")
def test_m60_who_prefers_a_restriction_gets_it(house: House) -> None:
    case = Restricting(house, "same-name-2", RestrictionGround.UNLAWFUL)
    assert case.in_force("same-name-2")
    check(house, row_of(test_m60_who_prefers_a_restriction_gets_it), case.reference)


@row("lifting of a restriction", S.CLOSED, Outcome.RESTRICTED, "L01 L11 L11b")
def test_m61_a_restriction_ends_after_the_person_was_told_and_the_days_are_over(own: House) -> None:
    case = Restricting(own, "prospect", RestrictionGround.ACCURACY)
    with own.held(case.reference) as (session, request):
        reason = lifting.Reason("verified", "Tarkistimme osoitteen, ja se on oikein.")
        lifting.ask_to_lift(session, own.rt, request, reason, user="tuulikki")
    with pytest.raises(Conflict, match="too_early"), own.held(case.reference) as (session, request):
        lifting.lift(session, own.rt, request, user="tuulikki")
    work(own)
    own.clock.advance(days=lifting.DAYS)
    with own.held(case.reference) as (session, request):
        lifting.lift(session, own.rt, request, user="tuulikki")
    work(own)
    case.by_hand()
    assert not case.in_force("prospect")
    check(own, row_of(test_m61_a_restriction_ends_after_the_person_was_told_and_the_days_are_over), case.reference)


def objection(house: House, who: str, result: Weighed) -> str:
    """An objection that came to its decision and was weighed."""
    reference = house.ask(who, Right.OBJECTION, reply_to=REPLY)
    work(house)
    with house.held(reference) as (session, request):
        grounds = objecting.Grounds(result, "Suunnittelemme verkkoa niiden mukaan.", "En halua tätä käyttöä.")
        objecting.weigh(session, house.rt, request, grounds, user="tuulikki")
    return reference


@row("objection to development and statistics", S.CLOSED, Outcome.STOPPED, "L01 L12")
def test_m62_an_objection_is_weighed_by_a_person_and_the_use_rests_meanwhile(house: House) -> None:
    reference = objection(house, "name-change", Weighed.STOP)
    with house.rt.unit() as session:
        assert restrictions_on(session, house.rt, [("customer_number", str(customer_number("name-change")))])
    house.approve(reference, "tuulikki")
    work(house)
    check(house, row_of(test_m62_an_objection_is_weighed_by_a_person_and_the_use_rests_meanwhile), reference)


@row("objection to what a contract needs", S.CLOSED, Outcome.REFUSED, "L01 L08")
def test_m63_what_rests_on_a_contract_can_not_be_objected_to(house: House) -> None:
    reference = objection(house, "grid-only", Weighed.NOT_APPLICABLE)
    with house.held(reference) as (session, request):
        decision.refuse(
            session, house.rt, request, user="tuulikki", ground=Ground.NO_GROUND,
            reason="Käyttö perustuu sopimukseen, eikä sitä voi vastustaa.",
        )  # fmt: skip
    work(house)
    check(house, row_of(test_m63_what_rests_on_a_contract_can_not_be_objected_to), reference)


def ban(house: House, who: str, right: Right, text: str, *, bans: list[Ban]) -> str:
    """A ban as the form brings it, without any proof of who asks; in force before anything else is done."""
    contacts = {"email": mail_of(who), "customer_number": str(customer_number(who))}
    with house.rt.unit() as session:
        claim = Claim(identifiers=contacts, reply_to=mail_of(who), text=text)
        asked = intake.Asked(right, "fi", Channel.PORTAL, claim)
        reference = intake.open_request(session, house.rt, asked).request.reference
    work(house)
    with house.rt.unit() as session:
        for one in Ban:
            assert banned(session, house.rt, one, [list(contacts.items())]) == [one in bans]
    return reference


@row("ban on marketing", S.CLOSED, Outcome.BANNED, "L01 L12")
def test_m64_a_ban_on_marketing_is_in_force_at_once_everywhere(house: House) -> None:
    bans = [Ban.DIRECT_MAIL, Ban.TELEPHONE, Ban.ELECTRONIC]
    reference = ban(house, "leap-day", Right.MARKETING_BAN, "En halua enää suoramarkkinointia.", bans=bans)
    check(house, row_of(test_m64_a_ban_on_marketing_is_in_force_at_once_everywhere), reference)


@row("ban on directories", S.CLOSED, Outcome.BANNED, "L01 L12")
def test_m65_a_ban_on_directories_is_in_force_at_once(house: House) -> None:
    text = "Tietojani ei saa julkaista luetteloissa."
    reference = ban(house, "two-numbers", Right.MARKETING_BAN, text, bans=[Ban.DIRECTORY])
    check(house, row_of(test_m65_a_ban_on_directories_is_in_force_at_once), reference)


@row("withdrawal of the consent to a newsletter", S.CLOSED, Outcome.BANNED, "L01 L12")
def test_m66_a_withdrawn_consent_bans_electronic_marketing(house: House) -> None:
    text = "Peruutan suostumukseni uutiskirjeeseen."
    reference = ban(house, "shared-address-1", Right.WITHDRAW_CONSENT, text, bans=[Ban.ELECTRONIC])
    with house.rt.unit() as session:  # the profile goes by a case of its own, for which they have to be the person
        narrow = (Request.right == Right.ERASURE, Request.categories.is_not(None), Request.after_request_id.is_(None))
        linked = session.scalars(select(Request).where(*narrow)).all()
        assert [(one.right, one.categories) for one in linked] == [(Right.ERASURE, ["C13"])]
    check(house, row_of(test_m66_a_withdrawn_consent_bans_electronic_marketing), reference)


@row("anonymisation while the contract is in force", S.CLOSED, Outcome.REFUSED, "L01 L08",
     instead="asked for as an erasure, which words that ask for anonymity are taken for")  # fmt: skip
def test_m67_data_of_a_contract_in_force_are_not_made_anonymous(house: House) -> None:
    reference = house.ask("sole-trader", Right.ERASURE, reply_to=REPLY)
    work(house)
    with house.held(reference) as (session, request):
        decision.refuse(
            session, house.rt, request, user="tuulikki", ground=Ground.CONTRACT_IN_FORCE,
            reason="Sähkösopimus on voimassa toistaiseksi.",
        )  # fmt: skip
    work(house)
    letter = words_of(house, reference, "letter_refusal.pdf")
    assert "anonyymejä nyt. Voit pyytää sitä uudelleen siitä päivästä alkaen, jona sopimus päättyy" in letter
    check(house, row_of(test_m67_data_of_a_contract_in_force_are_not_made_anonymous), reference)


@row("request by somebody else who shows no mandate", S.CLOSED, Outcome.NOT_IDENTIFIED, "L01 L02 L08")
def test_m68_who_asks_for_another_without_a_mandate_gets_nothing(own: House) -> None:
    claim = Claim(
        name="Aino Korhonen", identifiers={"customer_number": str(customer_number("active"))}, reply_to=REPLY,
        for_another=True,
    )  # fmt: skip
    with own.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "fi", Channel.PORTAL, claim)
        reference = intake.open_request(session, own.rt, asked).request.reference
    work(own)
    assert not any(re.search(r"\b\d{8}\b", mail) for mail in own.mails_to(mail_of("active")))
    with own.held(reference) as (session, request):
        ask_person(
            session, own.rt, request, user="kaspar", kind=AskKind.MANDATE, wanted=["mandate"],
            words="Lähetä valtakirja tai muu selvitys oikeudestasi.",
        )  # fmt: skip
    work(own)
    own.clock.advance(days=29)
    work(own)
    assert "Korhonen" not in "".join(own.mails_to(REPLY)).replace("Aino Korhonen", "")
    check(own, row_of(test_m68_who_asks_for_another_without_a_mandate_gets_nothing), reference)


@row("request by somebody whose address is protected", S.CLOSED, Outcome.DELIVERED, "L01 L04",
     instead="fetched by a link and a code, so there is no address to check; the letter has none")  # fmt: skip
def test_m69_a_protected_address_stands_in_no_document(house: House, played: Played) -> None:
    reference = played("protected", Right.ACCESS)
    n = customer_number("protected")
    ((protected, street),) = house.query("asiakas", "SELECT turvakielto, katuosoite FROM asiakas WHERE asnro = :n", n=n)
    assert protected
    assert street not in read(house.file(reference))["START_HERE.html"]
    check(house, row_of(test_m69_a_protected_address_stands_in_no_document), reference)


@row("access and erasure in one message", S.HELD, Outcome.PARTLY_ERASED, "L01 L04 L09")
def test_m70_what_is_asked_for_is_delivered_before_it_is_erased(own: House) -> None:
    claim = Claim(identifiers={"customer_number": str(customer_number("paid-all"))}, reply_to=REPLY)
    with own.rt.unit() as session:
        asked = [
            intake.Asked(right, "fi", Channel.DESK, claim, method=Method.DESK, by="ilona")
            for right in (Right.ERASURE, Right.ACCESS)
        ]
        stored, _ = intake.store(session, own.rt, channel=Channel.DESK, external_id="one", raw=b"Kopio ja poisto.")
        opened = intake.open_requests(session, own.rt, asked, message=stored)
        access, erasure = (one.request.reference for one in opened)
    work(own)
    assert own.ended(access) == ("closed", "delivered")
    own.approve(erasure)
    work(own)
    assert own.state(erasure) == "erasing"  # the person has a fortnight to look at the copy
    own.clock.advance(days=14)
    work(own)
    check(own, row_of(test_m70_what_is_asked_for_is_delivered_before_it_is_erased), access, erasure)


@row("request about somebody who has died", S.CLOSED, Outcome.ESTATE, "L01 L08e")
def test_m71_a_request_about_the_dead_gets_the_letter_to_the_estate(own: House) -> None:
    claim = Claim(identifiers={"customer_number": str(customer_number("estate"))}, reply_to=REPLY, for_another=True)
    widow = Acting("estate", Holder("Aune Leski", REPLY))
    with own.rt.unit() as session:
        asked = intake.Asked(Right.ERASURE, "fi", Channel.LETTER, claim, acting=widow)
        reference = intake.open_request(session, own.rt, asked).request.reference
    work(own)
    assert own.state(reference) == "verifying"
    with own.held(reference) as (session, request):
        checking.tick(session, own.rt, request, user="kaspar", kind="estate", codes=["death_seen"])
        checking.estate(session, own.rt, request, user="kaspar")
    work(own)
    assert "Järvinen" not in "".join(own.mails_to(REPLY))
    check(own, row_of(test_m71_a_request_about_the_dead_gets_the_letter_to_the_estate), reference)


@row("access while a source can't be reached", S.CLOSED, Outcome.DELIVERED, "L01 L03 L04")
def test_m72_an_unreachable_source_extends_only_with_a_reason_or_is_left_out(own: House) -> None:
    path = Path(own.urls["perinta"])
    away = path.rename(path.with_suffix(".away"))
    reference = own.ask("active", reply_to=REPLY)
    work(own)
    assert own.state(reference) == "collecting"
    own.clock.advance(days=20)
    with own.held(reference) as (session, request):
        decision.extend(session, own.rt, request, user="tuulikki", reason="source_unavailable")
    work(own)
    with own.held(reference) as (session, request):
        skip_source(session, own.rt, request, "perinta", user="tuulikki")
    work(own)
    own.approve(reference, "tuulikki")
    work(own)
    away.rename(path)
    check(own, row_of(test_m72_an_unreachable_source_extends_only_with_a_reason_or_is_left_out), reference)
