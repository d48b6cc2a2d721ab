"""How much it takes to be taken for the person, and what a secret is worth."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.vocabulary import Outcome, RequestState, Right
from tests.attacks.house import CONTROLLER, NOTE, House, body_of, running_house
from tests.attacks.outside import letter
from tests.world import BOB, JANE

NEW = "new.jane@elsewhere.example"


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[House]:
    """A house where a code to a mailbox is not enough for a copy of the data, and is for a correction."""
    identity = ", identity: {high: [desk], medium: [desk, call_back], low: [code, desk, call_back],"
    identity += " rights: {access: high, rectification: low}}}"
    with running_house(tmp_path, changes={"controller.yaml": CONTROLLER[:-1] + identity}) as made:
        yield made


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[House]:
    """A house that gives whoever is on file a day to object."""
    with running_house(tmp_path, changes={"controller.yaml": CONTROLLER.replace("objection_hours: 0", "")}) as made:
        yield made


def seen_by(house: House, name: str, page: str, method: str) -> int:
    """A member of staff says that they identified Jane."""
    case = f"/requests/{page.split('/')[3]}"
    return house.desk(name).press(case, f"{case}/verify", {"method": method, "email": JANE}).status


def test_sec_03_a_mailbox_is_no_proof_for_what_takes_more(strict: House) -> None:
    who = strict.browser()
    page = who.ask(email=JANE)
    assert strict.codes(JANE) == []
    assert 'name="code"' not in who.get(page).text
    assert seen_by(strict, "cleo", page, "call_back") == 403
    assert strict.unproven()
    assert seen_by(strict, "cleo", page, "desk") == 302
    strict.work()
    assert strict.request_of(page).outcome is Outcome.DELIVERED
    link = strict.link(JANE)
    assert who.post(f"{link}/send").status in (303, 403)
    assert strict.codes(JANE) == [], "nor is it enough to open the answer"
    assert who.get(f"{link}/files/package.zip").status == 303


def test_sec_04_a_code_is_good_once_for_one_request_for_half_an_hour_and_five_tries(
    house: House, tmp_path: Path
) -> None:
    who, other = house.browser(), house.browser()
    page = who.ask(email=JANE)
    [code] = house.codes(JANE)
    theirs = other.ask(email=BOB, name="Bob")
    house.work()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("vastine.db*"))
    assert code.encode() not in stored
    assert page.rpartition("/")[2].encode() not in stored
    assert other.post(f"{theirs}/code", {"code": code}).status == 422, "another request's"
    for _ in range(4):
        assert who.post(f"{page}/code", {"code": "00000000"}).status == 422
    assert who.post(f"{page}/code", {"code": code}).status == 303, "the fifth try"
    house.work()
    assert house.browser().post(f"{page}/code", {"code": code}).status == 422, "used"
    [bobs] = house.codes(BOB)
    for _ in range(4):  # one try went with Jane's code
        assert other.post(f"{theirs}/code", {"code": "00000000"}).status == 422
    assert other.post(f"{theirs}/code", {"code": bobs}).status == 422, "five wrong ones use it up"
    other.post(f"{theirs}/resend")
    fresh = house.codes(BOB)[-1]
    house.world.clock.advance(minutes=31)
    assert other.post(f"{theirs}/code", {"code": fresh}).status == 422, "too late"
    assert house.request_of(theirs).proof_sealed is None


def test_sec_04_nobody_gets_a_thousand_guesses(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE)
    tries = 0
    for _ in range(10):
        for _ in range(6):
            tries += who.post(f"{page}/code", {"code": "11111111"}).status == 422
        who.post(f"{page}/resend")
        house.work()
    assert tries <= 30, "of a hundred million codes"
    assert len(house.codes(JANE)) <= 5


def test_sec_07_the_contact_on_file_hears_before_anything_is_given_out_or_erased_and_can_stop_it(
    patient: House,
) -> None:
    before = patient.untouched()
    cases = {}
    for right in ("access", "erasure"):
        written = {
            "right": right, "language": "en", "channel": "desk", "name": "Jane", "email": JANE, "verified": "desk",
            "reply_to": NEW,
        }  # fmt: skip
        answer = patient.desk("ilse").press("/requests/new", "/requests/new", written)
        assert answer.status == 302
        cases[right] = re.sub(r"\?.*", "", answer.location)
    patient.work()
    told = [m for m in patient.sent_to(JANE) if "in your name" in m["Subject"]]
    assert len(told) >= 1
    by_right = {r.right: r for r in patient.requests()}
    patient.world.approve(by_right[Right.ERASURE].id)
    patient.world.clock.advance(hours=23)
    patient.work()
    assert patient.untouched() == before
    assert not [m for m in patient.sent if "/fetch/" in body_of(m)]
    assert {r.outcome for r in patient.requests()} == {None}
    case = cases["erasure"]
    reason = "Jane called: it was not her who came to the desk."
    given = {"ground": "not_identified", "reason": reason, "sure": "yes"}
    assert patient.desk("anna").press(case, f"{case}/refuse", given).status == 302
    patient.world.clock.advance(hours=2)
    patient.work()
    assert patient.untouched() == before, "who objects in time stops it"


def test_sec_08_another_address_is_another_request_that_proves_itself(house: House) -> None:
    who = house.browser()
    page = who.ask(email=JANE)
    house.prove(who, page, JANE)
    assert house.request_of(page).outcome is Outcome.DELIVERED
    reference = page.split("/")[3]
    assert who.post(f"{page}/message", {"note": f"Send it to {NEW} from now on."}).status == 409, "it is closed"
    house.mail(letter(NEW, f"It is about {reference}. Please answer me here.", name="Jane"))
    for name in ("email", "reply_to", "contact"):
        for path in ("/resend", "/code", "/message"):
            who.post(page + path, {name: NEW, "note": "x", "code": "1"})
    house.work()
    assert house.written_to == {JANE}
    again = who.ask(email=NEW, name="Jane", message="This is my new address.")
    house.work()
    assert house.request_of(again).state is RequestState.VERIFYING
    assert house.codes(NEW) == []
    assert NOTE not in "".join(body_of(m) for m in house.sent)
    with house.world.rt.unit() as session:
        proven = session.scalars(select(AuditEntry.request_id).where(AuditEntry.event == "identity:proven")).all()
    assert proven == [house.request_of(page).id]
