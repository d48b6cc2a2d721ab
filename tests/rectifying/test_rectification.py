"""From what a person says is wrong to the letter that says what became of it, item by item."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from models.audit import AuditEntry
from models.decision import Approval
from models.delivery import Artifact
from models.notices import Notice, NoticeKind
from models.rectification import Flaw, ItemDecision, ItemOutcome, RectificationItem, Remedy
from models.request import Request
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import Ground, Kind, Letter, Outcome, RequestState, Right, StepState, TaskState
from tests.fakes import RecordingHooks
from tests.world import BOB, JANE, TABLES, open_world, prepare, write_register
from workflows import engine
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, NotAllowed, NotFound
from workflows.manual_holds import Placing, place
from workflows.rectifying import deciding, saying
from workflows.rectifying.told import corrections_of
from workflows.rectifying.watching import watch_corrections
from workflows.rectifying.work import BY_HAND
from workflows.stages import decision
from workflows.stages.by_hand import answer_by_hand

S, D = RequestState, ItemDecision
RECIPIENTS = """
- {id: market, name: Market Oy, role: source, email: data@market.example, categories: [C01], language: en}
- {id: books, name: Books Oy, role: processor, email: books@books.example, categories: [C07], language: en}
"""


@pytest.fixture
def world(tmp_path):
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"recipients.yaml": RECIPIENTS})
    made = open_world(environ, hooks=RecordingHooks())
    yield made
    made.close()


class Case:
    """One rectification that has come to its decision."""

    def __init__(self, world, who=JANE):
        self.world, self.rt = world, world.rt
        self.id = world.open(Right.RECTIFICATION, who)
        world.work()
        assert self.state is S.DECIDING

    @property
    def state(self):
        return self.world.state(self.id)

    def within(self, work):
        with self.rt.unit() as session:
            return work(session, session.get_one(Request, self.id, with_for_update=True))

    def say(self, what="My name", wanted="Janet", remedy=Remedy.CORRECT, flaw=Flaw.INACCURATE):
        said = saying.Said(what, "Jane", wanted)
        return self.within(lambda s, r: saying.say(s, self.rt, r, said, remedy=remedy, flaw=flaw, by="cleo").id)

    def point(self, ident, field="name", new="Janet", source="shop", collection="customer", locator=None):
        def work(session, request):
            item = session.get_one(RectificationItem, ident)
            deciding.point(
                session,
                self.rt,
                request,
                item,
                source=source,
                collection=collection,
                locator=locator or {"id": 1},
                field=field,
                new=new,
                user="cleo",
            )

        self.within(work)

    def decide(self, ident, word=D.CHANGE, reason="", ground=None, user="anna"):
        def work(session, request):
            item = session.get_one(RectificationItem, ident)
            deciding.decide(session, self.rt, request, item, decision=word, reason=reason, ground=ground, user=user)

        self.within(work)

    def approve(self, user="anna"):
        self.within(lambda s, r: decision.approve(s, self.rt, r, user=user))
        self.world.work()

    def item(self, ident):
        with self.rt.unit() as session:
            return session.get_one(RectificationItem, ident)

    def letter(self):
        def work(session, request):
            return corrections_of(session, request, open_key(session, self.rt, request.data_key_id))

        return self.within(work)

    def files(self):
        with self.rt.unit() as session:
            return set(session.scalars(select(Artifact.name).where(Artifact.request_id == self.id)))


def everything(world):
    return {name: world.rows(source, name) for source, names in TABLES.items() for name in names}


def tasks(world, code):
    with world.rt.unit() as session:
        return session.scalars(select(HumanTask).where(HumanTask.code == code, HumanTask.state == TaskState.OPEN)).all()


def test_m19_a_wrong_datum_is_corrected_and_nothing_else_and_its_source_hears_of_it(world):
    before = everything(world)
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    case.approve()
    assert (case.state, world.request(case.id).outcome) == (S.CLOSED, Outcome.RECTIFIED)
    after = everything(world)
    assert after["customer"][0] == (1, JANE, "Janet")
    assert after["customer"][1:] == before["customer"][1:]
    assert (after["orders"], after["invoice"]) == (before["orders"], before["invoice"])
    item = case.item(ident)
    assert item.outcome is ItemOutcome.CHANGED
    assert item.before_digest != item.after_digest
    assert "letter_rectification.pdf" in case.files()
    (told,) = case.letter()
    assert (told.old, told.new, told.outcome) == ("…", "J…t", "changed")
    with world.rt.unit() as session:
        (notice,) = session.scalars(select(Notice).where(Notice.request_id == case.id))
    assert (notice.recipient, notice.kind) == ("market", NoticeKind.RECTIFICATION)


def test_m26_an_unnecessary_datum_is_emptied_in_its_field_alone(world):
    case = Case(world)
    ident = case.say("The note", "", Remedy.ERASE, Flaw.UNNECESSARY)
    case.point(ident, field="note", new=None, collection="orders", locator={"id": 1})
    case.decide(ident)
    case.approve()
    assert world.rows("shop", "orders")[0] == (1, 1, None)
    assert world.rows("shop", "orders")[1:] == [(2, 1, "second"), (3, 2, "his"), (4, 2, "his too")]


def test_m23_what_a_hold_needs_as_it_is_can_be_noted_and_not_changed(world):
    case = Case(world, BOB)
    ident = case.say("The payer", "Robert")
    case.point(ident, field="payer", new="Robert", source="billing", collection="invoice", locator={"id": 72})
    with pytest.raises(Conflict, match="held"):
        case.decide(ident)
    case.decide(ident, D.NOTE, "A voucher is kept as it was written.")
    before = world.rows("billing", "invoice")
    case.approve()
    assert world.rows("billing", "invoice") == before
    assert world.request(case.id).outcome is Outcome.RECTIFIED
    (told,) = case.letter()
    assert (told.decision, told.outcome) == ("note", "")


def test_m24_an_opinion_stays_and_what_the_person_says_is_kept_with_it(world):
    case = Case(world)
    noted, changed = case.say("The agent's opinion"), case.say()
    case.decide(noted, D.NOTE, "It is an opinion, and no fact in it is wrong.")
    case.point(changed)
    case.decide(changed)
    case.approve()
    with world.rt.unit() as session:
        request = session.get_one(Request, case.id)
        key = open_key(session, world.rt, request.data_key_id)
        assert saying.said_of(key, session.get_one(RectificationItem, noted)).what == "The agent's opinion"
    assert [one.decision for one in case.letter()] == ["note", "change"]


def test_m25_an_item_without_its_ground_is_not_changed_before_the_person_was_asked(world):
    case = Case(world)
    assert case.within(lambda s, r: saying.missing(s, world.rt, r))
    ident = case.say(flaw=None)
    case.point(ident)
    assert case.within(lambda s, r: saying.missing(s, world.rt, r))
    with pytest.raises(BadInput, match="item_not_whole"):
        case.decide(ident)


def test_m20_data_of_another_controller_are_forwarded_by_a_person(world):
    case = Case(world)
    ident = case.say("A reading of my meter")
    case.decide(ident, D.FORWARD, "The network company owns the meter.")
    case.approve()
    assert [t.request_id for t in tasks(world, "rectify_forward")] == [case.id]
    assert case.letter()[0].decision == "forward"


def test_m22_data_of_another_controller_may_be_referred_to_them(world):
    case = Case(world)
    ident = case.say("My name in the market's hub")
    case.decide(ident, D.REFER, "The contract ended; the hub's keeper has to.")
    case.approve()
    assert world.request(case.id).outcome is Outcome.RECTIFIED
    assert not tasks(world, "rectify_forward")


def test_nothing_is_approved_before_every_item_is_decided_nor_where_all_are_refused(world):
    case = Case(world)
    with pytest.raises(Conflict, match="items_undecided"):
        case.approve()
    ident = case.say()
    with pytest.raises(Conflict, match="items_undecided"):
        case.approve()
    with pytest.raises(BadInput, match="ground"):
        case.decide(ident, D.REFUSE, "The name is right as it is.")
    with pytest.raises(BadInput, match="identity code"):
        case.decide(ident, D.REFUSE, "We know 131052-308T by this name.", Ground.NO_GROUND)
    case.decide(ident, D.REFUSE, "The name is right as it is.", Ground.NO_GROUND)
    with pytest.raises(Conflict, match="all_refused"):
        case.approve()


def test_only_the_persons_own_records_and_their_fields_can_be_meant(world):
    case = Case(world)
    ident = case.say()
    with pytest.raises(NotFound):
        case.point(ident, locator={"id": 2})
    with pytest.raises(BadInput, match="field_unknown"):
        case.point(ident, field="secret")
    for empty in (None, "", " \t"):
        with pytest.raises(BadInput, match="value_and_remedy"):
            case.point(ident, new=empty)
    case.point(ident)
    with pytest.raises(NotAllowed):
        case.decide(ident, user="cleo")


SHARED = """
person:
  order: 10
  collections:
    invoice: {category: C07, facts: {open_balance: owed}, %s}
