"""What staff take in: requests written down, messages read, tasks done, the record looked through."""

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import func, select, update

from models.audit import AuditEntry
from models.intake import Message
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, MessageState, Method, Outcome, RequestState, Right, TaskKind, TaskState
from tests.webhooks.desk import Desk, form_of, words_of
from tests.world import JANE, World
from workflows.human import open_task
from workflows.mailroom import receive

Seat = Callable[..., Desk]
NEW = "/requests/new"
WRITTEN = {"right": "access", "language": "sv", "channel": "desk", "email": JANE, "name": "Jane"}


def all_of(world: World, kind: type) -> list:
    with world.rt.unit() as session:
        return list(session.scalars(select(kind)))


def letter(world: World, text: str = "Hello, what is this about?", **headers: str) -> uuid.UUID:
    """A mail that a person has to read first."""
    given = {"From": f"Jane <{JANE}>", "To": "office@shop.example", "Subject": "A question", **headers}
    given.setdefault("Message-ID", f"<{uuid.uuid4()}@mail.example>")
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    received = receive(world.rt, f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode())
    assert received.state is MessageState.TRIAGE
    return received.message_id


# A new request for a customer


def test_a_request_from_the_desk_runs_from_the_day_it_arrived(desk: Seat, desk_world: World) -> None:
    ilse = desk("ilse")
    answer = ilse.send(NEW, NEW, {**WRITTEN, "verified": "desk", "received_on": "20.2.2026"})
    assert answer.status_code == 302
    [found] = all_of(desk_world, Request)
    assert (found.channel, found.language, found.received_on) == (Channel.DESK, "sv", date(2026, 2, 20))
    assert (found.verified_method, found.verified_by) == (Method.DESK, "ilse")
    desk_world.work()
    assert desk_world.request(found.id).outcome is Outcome.DELIVERED


def test_an_unverified_caller_gets_a_code_at_the_contact_on_file(desk: Seat, desk_world: World) -> None:
    desk("ilse").send(NEW, NEW, {**WRITTEN, "channel": "phone", "reply_to": "other@elsewhere.example"})
    desk_world.work()
    [found] = all_of(desk_world, Request)
    assert found.state is RequestState.VERIFYING
    assert [m.to for m in desk_world.mailer.sent if "code" in m.body or "kod" in m.body] == [JANE]
    assert {m.to for m in desk_world.mailer.sent} == {JANE, "other@elsewhere.example"}


def test_the_same_form_sent_twice_is_one_request(desk: Seat, desk_world: World) -> None:
    ilse = desk("ilse")
    form = {**form_of(ilse.get(NEW).text, NEW), **WRITTEN}
    first, second = ilse.post(NEW, form), ilse.post(NEW, form)
    assert first.location == second.location
    assert len(all_of(desk_world, Request)) == 1


def test_a_copy_of_some_data_is_asked_for_at_the_desk_and_widened_on_the_case(desk: Seat, desk_world: World) -> None:
    ilse = desk("ilse")
    ilse.send(NEW, NEW, {**WRITTEN, "categories": ["C07"]})
    [found] = all_of(desk_world, Request)
    assert found.categories == ["C07"]
    cleo, page = desk("cleo"), f"/requests/{found.reference}"
    assert "Of these only: Invoices" in cleo.text(page)
    assert cleo.send(page, f"{page}/narrow", {"categories": []}).status_code == 302
    assert desk_world.request(found.id).categories is None
    assert "Of all data" in cleo.text(page)
    assert ilse.post(f"{page}/narrow", {"csrf": ilse.token(), "categories": ["C07"]}).status_code == 403


def test_a_copy_that_comes_before_an_erasure_is_of_everything(desk: Seat, desk_world: World) -> None:
    both = {**WRITTEN, "right": ["erasure", "access"], "categories": ["C07"]}
    answer = desk("ilse").send(NEW, NEW, both)
    assert (answer.status_code, all_of(desk_world, Request)) == (422, [])
    assert "An erasure is asked for with it: then the copy is of everything." in words_of(answer.text)


