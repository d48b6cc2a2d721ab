"""Whoever collects our claims is asked to pause while the person disputes one, once, and followed like any notice."""

import uuid

import pytest
from sqlalchemy import select

from models.notices import Notice, NoticeKind, NoticeState
from models.request import Request
from models.vocabulary import Ownership, RequestState, Right
from tests.world import BOB, JANE, World, fill_source, open_world, prepare, write_register
from workflows.recipients.disputing import is_collected_and_disputed, pause_collecting
from workflows.recipients.listed import told_recipients
from workflows.rules.items import Item

RECIPIENTS = """
- {id: agency, name: Agency Oy, role: recipient, email: desk@agency.example, categories: [C07], collects: true,
   language: en}
- {id: bank, name: Bank Oy, role: processor, email: desk@bank.example, categories: [C07], language: en}
"""


@pytest.fixture
def world(tmp_path):
    """Bob's invoice that is still owed is with the agency, and he says that he owes nothing."""
    environ = prepare(tmp_path)
    folder = tmp_path / "register"
    billing = (folder / "sources/billing.yaml").read_text(encoding="utf-8")
    columns = "".join(
        f"          - {{name: {name}, data_categories: [user.financial], fides_meta: {{data_type: boolean}}}}\n"
        for name in ("contested", "collected")
    )
    field = "          - {name: owed,"
    assert field in billing
    assert "facts: {" in billing
    facts = "facts: {disputed: contested, collection_open: collected, "
    billing = billing.replace(field, columns + field).replace("facts: {", facts)
    write_register(folder, {"sources/billing.yaml": billing, "recipients.yaml": RECIPIENTS})
    fill_source(
        environ["BILLING_URL"],
        "ALTER TABLE invoice ADD COLUMN contested BOOLEAN DEFAULT 0;"
        "ALTER TABLE invoice ADD COLUMN collected BOOLEAN DEFAULT 0;"
        "UPDATE invoice SET contested = 1, collected = 1 WHERE id = 72",
    )
    made = open_world(environ)
    yield made
    made.close()


def asked(world: World) -> list[tuple[str, NoticeKind, NoticeState]]:
    with world.rt.unit() as session:
        return [(n.recipient, n.kind, n.state) for n in session.scalars(select(Notice))]


def erasure(world: World, who: str) -> uuid.UUID:
    ident = world.open(Right.ERASURE, who)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    return ident


def test_the_agency_is_asked_at_once_and_nobody_else(world):
    ident = erasure(world, BOB)
    assert [(recipient, kind) for recipient, kind, _ in asked(world)] == [("agency", NoticeKind.PAUSE)]
    mail = next(mail for mail in world.mailer.sent if mail.to == "desk@agency.example")
    assert "pause" in mail.subject
    assert BOB not in mail.body
    assert "4 b" in mail.body
    with world.rt.unit() as session:  # it is no treatment of data
        assert told_recipients(session, world.rt, session.get_one(Request, ident)) == ()


def test_it_is_asked_once_in_a_case(world):
    ident = erasure(world, BOB)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        assert pause_collecting(session, world.rt, request, disputed=True) == []
    assert len(asked(world)) == 1


def test_a_trial_asks_nobody(world, monkeypatch):
    ident = erasure(world, JANE)
    monkeypatch.setattr(type(world.rt.settings), "simulates", True)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        assert pause_collecting(session, world.rt, request, disputed=True) == []


def test_of_whom_nothing_is_collected_nothing_is_said(world):
    erasure(world, JANE)
    assert asked(world) == []


@pytest.mark.parametrize(
    ("facts", "ownership", "found"),
    [
        ([{"disputed": True, "collection_open": True}], Ownership.OWN, True),
        ([{"disputed": True}, {"collection_open": True}], Ownership.OWN, True),
        ([{"disputed": True, "collection_open": False}], Ownership.OWN, False),
        ([{"disputed": None, "collection_open": True}], Ownership.OWN, False),
        ([{"disputed": True, "collection_open": True}], Ownership.THIRD_PARTY, False),
    ],
)
def test_a_claim_counts_where_it_is_the_person_s_own(world, facts, ownership, found):
    items = [
        Item("billing", "invoice", {"id": n}, "C07", ownership, "00", {}, facts=one) for n, one in enumerate(facts)
    ]
    assert is_collected_and_disputed(world.rt, items) is found