"""


@pytest.mark.parametrize("whose", ["ownership: shared", "ownership: third_party", "third_party: [payer]"])
def test_what_is_not_the_persons_alone_is_never_meant(tmp_path, whose):
    environ = prepare(tmp_path)
    billing = tmp_path / "register" / "sources" / "billing.yaml"
    billing.write_text(billing.read_text().partition("person:")[0] + SHARED % whose)
    made = open_world(environ, hooks=RecordingHooks())
    try:
        case = Case(made)
        ident = case.say("The payer")
        with pytest.raises(Conflict, match="not_theirs"):
            case.point(ident, field="payer", source="billing", collection="invoice", locator={"id": 70})
        assert case.item(ident).target_sealed is None
    finally:
        made.close()


def test_a_record_that_changed_after_the_decision_is_decided_on_anew(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    world.execute("shop", "UPDATE customer SET name = 'Jaana' WHERE id = 1")
    case.approve()
    assert world.rows("shop", "customer")[0][2] == "Jaana"
    assert case.state is S.DECIDING
    assert case.item(ident).decision is None
    case.point(ident)
    case.decide(ident)
    case.approve()
    assert world.rows("shop", "customer")[0][2] == "Janet"


def test_a_hold_that_was_placed_after_the_decision_stops_the_change(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    hold = Placing("H99", "legal_claim", world.rt.today() + timedelta(days=30))
    case.within(lambda s, r: place(s, world.rt, r, hold, user="cleo"))
    before = everything(world)
    case.approve()
    assert everything(world) == before
    assert (case.state, case.item(ident).decision) == (S.DECIDING, None)
    with pytest.raises(Conflict, match="held"):
        case.decide(ident)


def test_two_fields_of_one_record_are_changed_at_once(world):
    case = Case(world)
    name, mail = case.say(), case.say("My address", "janet@shop.example")
    case.point(name)
    case.point(mail, field="email", new="janet@shop.example")
    for ident in (name, mail):
        case.decide(ident)
    case.approve()
    assert world.rows("shop", "customer")[0] == (1, "janet@shop.example", "Janet")


def test_two_items_never_give_one_field_two_values(world):
    case = Case(world)
    one, other = case.say(), case.say(wanted="Jeanette")
    for ident, new in ((one, "Janet"), (other, "Jeanette")):
        case.point(ident, new=new)
    case.decide(one)
    with pytest.raises(Conflict, match="field_twice"):
        case.decide(other)
    case.decide(other, D.NOTE, "The first item says it as the register does.")
    case.approve()
    assert world.rows("shop", "customer")[0][2] == "Janet"


def test_a_feed_that_overwrites_a_corrected_field_is_noticed_and_one_that_does_not_is_not(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    case.approve()
    assert watch_corrections(world.rt) == 0
    world.execute("shop", "UPDATE customer SET name = 'Jane' WHERE id = 1")
    assert watch_corrections(world.rt) == 1
    assert watch_corrections(world.rt) == 0
    (task,) = tasks(world, "correction_overwritten")
    assert task.facts == {"source": "shop", "collection": "customer", "field": "name"}


def test_another_field_of_a_corrected_record_may_change(world):
    case = Case(world)
    ident = case.say("The note", "1st")
    case.point(ident, field="note", new="1st", collection="orders", locator={"id": 1})
    case.decide(ident)
    case.approve()
    world.execute("shop", "UPDATE customer SET name = 'Jaana' WHERE id = 1")
    assert watch_corrections(world.rt) == 0
    assert not tasks(world, "correction_overwritten")


def test_no_entry_of_the_record_of_what_was_done_holds_what_the_person_said(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    case.approve()
    with world.rt.unit() as session:
        told = repr([(e.event, e.facts) for e in session.scalars(select(AuditEntry))])
    assert "Janet" not in told
    assert "My name" not in told


def test_recipients_hear_of_what_was_changed_even_if_the_rest_is_decided_on_anew(world):
    case = Case(world)
    payer, name = case.say("The payer"), case.say()
    case.point(payer, field="payer", source="billing", collection="invoice", locator={"id": 70})
    case.point(name)
    for ident in (payer, name):
        case.decide(ident)
    world.execute("shop", "UPDATE customer SET name = 'Jaana' WHERE id = 1")
    case.approve()
    assert (case.state, case.item(payer).outcome) == (S.DECIDING, ItemOutcome.CHANGED)
    assert told_of(world, case) == ["books"]
    for end in (withdraw, refuse, by_hand):  # none would be true: some of it is put right
        with pytest.raises(Conflict, match="partly_changed"):
            end(world, case)
    case.point(name)
    case.decide(name)
    case.approve()
    assert case.state is S.CLOSED
    assert told_of(world, case) == ["books", "market"]


def withdraw(world, case):
    with world.rt.unit() as session:
        decision.withdraw(session, world.rt, session.get_one(Request, case.id, with_for_update=True), actor="person")


def by_hand(world, case):
    with world.rt.unit() as session:
        request = session.get_one(Request, case.id, with_for_update=True)
        words = "What stands there is what the papers say, and stays."
        answer_by_hand(session, world.rt, request, user="cleo", letter=Letter.ANSWER, words=words)


def refuse(world, case):
    with world.rt.unit() as session:
        request = session.get_one(Request, case.id, with_for_update=True)
        reason = "What stands there is what the papers say."
        decision.refuse(session, world.rt, request, user="anna", ground=Ground.NO_GROUND, reason=reason)


def told_of(world, case):
    with world.rt.unit() as session:
        return sorted(session.scalars(select(Notice.recipient).where(Notice.request_id == case.id)))


def test_a_number_that_was_put_right_stands_as_long_as_the_source_says_it(world):
    case = Case(world)
    ident = case.say("What I owe", "5")
    case.point(ident, field="owed", new="5", source="billing", collection="invoice", locator={"id": 70})
    case.decide(ident)
    case.approve()
    assert case.item(ident).outcome is ItemOutcome.CHANGED
    world.execute("billing", "UPDATE invoice SET payer = 'Jane D.' WHERE id = 70")
    assert watch_corrections(world.rt) == 0
    world.execute("billing", "UPDATE invoice SET owed = 6 WHERE id = 70")
    assert watch_corrections(world.rt) == 1


def test_people_are_asked_to_put_right_no_earlier_than_programs_do(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)

    def in_doubt(session, request):
        session.get_one(RectificationItem, ident).done_by = "people"
        request.objection_until = world.rt.now() + timedelta(hours=5)

    case.within(in_doubt)
    case.approve()
    assert tasks(world, BY_HAND) == []
    world.clock.advance(hours=6)
    world.work()
    assert len(tasks(world, BY_HAND)) == 1


def stuck(world):
    with world.rt.unit() as session:
        return set(session.scalars(select(Step.error_code).where(Step.state == StepState.NEEDS_HUMAN)))


def approved_but(world, case, change):
    """Approved, and something else is true before it is carried out."""
    case.within(lambda s, r: decision.approve(s, case.rt, r, user="anna"))
    with world.rt.unit() as session:
        change(session)
    before = everything(world)
    world.work()
    return everything(world) == before


def test_an_approval_that_is_gone_puts_nothing_right(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    assert approved_but(world, case, lambda session: session.execute(delete(Approval)))
    assert stuck(world) == {"approvals_missing"}


def test_an_item_that_was_decided_otherwise_at_the_last_moment_is_not_put_right(world):
    case = Case(world)
    ident = case.say()
    case.point(ident)
    case.decide(ident)
    case.within(lambda s, r: decision.approve(s, case.rt, r, user="anna"))
    claimed = engine.claim(world.rt, [Kind.CHANGE.value])
    with world.rt.unit() as session:
        session.get_one(RectificationItem, ident).decision = D.REFUSE
    before = everything(world)
    engine.run(world.rt, claimed)
    world.work()
    assert everything(world) == before
    assert case.state is S.DECIDING