def test_several_rights_at_once_become_linked_requests(desk: Seat, desk_world: World) -> None:
    desk("ilse").send(NEW, NEW, {**WRITTEN, "right": ["erasure", "access"], "verified": "desk"})
    erasure = next(r for r in all_of(desk_world, Request) if r.right is Right.ERASURE)
    access = next(r for r in all_of(desk_world, Request) if r.right is Right.ACCESS)
    assert erasure.after_request_id == access.id


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"right": ""}, "Choose what the person asks for"),
        ({"channel": "carrier pigeon"}, "Choose how it came"),
        ({"verified": "code"}, "Choose how you identified"),
        ({"email": "no address"}, "Write an address like"),
        ({"reply_to": "no address"}, "Write an address like"),
        ({"received_on": "31.12.2026"}, "cannot be in the future"),
        ({"received_on": "1.1.1999"}, "more than a year ago"),
        ({"received_on": "soon"}, "Write the day as"),
        ({"language": "xx"}, "Choose Finnish, Swedish or English"),
        ({"name": "x" * 900}, "too long"),
        ({"message": "y" * 6000}, "too long"),
        ({"email": "", "name": "", "message": ""}, "Write a name, an e-mail"),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(
    desk: Seat, desk_world: World, change: dict[str, str], says: str
) -> None:
    given = {**WRITTEN, "message": "Wants <everything>.", **change}
    answer = desk("ilse").send(NEW, NEW, given)
    assert answer.status_code == 422
    assert says in words_of(answer.text)
    assert "<title>Error:" in answer.text
    if "message" not in change:
        assert "Wants &lt;everything&gt;." in answer.text
    assert all_of(desk_world, Request) == []


# Messages


def test_a_message_is_shown_as_text_with_the_form_filled_from_it(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world, "Hello <script>alert(1)</script> what do you do?")
    page = desk("ilse").get(f"/messages/{ident}").text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert form_of(page, f"/messages/{ident}/open")["email"] == JANE


def test_a_message_becomes_a_request_whose_clock_runs_from_its_arrival(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world)
    desk_world.clock.advance(days=3)
    ilse = desk("ilse")
    assert "Read the message" in ilse.text("/tasks")
    answer = ilse.send(f"/messages/{ident}", f"/messages/{ident}/open", {"right": "access"})
    assert answer.status_code == 302
    [found] = all_of(desk_world, Request)
    assert (found.channel, found.received_on) == (Channel.EMAIL, date(2026, 3, 2))
    [message] = all_of(desk_world, Message)
    assert (message.state, message.request_id) == (MessageState.OPENED, found.id)
    assert [(t.state, t.done_by, t.answer) for t in all_of(desk_world, HumanTask)] == [
        (TaskState.DONE, "ilse", "opened")
    ]


def test_of_several_rights_in_one_message_each_case_leads_to_it_and_it_to_each(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world)
    page = f"/messages/{ident}"
    desk("ilse").send(page, f"{page}/open", {"right": ["erasure", "access"]})
    cleo = desk("cleo")
    cases = all_of(desk_world, Request)
    assert len(cases) == 2
    for case in cases:
        assert f'href="{page}"' in cleo.get(f"/requests/{case.reference}").text
        assert case.reference in cleo.text(page)
    read = [e.chain for e in all_of(desk_world, AuditEntry) if e.facts.get("what") == "message" and e.actor == "cleo"]
    assert sorted(read) == sorted([*(str(case.id) for case in cases)] * 2)  # each look stands in both records


def test_the_same_mail_twice_names_all_its_cases(desk_world: World) -> None:
    raw = b"From: jane@shop.example\r\nMessage-ID: <one@shop.example>\r\nSubject: GDPR\r\n\r\n"
    raw += b"Please send me a copy of all my personal data and then delete all my data.\r\n"
    first, again = receive(desk_world.rt, raw), receive(desk_world.rt, raw)
    assert (first.new, again.new) == (True, False)
    assert len(first.references) == 2
    assert set(again.references) == set(first.references)


def test_a_message_joins_an_open_case_and_no_closed_one(desk: Seat, desk_world: World) -> None:
    closed = desk_world.open()
    desk_world.work()
    waiting = desk_world.open(Right.ERASURE)
    desk_world.work()
    ident = letter(desk_world)
    ilse, page = desk("ilse"), f"/messages/{ident}"
    for reference, status in (
        ("nonsense", 404),
        (desk_world.request(closed).reference, 409),
        (desk_world.request(waiting).reference, 302),
    ):
        assert ilse.send(page, f"{page}/attach", {"reference": reference}).status_code == status
    [message] = all_of(desk_world, Message)
    assert (message.state, message.request_id) == (MessageState.ATTACHED, waiting)
    assert ilse.get(page).status_code == 403  # from now on it is part of the case's records
    assert desk("cleo").get(page).status_code == 200


