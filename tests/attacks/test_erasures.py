"""Somebody wants data of others gone, or what was erased to come back."""

import zipfile
from io import BytesIO

from sqlalchemy import select

from models.audit import AuditEntry
from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, Right
from tests.attacks.house import NOTE, NUMBERS, House
from tests.attacks.outside import Browser, letter
from tests.replays.test_replay import SINCE, put
from tests.world import BOB, JANE
from workflows.replays.opening import replay
from workflows.replays.probing import probe
from workflows.sweeps import sweep

MALLORY = "mallory@freemail.example"


def package(who: Browser, page: str) -> str:
    """All text of a person's package."""
    got = who.get(f"{page}/files/package.zip")
    assert got.status == 200
    with zipfile.ZipFile(BytesIO(got.body)) as files:
        return "".join(files.read(n).decode("utf-8", "replace") for n in files.namelist() if not n.endswith(".pdf"))


def erase(house: House, page: str) -> None:
    """Two people approve what was asked on this page."""
    house.world.approve(house.request_of(page).id)
    house.work()


def test_row_11_an_erasure_that_nobody_proved_erases_nothing_ever(house: House) -> None:
    before = house.untouched()
    who = house.browser()
    who.ask(right="erasure", email=JANE)
    who.ask(right="erasure", email=MALLORY, name="Jane", customer_number=NUMBERS[1])
    house.mail(letter(MALLORY, f"Delete all my data. My customer number is {NUMBERS[1]}.", name="Jane"))
    house.mail(letter(JANE, "Please delete all my personal data.", ident="9"))
    assert {r.right for r in house.requests()} == {Right.ERASURE}
    assert house.unproven()
    for _ in range(40):
        house.world.clock.advance(days=1)
        sweep(house.world.rt)
        house.work()
    assert house.untouched() == before
    assert all(r.proof_sealed is None for r in house.requests())


def test_row_11_a_wish_to_see_is_never_taken_for_a_wish_to_erase(house: House) -> None:
    wishes = (
        "Why was my order deleted? Please send me a copy of all personal data that you hold about me.",
        "Did you delete my data? Send me a copy of all my personal data.",
        "Do not delete anything. Send me a copy of all my personal data.",
        "Miksi tilaukseni on poistettu? Pyydän kopion kaikista tiedoistani.",
        "Radera ingenting, men skicka mig en kopia av alla mina personuppgifter.",
    )
    for number, text in enumerate(wishes):
        house.mail(letter(JANE, text, ident=str(number)))
    assert Right.ERASURE not in {r.right for r in house.requests()}
    assert len(house.messages()) == len(wishes)
    assert {m.state.value for m in house.messages()} <= {"opened", "triage"}


def test_row_11_one_person_of_staff_erases_nothing_and_the_page_says_what_was_asked(house: House) -> None:
    before = house.untouched()
    who = house.browser()
    page = who.ask(right="erasure", email=JANE)
    assert "Erase" in who.get(page).text or "erase" in who.get(page).text
    house.prove(who, page, JANE)
    house.world.approve(house.request_of(page).id, "anna")
    house.world.approve(house.request_of(page).id, "anna")
    house.work()
    assert house.request_of(page).state is RequestState.DECIDING
    assert house.untouched() == before
    assert who.post(f"{page}/withdraw").status == 303, "until it is done the person may take it back"
    house.work()
    assert house.untouched() == before


def test_row_20_two_people_with_one_mail_address_or_one_name_are_two_people(house: House) -> None:
    house.world.execute("shop", f"UPDATE customer SET email = '{JANE}' WHERE id = 2")
    who = house.browser()
    page = who.ask(email=JANE)
    house.work()
    assert house.request_of(page).proof_sealed is None
    with house.world.rt.unit() as session:
        assert "ambiguous" in session.scalars(select(HumanTask.code)).all()
    house.world.execute("shop", f"UPDATE customer SET email = '{BOB}', name = 'Jane' WHERE id = 2")
    mine = who.ask(email=JANE, name="Jane", message="another day")
    house.prove(who, mine, JANE)
    text = package(who, mine)
    assert NOTE in text
    assert "his too" not in text
    assert BOB not in text


def test_row_20_whoever_knows_a_neighbour_s_number_gets_only_what_was_proven(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE, name="Jane", customer_number=NUMBERS[2])
    house.work()
    codes = {address: house.codes(address) for address in (JANE, BOB)}
    for address, found in codes.items():
        for code in found:
            assert who.post(f"{page}/code", {"code": code}).status in (303, 422), address
    house.work()
    row = house.request_of(page)
    if row.outcome is Outcome.DELIVERED:
        text = package(who, page)
        assert (NOTE in text) != ("his too" in text)


def test_row_27_what_was_erased_and_comes_back_is_noticed_and_erased_again(house: House) -> None:
    before = house.untouched()
    who = house.browser()
    page = who.ask(right="erasure", email=JANE)
    house.prove(who, page, JANE)
    erase(house, page)
    assert house.request_of(page).outcome in (Outcome.ERASED, Outcome.PARTLY_ERASED)
    after = house.untouched()
    assert NOTE not in str(after)
    house.world.execute("shop", "DELETE FROM customer WHERE id = 1")  # and a backup is put back
    for table in ("customer", "orders"):
        put(house.world, table, [row for row in before[f"shop.{table}"] if row not in after[f"shop.{table}"]])
    assert probe(house.world.rt)["shop"] >= 2
    with house.world.rt.unit() as session:
        assert "erased_again" in session.scalars(select(HumanTask.code)).all()
    opened = replay(house.world.rt, "shop", SINCE, user="cleo", undated=True)
    assert len(opened.references) == 1
    house.work()
    again = house.desk("anna")
    case = f"/requests/{opened.references[0]}"
    assert again.press(case, f"{case}/approve", {"reference": opened.references[0]}).status == 302
    house.work()
    assert house.untouched() == after
    with house.world.rt.unit() as session:
        assert session.scalars(select(AuditEntry.event).where(AuditEntry.event == "erasure:proven")).all()


def test_row_27_a_second_request_after_an_erasure_finds_nothing(house: House) -> None:
    who = house.browser()
    page = who.ask(right="erasure", email=JANE)
    house.prove(who, page, JANE)
    erase(house, page)
    second = who.ask(email=JANE, message="What do you still have?")
    assert len(house.codes(JANE)) == 1, "nobody is on file under this address any more"
    assert house.request_of(second).proof_sealed is None
