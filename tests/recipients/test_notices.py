"""Whoever got the data hears of an erasure, is reminded, and is never told more than they need."""

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.notices import Excuse, Notice, NoticeKind, NoticeState, NoticeWay
from models.request import Request
from models.restriction import RestrictionGround
from models.staff import HumanTask
from models.vocabulary import Outcome, RequestState, Right, TaskState
from tests.fakes import RecordingHooks
from tests.world import BOB, JANE, open_world, prepare, write_register
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, NeverAgain, NotAllowed, NotFound, SourceDown
from workflows.recipients import answering, sending
from workflows.recipients.content import Treated, open_content
from workflows.recipients.listed import told_recipients
from workflows.recipients.minding import UNANSWERED
from workflows.recipients.telling import BY_HAND, tell
from workflows.restricting import naming
from workflows.restricting.hand import done_by_hand
from workflows.sweeps import rechecks

RECIPIENTS = """
- {id: printer, name: Printer Oy, role: processor, email: privacy@printer.example, categories: [C01], language: en}
- id: agency
  name: Agency Oy
  role: recipient
  webhook: {url: "https://agency.example/hook", secret: {env: AGENCY_SECRET}}
  categories: [C01, C07]
  identifiers: [customer_number, email]
  acknowledge_within_days: 7
- {id: archive, name: Archive Oy, role: recipient, categories: [C07]}
- {id: market, name: Market Oy, role: source, email: data@market.example, categories: [C01], language: sv}
- {id: post, name: Post Oy, role: recipient, email: post@post.example, categories: [C01], identifiers: [gsrn]}
"""


@pytest.fixture
def world(tmp_path):
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"recipients.yaml": RECIPIENTS})
    made = open_world(environ, hooks=RecordingHooks())
    yield made
    made.close()


def erased(world, who=JANE):
    ident = world.open(Right.ERASURE, who)
    world.work()
    world.approve(ident)
    world.work()
    return ident


def notices(world, ident):
    with world.rt.unit() as session:
        rows = session.scalars(select(Notice).where(Notice.request_id == ident)).all()
    return {row.recipient: row for row in rows}


def key_and(world, ident):
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        return open_key(session, world.rt, request.data_key_id), request


def content(world, ident, recipient):
    key, _ = key_and(world, ident)
    return open_content(key, notices(world, ident)[recipient])


def tasks(world, code):
    with world.rt.unit() as session:
        return session.scalars(select(HumanTask).where(HumanTask.code == code, HumanTask.state == TaskState.OPEN)).all()


def events(world, ident):
    with world.rt.unit() as session:
        return [e.event for e in session.scalars(select(AuditEntry).where(AuditEntry.request_id == ident))]


def test_an_erasure_is_told_to_everybody_who_holds_its_categories_and_not_to_sources(world):
    ident = erased(world)
    assert world.request(ident).outcome is Outcome.ERASED
    told = notices(world, ident)
    ways = {name: (row.way, row.state) for name, row in told.items()}
    assert ways == {
        "printer": (NoticeWay.MAIL, NoticeState.SENT),
        "agency": (NoticeWay.WEBHOOK, NoticeState.SENT),
        "archive": (NoticeWay.HAND, NoticeState.WAITING),
        "post": (NoticeWay.HAND, NoticeState.WAITING),  # it knows nobody by anything that we know of Jane
    }
    assert told["printer"].categories == ["C01"]
    assert told["agency"].categories == ["C01", "C07"]
    assert told["archive"].categories == ["C07"]


def test_a_mail_to_a_recipient_holds_nothing_of_the_person(world):
    ident = erased(world)
    (mail,) = [m for m in world.mailer.sent if m.to == "privacy@printer.example"]
    token = content(world, ident, "printer").token
    assert f"/en/notices/{token}" in mail.body
    assert world.request(ident).reference in mail.body
    assert "Customer data" in mail.body
    for secret in (JANE, "Jane", "first"):
        assert secret not in mail.body + mail.subject