def test_a_message_that_asks_for_nothing_is_kept_unanswered(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world)
    ilse, page = desk("ilse"), f"/messages/{ident}"
    assert ilse.send(page, f"{page}/nothing").status_code == 422
    form = form_of(ilse.get(page).text, f"{page}/nothing")
    assert ilse.post(f"{page}/nothing", {**form, "sure": "yes"}).status_code == 302
    [message] = all_of(desk_world, Message)
    assert (message.state, message.why) == (MessageState.IGNORED, "not_a_request")


def test_two_people_make_one_request_of_one_message(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world)
    ilse, cleo, page = desk("ilse"), desk("cleo"), f"/messages/{ident}"
    forms = [form_of(seat.get(page).text, f"{page}/open") for seat in (ilse, cleo)]
    assert ilse.post(f"{page}/open", {**forms[0], "right": "access"}).status_code == 302
    late = cleo.post(f"{page}/open", {**forms[1], "right": "access"})
    assert late.status_code == 409
    assert "Somebody else has dealt with this message" in words_of(late.text)
    assert len(all_of(desk_world, Request)) == 1


def test_a_message_can_be_taken_away_as_a_file_and_never_runs(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world, "<h1>hello</h1>")
    answer = desk("ilse").get(f"/messages/{ident}/raw")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert b"<h1>hello</h1>" in answer.data


def test_reading_a_message_is_on_record(desk: Seat, desk_world: World) -> None:
    ident = letter(desk_world)
    desk("ilse").get(f"/messages/{ident}")
    with desk_world.rt.unit() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.event == "case:read"))
    assert (entry.actor, entry.facts) == ("ilse", {"what": "message", "message": str(ident)})


# Tasks


def test_a_task_is_closed_by_name_once(desk: Seat, desk_world: World) -> None:
    waiting = desk_world.open(Right.ERASURE)
    desk_world.work()
    with desk_world.rt.unit() as session:
        task = open_task(session, desk_world.rt, key="look", kind=TaskKind.CHECK, code="look", request_id=waiting)
        session.flush()
        page = f"/tasks/{task.id}"
    cleo = desk("cleo")
    assert "Reason code: look" in cleo.text("/tasks")
    assert cleo.send(page, f"{page}/close").status_code == 422
    form = form_of(cleo.get(page).text, f"{page}/close")
    assert cleo.post(f"{page}/close", {**form, "answer": "done"}).status_code == 302
    assert cleo.post(f"{page}/close", {**form, "answer": "done"}).status_code == 409
    assert "Done by cleo" in cleo.text(page)


