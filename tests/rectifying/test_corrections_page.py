"""Staff write down what is wrong, choose the record, decide and approve, all on pages."""

import json

import pytest

from models.notices import NoticeState
from models.rectification import ItemDecision, ItemOutcome
from models.request import Request
from models.vocabulary import Outcome, RequestState, Right
from tests.fakes import RecordingHooks
from tests.recipients.test_notices import RECIPIENTS, erased, notices
from tests.webhooks.desk import Desk, give_passwords
from tests.world import JANE, open_world, prepare, write_register
from webhooks.staff import create_app
from workflows.rectifying.saying import items_of


@pytest.fixture
def world(tmp_path):
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"recipients.yaml": RECIPIENTS})
    made = open_world(environ, hooks=RecordingHooks())
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def desk(world):
    app = create_app(world.rt)
    return lambda name, language="en": Desk(app, name, language=language)


def csrf(desk, path):
    page = desk.client.get(path)
    assert page.status_code == 200, page.text[:300]
    return page.text.split('name="csrf" value="')[1].split('"')[0]


def seen(desk, path):
    return desk.client.get(path).text.partition('name="seen" value="')[2].partition('"')[0]


def item_of(world, ident):
    with world.rt.unit() as session:
        (item,) = items_of(session, session.get_one(Request, ident))
        return item


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_rectification_goes_from_the_page_to_the_letter(world, desk, language):
    ident = world.open(Right.RECTIFICATION)
    world.work()
    reference = world.request(ident).reference
    path = f"/requests/{reference}/corrections"
    cleo, anna = desk("cleo", language), desk("anna", language)
    token = csrf(cleo, path)
    said = {"what": "Name", "current": "Jane", "wanted": "Janet", "remedy": "correct", "flaw": "inaccurate"}
    assert cleo.client.post(path, data={**said, "csrf": token}).status_code == 302
    item = item_of(world, ident)
    place = json.dumps(["shop", "customer", {"id": 1}, "name"])
    assert (
        cleo.client.post(f"{path}/{item.id}/record", data={"place": place, "new": "Janet", "csrf": token}).status_code
        == 302
    )
    assert cleo.client.post(f"{path}/{item.id}/decision", data={"decision": "change", "csrf": token}).status_code == 403
    token = csrf(anna, path)
    word = {"decision": "change", "seen": seen(anna, path), "csrf": token}
    cleo.client.post(f"{path}/{item.id}/record", data={"place": place, "new": "Eve", "csrf": csrf(cleo, path)})
    assert anna.client.post(f"{path}/{item.id}/decision", data=word).status_code == 409
    assert item_of(world, ident).decision is None
    cleo.client.post(f"{path}/{item.id}/record", data={"place": place, "new": "Janet", "csrf": csrf(cleo, path)})
    word["seen"] = seen(anna, path)
    assert anna.client.post(f"{path}/{item.id}/decision", data=word).status_code == 302
    assert item_of(world, ident).decision is ItemDecision.CHANGE
    world.approve(ident, "anna")
    world.work()
    assert (world.state(ident), world.request(ident).outcome) == (RequestState.CLOSED, Outcome.RECTIFIED)
    assert world.rows("shop", "customer")[0] == (1, JANE, "Janet")
    assert anna.client.get(path).status_code == 200
    assert "corrections" in anna.client.get(f"/requests/{reference}").text


def test_a_forged_place_reaches_no_record_of_another_person(world, desk):
    ident = world.open(Right.RECTIFICATION)
    world.work()
    path = f"/requests/{world.request(ident).reference}/corrections"
    cleo = desk("cleo")
    token = csrf(cleo, path)
    said = {"what": "Name", "wanted": "X", "remedy": "correct", "flaw": "inaccurate", "csrf": token}
    cleo.client.post(path, data=said)
    item = item_of(world, ident)
    for place in (json.dumps(["shop", "customer", {"id": 2}, "name"]), "[]", "5", "nonsense", '["a","b",3,"c"]'):
        answer = cleo.client.post(f"{path}/{item.id}/record", data={"place": place, "new": "X", "csrf": token})
        assert answer.status_code in (404, 422), place
    assert item_of(world, ident).target_sealed is None


def test_the_word_of_who_works_by_hand_is_asked_for_and_never_taken_for_granted(world, desk):
    ident = world.open(Right.RECTIFICATION)
    world.work()
    path = f"/requests/{world.request(ident).reference}/corrections"
    anna = desk("anna")
    token = csrf(anna, path)
    said = {"what": "Name", "wanted": "X", "remedy": "correct", "flaw": "inaccurate", "csrf": token}
    anna.client.post(path, data=said)
    item = item_of(world, ident)
    place = json.dumps(["shop", "customer", {"id": 1}, "name"])
    anna.client.post(f"{path}/{item.id}/record", data={"place": place, "new": "X" * 200, "csrf": token})
    anna.client.post(f"{path}/{item.id}/decision", data={"decision": "change", "seen": seen(anna, path), "csrf": token})
    world.approve(ident, "anna")
    world.work()
    assert item_of(world, ident).done_by == "people"  # the column is too short for it
    page = anna.client.get(path).text
    task = page.partition("/by-hand/")[2].partition('"')[0]
    assert anna.client.post(f"{path}/by-hand/{task}", data={"csrf": token}).status_code == 422
    assert item_of(world, ident).outcome is None
    assert anna.client.post(f"{path}/by-hand/{task}", data={"answer": "not_possible", "csrf": token}).status_code == 302
    assert item_of(world, ident).outcome is ItemOutcome.REFUSED


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_notice_is_told_confirmed_and_excused_on_its_page(world, desk, language):
    ident = erased(world)
    rows = notices(world, ident)
    cleo, anna = desk("cleo", language), desk("anna", language)
    assert "Archive Oy" in cleo.client.get("/notices").text
    path = f"/notices/{rows['archive'].id}"
    token = csrf(cleo, path)
    assert cleo.client.post(f"{path}/told", data={"csrf": token}).status_code == 302
    assert cleo.client.post(f"{path}/acknowledged", data={"csrf": token}).status_code == 302
    assert cleo.client.post(f"{path}/acknowledged", data={"csrf": token}).status_code == 409
    path = f"/notices/{rows['post'].id}"
    token = csrf(anna, path)
    assert (
        anna.client.post(f"{path}/excuse", data={"why": "impossible", "reason": "", "csrf": token}).status_code == 422
    )
    gone = {"why": "impossible", "reason": "They closed in 2020.", "csrf": token}
    assert anna.client.post(f"{path}/excuse", data=gone).status_code == 302
    rows = notices(world, ident)
    assert (rows["archive"].state, rows["post"].state) == (NoticeState.ACKNOWLEDGED, NoticeState.EXCUSED)
    assert "They closed in 2020." in anna.client.get(path).text