def test_an_event_to_a_recipient_names_the_person_by_one_identifier_and_is_signed_once(world):
    ident = erased(world)
    ((hook, event, body),) = world.rt.hooks.posted
    assert hook.url == "https://agency.example/hook"
    assert event == str(notices(world, ident)["agency"].id)
    assert body["type"] == "erasure.notice"
    assert body["data"]["identifiers"] == {"customer_number": ["1"]}
    assert body["data"]["categories"] == ["C01", "C07"]
    assert JANE not in str(body)


def test_a_recipient_acknowledges_once_by_the_link(world):
    ident = erased(world)
    token = content(world, ident, "printer").token
    with world.rt.unit() as session:
        row = answering.by_token(session, world.rt, token)
        answering.acknowledge(session, world.rt, row, by=answering.RECIPIENT)
    row = notices(world, ident)["printer"]
    assert (row.state, row.answered_by) == (NoticeState.ACKNOWLEDGED, "recipient")
    with world.rt.unit() as session, pytest.raises(NotFound):
        answering.by_token(session, world.rt, token)
    assert events(world, ident).count("notice:acknowledged") == 1


def test_who_stays_silent_is_reminded_once_and_then_a_person_is_asked(world):
    ident = erased(world)
    world.clock.advance(days=8)
    world.work()
    assert notices(world, ident)["agency"].reminded_at is not None
    assert [event for _, event, _ in world.rt.hooks.posted][-1].endswith(".again")
    world.clock.advance(days=8)
    world.work()
    mails = [m for m in world.mailer.sent if m.to == "privacy@printer.example"]
    assert len(mails) == 2
    assert "not heard from you" in mails[1].body
    assert {t.facts["recipient"] for t in tasks(world, UNANSWERED)} == {"agency"}
    world.clock.advance(days=8)
    world.work()
    world.work()
    assert {t.facts["recipient"] for t in tasks(world, UNANSWERED)} == {"agency", "printer"}
    assert len([m for m in world.mailer.sent if m.to == "privacy@printer.example"]) == 2


def test_an_event_that_is_refused_for_good_becomes_a_persons_task(world):
    world.rt.hooks.error = NeverAgain("http_400")
    ident = erased(world)
    row = notices(world, ident)["agency"]
    assert (row.state, row.error_code) == (NoticeState.FAILED, "http_400")
    assert "agency" in {t.facts["recipient"] for t in tasks(world, BY_HAND)}


def test_an_event_is_tried_again_while_the_recipient_is_down(world):
    world.rt.hooks.error = SourceDown("timeout")
    ident = erased(world)
    assert notices(world, ident)["agency"].state is NoticeState.WAITING
    world.rt.hooks.error = None
    world.clock.advance(minutes=5)
    world.work()
    assert notices(world, ident)["agency"].state is NoticeState.SENT
    assert len({event for _, event, _ in world.rt.hooks.posted}) == 1


def test_who_was_overtaken_while_posting_a_notice_notes_nothing(world):
    world.rt.hooks.error = SourceDown("timeout")
    ident = erased(world)
    world.clock.advance(minutes=5)
    with world.rt.unit() as session:
        overtaken = sending._claim(session, world.rt)
    world.clock.advance(minutes=5)
    with world.rt.unit() as session:
        assert sending._claim(session, world.rt) is not None
    with world.rt.unit() as session:
        sending._settle(session, world.rt, overtaken.notice, NeverAgain("http_400"))
    row = notices(world, ident)["agency"]
    assert (row.state, row.lease_until is None) == (NoticeState.WAITING, False)


def test_telling_by_hand_and_an_excuse_are_written_down_by_name(world):
    ident = erased(world)
    rows = notices(world, ident)
    with world.rt.unit() as session:
        row, _ = answering.locked_notice(session, rows["archive"].id)
        answering.told_by_hand(session, world.rt, row, by="cleo")
    with world.rt.unit() as session:
        row, _ = answering.locked_notice(session, rows["post"].id)
        with pytest.raises(NotAllowed):
            answering.excuse(session, world.rt, row, by="cleo", why=Excuse.IMPOSSIBLE, reason="They closed in 2020.")
        with pytest.raises(BadInput):
            answering.excuse(session, world.rt, row, by="anna", why=Excuse.IMPOSSIBLE, reason="  no ")
        answering.excuse(session, world.rt, row, by="anna", why=Excuse.IMPOSSIBLE, reason="They closed in 2020.")
        with pytest.raises(Conflict):
            answering.acknowledge(session, world.rt, row, by="anna")
    assert not tasks(world, BY_HAND)
    rows = notices(world, ident)
    assert (rows["archive"].state, rows["post"].state) == (NoticeState.SENT, NoticeState.EXCUSED)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        assert answering.reason_of(session, world.rt, rows["post"], request) == "They closed in 2020."
        states = {one.name: one.state for one in told_recipients(session, world.rt, request)}
    assert states == {"Printer Oy": "sent", "Agency Oy": "sent", "Archive Oy": "sent", "Post Oy": "excused"}
    world.clock.advance(days=15)
    world.work()
    assert "archive" in {t.facts["recipient"] for t in tasks(world, UNANSWERED)}


