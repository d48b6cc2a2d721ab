"""A source that an answer went without comes back: the person gets the rest, and nothing twice."""

import io
import re
import subprocess
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.collection import Finding, SourceHealth
from models.delivery import Artifact, Outbox
from models.erasure import Receipt
from models.request import DataKey, Request
from models.vocabulary import Letter, Outcome, RequestState, Right, SourceResult
from tests.engine.switched import Switch, switched
from tests.world import _REGISTER, BOB, JANE, World
from workflows import engine, lookout, pausing, supplements, sweeps
from workflows.casefile import open_key
from workflows.caseview import case_facts, filling, source_facts
from workflows.errors import NotAllowed
from workflows.stages.collection import skip_source
from workflows.withholding import withhold

NO_FACTS = {"sources/billing.yaml": _REGISTER["sources/billing.yaml"].replace(", facts: {open_balance: owed}", "")}
"""Billing says nothing that holds rest on: an erasure may go on without it."""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[tuple[World, dict[str, Switch]]]:
    """The shop and its billing, each behind a switch."""
    url = database_url if database_url.startswith("postgresql") else ""
    world, switches = switched(tmp_path, database_url=url, register=NO_FACTS)
    yield world, switches
    world.close()


def answered_without_billing(
    world: World,
    switches: dict[str, Switch],
    right: Right = Right.ACCESS,
    *,
    categories: list[str] | None = None,
    back: str = "",
) -> uuid.UUID:
    switches["billing"].off()
    ident = world.open(right, JANE)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        request.categories = categories
        if back:
            said = {"category": back, "ground": "rights_of_others", "reason": "It would put somebody else in danger."}
            withhold(session, world.rt, request, user="ben", **said)
    for _ in range(3):
        engine.drain(world.rt)
        world.clock.advance(minutes=1)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        skip_source(session, world.rt, request, "billing", user="cleo")
    engine.drain(world.rt)
    world.approve(ident, *(("anna", "ben") if right is Right.ERASURE else ("anna",)))
    engine.drain(world.rt)
    assert world.state(ident) is RequestState.CLOSED
    return ident


def come_back(world: World, switch: Switch) -> None:
    switch.on()
    world.clock.advance(hours=21)
    lookout.knock(world.rt)


def follow_up(world: World, ident: uuid.UUID) -> Request | None:
    with world.rt.unit() as session:
        return session.scalar(select(Request).where(Request.supplements_id == ident))


def package_of(world: World, ident: uuid.UUID) -> str:
    """All texts of the package."""
    with world.rt.unit() as session:
        artifact = session.scalars(
            select(Artifact).where(Artifact.request_id == ident, Artifact.name == "package.zip")
        ).one()
        row = session.get_one(DataKey, artifact.data_key_id)
        key = world.rt.vault.unwrap(row.wrapped or b"", row.master_key)
    with world.rt.blobs.read(artifact.blob, key) as stream, zipfile.ZipFile(io.BytesIO(stream.read())) as files:
        return "\n".join(files.read(name).decode(errors="replace") for name in files.namelist())


def letter_of(world: World, ident: uuid.UUID) -> str:
    """The words of the answer's letter."""
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        key = open_key(session, world.rt, request.data_key_id)
        sources = source_facts(session, world.rt, request)
        case = case_facts(world.rt, request, key, sources=sources, extra=filling(session, request))
    pdf = world.rt.documents.letter(Letter.ACCESS, case)
    words = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return " ".join(words.split())


def test_the_records_that_were_missing_are_delivered_and_the_others_not_again(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches)
    assert supplements.supplement(world.rt) == 0  # it is still down
    come_back(world, switches["billing"])
    sweeps.sweep(world.rt)
    engine.drain(world.rt)
    request = follow_up(world, ident)
    assert request is not None
    assert (request.state, request.outcome, request.sources) == (
        RequestState.CLOSED, Outcome.DELIVERED, ["billing"],
    )  # fmt: skip
    assert request.due_on == world.request(ident).due_on
    texts = package_of(world, request.id)
    assert re.search(r'"id": ?"?70\b', texts)
    assert "invoice" in texts
    assert "first" not in [line.strip() for line in texts.splitlines()]
    assert "orders" not in texts
    assert f"This completes our earlier answer {world.request(ident).reference}." in letter_of(world, request.id)
    assert "This completes" not in letter_of(world, ident)
    with world.rt.unit() as session:
        letters = session.scalars(select(Outbox.letter).where(Outbox.request_id == request.id)).all()
        told = session.scalars(select(AuditEntry.event).where(AuditEntry.request_id == ident)).all()
    assert letters == ["ready"]
    assert told.count("source:supplemented") == 1


def test_an_answer_is_supplemented_once(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches)
    come_back(world, switches["billing"])
    assert supplements.supplement(world.rt) == 1
    assert supplements.supplement(world.rt) == 0
    engine.drain(world.rt)
    world.clock.advance(hours=48)
    lookout.knock(world.rt)
    assert supplements.supplement(world.rt) == 0
    with world.rt.unit() as session:
        assert len(session.scalars(select(Request.id).where(Request.supplements_id == ident)).all()) == 1