def test_a_case_ends_when_somebody_says_that_they_answered_it(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(Right.ERASURE)
    desk_world.work()
    cleo, page = desk("cleo"), f"/requests/{desk_world.request(ident).reference}"
    assert cleo.send(page, f"{page}/by-hand").status_code == 422
    assert cleo.send(page, f"{page}/by-hand", {"answer_letter": "answer", "answer_words": "Yes."}).status_code == 422
    told = {"answer_letter": "answer", "answer_words": "Your contract ended, and its data went with it."}
    assert cleo.send(page, f"{page}/by-hand", told).status_code == 302
    desk_world.work()
    found = desk_world.request(ident)
    assert (found.state, found.outcome) == (RequestState.CLOSED, Outcome.BY_HAND)
    assert found.answered_at is not None
    assert {t.state for t in all_of(desk_world, HumanTask)} <= {TaskState.DONE}


def test_what_was_delivered_is_not_answered_by_hand_too(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open(Right.ERASURE)
    desk_world.work()
    cleo, page = desk("cleo"), f"/requests/{desk_world.request(ident).reference}"
    form = form_of(cleo.get(page).text, f"{page}/by-hand")
    desk_world.approve(ident)
    assert cleo.post(f"{page}/by-hand", {**form, "answer_letter": "estate"}).status_code == 409
    desk_world.work()
    assert desk_world.request(ident).outcome is Outcome.ERASED


def test_a_decision_is_no_task_to_tick_off(desk: Seat, desk_world: World) -> None:
    desk_world.open(Right.ERASURE)
    desk_world.work()
    [task] = [t for t in all_of(desk_world, HumanTask) if t.state is TaskState.OPEN]
    anna = desk("anna")
    answer = anna.post(f"/tasks/{task.id}/close", {"csrf": anna.token(), "answer": "done"})
    assert answer.status_code == 409
    assert desk("otto").get("/tasks").status_code == 200


# Today, the queue, the audit


def test_today_counts_what_is_due_and_says_so_without_colour(desk: Seat, desk_world: World) -> None:
    desk_world.open(Right.ERASURE)
    desk_world.work()
    desk_world.clock.advance(days=40)
    shown = desk("anna").text("/")
    assert "Overdue : 1" in shown
    assert "Open requests: 1 overdue, 0 due within a week, 0 due later" in desk("anna").get("/").text


def test_the_bar_says_when_requests_are_received_but_not_worked_on(desk: Seat, desk_world: World) -> None:
    desk_world.open()
    assert "not worked on" not in desk("anna").text("/")
    desk_world.clock.advance(minutes=3)
    assert "not worked on" in desk("anna").text("/")
    desk_world.work()
    assert "not worked on" not in desk("anna").text("/")


def test_a_link_is_a_view_of_the_queue(desk: Seat, desk_world: World) -> None:
    access, erasure = desk_world.open(), desk_world.open(Right.ERASURE)
    desk_world.work()
    refs = {ident: desk_world.request(ident).reference for ident in (access, erasure)}
    anna = desk("anna")

    def seen(query: str) -> set[uuid.UUID]:
        page = anna.get(f"/requests{query}").text
        return {ident for ident, reference in refs.items() if f"/requests/{reference}" in page}

    assert seen("") == {erasure}
    assert seen("?state=all") == {access, erasure}
    assert seen("?state=closed") == {access}
    assert seen("?right=erasure&state=all") == {erasure}
    assert seen(f"?q={refs[access].lower()}") == {access}
    assert seen("?q=nonsense") == set()
    assert seen("?overdue=1") == set()
    desk_world.clock.advance(days=40)
    anna.log_in("anna")
    assert seen("?overdue=1") == {erasure}
    assert seen("?state=%00&right=%27&after=x_y") == seen("")


def test_the_queue_goes_on_page_by_page_without_a_gap(desk: Seat, desk_world: World) -> None:
    for n in range(120):
        desk_world.open()
        if n % 7 == 0:
            desk_world.clock.advance(hours=30)
    anna = desk("anna")
    seen, page = [], "/requests"
    while page:
        text = anna.get(page).text
        seen += [row.split('"')[0] for row in text.split('<th scope="row" class="mono"><a href="/requests/')[1:]]
        links = [part.split('"')[0] for part in text.split('<a class="button" href="')[1:]]
        page = links[0].replace("&amp;", "&") if links else ""
    assert len(seen) == len(set(seen)) == 120


def test_a_changed_entry_is_named_by_the_check(desk: Seat, desk_world: World) -> None:
    desk_world.open()
    desk_world.work()
    otto = desk("otto")
    assert "Everything is whole" in otto.text("/audit?verify=1")
    with desk_world.rt.unit() as session:
        changed = AuditEntry.event == "request:opened"
        session.execute(update(AuditEntry).where(changed).values(actor="somebody else"))
    shown = otto.text("/audit?verify=1")
    assert "A chain is broken" in shown
    assert "changed" in shown


def test_the_audit_of_one_case_is_found_by_its_reference(desk: Seat, desk_world: World) -> None:
    ident = desk_world.open()
    desk_world.work()
    otto = desk("otto")
    shown = otto.text(f"/audit?q={desk_world.request(ident).reference}")
    assert "The request was registered" in shown
    assert "no request with this reference" in otto.text("/audit?q=TP-2026-0000-0000-0")
    with desk_world.rt.unit() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) > 5


def test_the_outbox_is_there_only_while_mail_stays_here(desk: Seat, desk_world: World) -> None:
    anna = desk("anna")
    assert "Mail outbox" in anna.text("/")
    folder = desk_world.rt.settings.outbox_dir
    folder.mkdir(parents=True, exist_ok=True)
    head = "To: jane@shop.example\nSubject: =?utf-8?q?K=C3=A4y?=\nContent-Type: text/plain; charset=utf-8\n\n"
    (folder / "one.eml").write_text(f"{head}A <b>code</b>\n", encoding="utf-8")
    shown = anna.get("/outbox").text
    assert "Käy" in shown
    assert "A &lt;b&gt;code&lt;/b&gt;" in shown