def test_nobody_is_told_of_what_is_kept(world):
    ident = erased(world, BOB)  # he owes an invoice: a hold keeps it, the paid one goes
    assert world.state(ident) is RequestState.HELD
    assert notices(world, ident)["archive"].categories == ["C07"]
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        made = tell(session, world.rt, request, kind=NoticeKind.ERASURE, treated=[Treated("C99")], occurrence="x")
    assert made == []


def test_the_rest_is_told_when_its_hold_ends(world):
    ident = erased(world, BOB)
    before = len(world.rt.hooks.posted)
    world.execute("billing", "UPDATE invoice SET owed = 0 WHERE id = 72")
    world.clock.advance(days=1)
    rechecks(world.rt, every=True)
    world.work()
    world.approve(ident)  # paid is changed: people decide on it as it is now
    world.work()
    assert world.request(ident).outcome is Outcome.ERASED
    assert len(world.rt.hooks.posted) == before + 1


def test_a_correction_is_told_to_its_source_too_and_only_with_fields_they_hold(world):
    ident = world.open(Right.ACCESS)
    world.work()
    treated = [Treated("C01", "shop:customer.name", "Janet"), Treated("C07", "billing:invoice.payer", "Janet")]
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        made = tell(session, world.rt, request, kind=NoticeKind.RECTIFICATION, treated=treated, occurrence="1")
        again = tell(session, world.rt, request, kind=NoticeKind.RECTIFICATION, treated=treated, occurrence="1")
    assert {row.recipient for row in made} == {"printer", "agency", "archive", "market", "post"}
    assert again == []
    assert content(world, ident, "printer").changes == [("shop:customer.name", "Janet")]
    assert content(world, ident, "archive").changes == [("billing:invoice.payer", "Janet")]
    assert len(content(world, ident, "agency").changes) == 2


@pytest.mark.parametrize("value", ["131052-308T", "Her code is 131052-308T.", ["x", "131052–308T"]])
def test_a_new_personal_identity_code_goes_to_nobody_by_link_or_program(world, value):
    ident = world.open(Right.ACCESS)
    world.work()
    treated = [Treated("C01", "shop:customer.hetu", value)]
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        made = tell(session, world.rt, request, kind=NoticeKind.RECTIFICATION, treated=treated, occurrence="1")
        assert {row.way for row in made} == {NoticeWay.HAND}
        assert {row.token_digest for row in made} == {None}


def test_without_recipients_nothing_is_written(tmp_path):
    made = open_world(prepare(tmp_path))
    ident = erased(made)
    assert notices(made, ident) == {}
    made.close()


def test_a_restriction_is_told_to_those_who_hold_what_is_restricted(world):
    ident = world.open(Right.RESTRICTION)
    scope = naming.Scope(RestrictionGround.ACCURACY, "She says that her name is wrong.", sources=("shop",))
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        naming.name_scope(session, world.rt, request, scope, user="cleo")
    world.work()
    world.approve(ident, "anna")
    world.work()
    (task,) = tasks(world, "restrict_by_hand")
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        marked = session.get_one(HumanTask, task.id)
        done_by_hand(session, world.rt, request, marked, possible=False, user="cleo")
    world.work()
    rows = notices(world, ident)
    assert {row.kind for row in rows.values()} == {NoticeKind.RESTRICTION}
    assert set(rows) == {"printer", "agency", "post"}
    assert rows["agency"].categories == ["C01"]