def test_an_erasure_goes_on_in_the_source_that_is_back_with_its_own_approvals(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches, Right.ERASURE)
    assert [row[0] for row in world.rows("billing", "invoice")] == [70, 71, 72, 73]
    customers = world.rows("shop", "customer")
    come_back(world, switches["billing"])
    sweeps.sweep(world.rt)
    engine.drain(world.rt)
    request = follow_up(world, ident)
    assert request is not None
    assert request.state is RequestState.DECIDING
    assert [row[0] for row in world.rows("billing", "invoice")] == [70, 71, 72, 73]  # nobody has approved it yet
    world.approve(request.id, "anna", "ben")
    engine.drain(world.rt)
    assert world.state(request.id) is RequestState.CLOSED
    assert world.request(request.id).outcome is Outcome.ERASED
    assert [row[0] for row in world.rows("billing", "invoice")] == [72, 73]
    assert world.rows("shop", "customer") == customers
    with world.rt.unit() as session:
        assert len(session.scalars(select(Receipt.item_no).where(Receipt.plan_id.is_not(None))).all()) >= 2


@pytest.mark.parametrize("why", ["down", "paused"])
def test_a_source_that_is_not_well_supplements_nothing(house, why: str) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches)
    if why == "paused":
        come_back(world, switches["billing"])
        with world.rt.unit() as session:
            pausing.pause(session, world.rt, "billing", user="cleo", reason="moved")
    assert supplements.supplement(world.rt) == 0
    assert follow_up(world, ident) is None


def test_a_source_that_nobody_has_seen_since_the_answer_supplements_nothing(house) -> None:
    world, switches = house
    lookout.knock(world.rt)  # it was well before
    answered_without_billing(world, switches)
    with world.rt.unit() as session:
        row = session.get_one(SourceHealth, "billing")
        row.failures, row.last_code = 0, None
    assert supplements.supplement(world.rt) == 0
    come_back(world, switches["billing"])
    assert supplements.supplement(world.rt) == 1


def test_an_erasure_that_goes_on_touches_no_other_source_whatever_is_there_by_now(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches, Right.ERASURE)
    world.execute("shop", f"UPDATE customer SET email = '{JANE}', name = 'Jane again' WHERE id = 1")
    world.execute("shop", "INSERT INTO orders VALUES (9, 1, 'new')")
    come_back(world, switches["billing"])
    sweeps.sweep(world.rt)
    engine.drain(world.rt)
    request = follow_up(world, ident)
    assert request is not None
    before = {table: world.rows("shop", table) for table in ("customer", "orders")}
    world.approve(request.id, "anna", "ben")
    engine.drain(world.rt)
    assert world.state(request.id) is RequestState.CLOSED
    assert world.request(request.id).outcome is Outcome.ERASED
    with world.rt.unit() as session:
        events = session.scalars(select(AuditEntry.event).where(AuditEntry.request_id == request.id)).all()
    assert "erasure:residue" not in events
    assert {table: world.rows("shop", table) for table in before} == before
    assert [row[0] for row in world.rows("billing", "invoice")] == [72, 73]


def test_an_erasure_of_some_categories_alone_erases_no_others_where_it_goes_on(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches, Right.ERASURE, categories=["C01"])
    come_back(world, switches["billing"])
    sweeps.sweep(world.rt)
    engine.drain(world.rt)
    request = follow_up(world, ident)
    assert request is not None
    assert request.categories == ["C01"]
    if request.state is RequestState.DECIDING:
        world.approve(request.id, "anna", "ben")
        engine.drain(world.rt)
    assert world.state(request.id) is RequestState.CLOSED
    assert [row[0] for row in world.rows("billing", "invoice")] == [70, 71, 72, 73]


def test_what_completes_an_answer_holds_back_what_that_answer_held_back(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches, back="C07")
    come_back(world, switches["billing"])
    sweeps.sweep(world.rt)
    engine.drain(world.rt)
    request = follow_up(world, ident)
    assert request is not None
    assert request.state is RequestState.DECIDING
    with pytest.raises(NotAllowed, match="preparer"):
        world.approve(request.id, "ben")
    world.approve(request.id, "anna")
    engine.drain(world.rt)
    assert world.state(request.id) is RequestState.CLOSED
    assert '"collection":"invoice","records":[\n]' in package_of(world, request.id)


def test_an_answer_that_went_without_nothing_is_left_alone(house) -> None:
    world, _ = house
    world.open(who=BOB)
    engine.drain(world.rt)
    world.clock.advance(hours=21)
    lookout.knock(world.rt)
    assert supplements.supplement(world.rt) == 0


def test_after_half_a_year_nobody_is_written_to_unasked(house) -> None:
    world, switches = house
    answered_without_billing(world, switches)
    world.clock.advance(hours=24 * (supplements.FOR + timedelta(days=1)).days)
    come_back(world, switches["billing"])
    assert supplements.supplement(world.rt) == 0


def test_a_night_s_look_at_what_is_kept_does_not_make_the_missing_source_forgotten(house) -> None:
    world, switches = house
    ident = answered_without_billing(world, switches, Right.ERASURE)
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.request_id == ident, Finding.source == "billing")).one()
        finding.result, finding.why = SourceResult.FOUND, None  # as it stands after that source was searched again
    come_back(world, switches["billing"])
    assert supplements.supplement(world.rt) == 1
