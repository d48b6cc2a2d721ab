"""Our own records go in stages: what is left at the end says nothing of anybody, and nothing sealed can be opened."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.collection import Finding
from models.decision import PlanItem
from models.delivery import Artifact, Grant, Outbox
from models.holds import ManualHold
from models.intake import CaseKey, Message
from models.purge import PurgeMark, PurgeStage
from models.request import DataKey, Request
from models.staff import HumanTask
from models.verification import Challenge
from models.vocabulary import Channel, OutboxState, RequestState, Right, TaskKind
from tests.world import JANE, World, make_world
from workflows import outbox
from workflows.answer import PACKAGE, fetch
from workflows.audit import broken_links
from workflows.casefile import Claim, open_claim, open_key
from workflows.errors import NeverAgain, NotAllowed, NotFound
from workflows.human import close_tasks_of, open_task
from workflows.post import send_all
from workflows.purge.run import Report, purge
from workflows.stages import decision, intake, verification
from workflows.sweeps import orphan_blobs

#: Years go by night for night.
pytestmark = pytest.mark.slow

CANARY = "Kanarialintu Testi"
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """The shop, on SQLite and on PostgreSQL."""
    made = make_world(
        tmp_path, database_url=database_url, source_urls=None if "sqlite" in database_url else _files(tmp_path)
    )
    yield made
    made.close()


def _files(folder: Path) -> dict[str, str]:
    return {name: f"sqlite:///{folder / name}.db" for name in ("shop", "billing")}


def by_mail(world: World, right: Right = Right.ACCESS, who: str = JANE, *, desk: bool = False) -> UUID:
    """A mail came in, and a request was opened from it."""
    raw = f"From: {who}\n\n{CANARY} asks".encode()
    claim = Claim(name=CANARY, identifiers={"email": who}, reply_to="asks@elsewhere.example", text=CANARY)
    asked = intake.Asked(right, "en", Channel.EMAIL, claim)
    with world.rt.unit() as session:
        count = len(session.scalars(select(Message.id)).all())
        message, _ = intake.store(session, world.rt, channel=Channel.EMAIL, external_id=f"<{count}@x>", raw=raw)
        (opened,) = intake.open_requests(session, world.rt, [asked], message=message)
        return opened.request.id


def closed(world: World, right: Right = Right.ACCESS, who: str = JANE) -> UUID:
    """A request that was answered and is closed."""
    ident = world.open(right, who)
    world.work()
    if right is Right.ERASURE:
        world.approve(ident)
        world.work()
    assert world.state(ident) is RequestState.CLOSED
    return ident


def nights(world: World, days: int) -> Report:
    """So many nights go by, each with its purge; what the last one did."""
    report = Report()
    for _ in range(days):
        world.clock.advance(days=1)
        report = purge(world.rt)
    return report


def key_of(world: World, ident: UUID) -> DataKey:
    with world.rt.unit() as session:
        return session.get_one(DataKey, session.get_one(Request, ident).data_key_id)


def test_how_a_person_was_proven_goes_once_it_is_decided_and_not_before(world: World) -> None:
    ident = by_mail(world, Right.ERASURE)
    world.work()
    with world.rt.unit() as session:
        assert session.scalars(select(Challenge.candidate_sealed).where(Challenge.request_id == ident)).one()
    assert purge(world.rt).stages[PurgeStage.EVIDENCE].due == 0
    code = _code(world)
    with world.rt.unit() as session:
        assert verification.answer(session, world.rt, session.get_one(Request, ident, with_for_update=True), code)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    assert purge(world.rt).stages[PurgeStage.EVIDENCE].gone == 0
    world.approve(ident)
    world.work()
    assert purge(world.rt).stages[PurgeStage.EVIDENCE].gone == 1
    with world.rt.unit() as session:
        kept = session.execute(
            select(Challenge.candidate_sealed, Challenge.code_digest).where(Challenge.request_id == ident)
        ).all()
    assert kept == [(None, None)]


def _code(world: World) -> str:
    send_all(world.rt)
    return next(m.group() for mail in world.mailer.sent if (m := re.search(r"\b\d{8}\b", mail.body)))


def test_a_package_goes_with_a_key_of_its_own_on_its_day_and_the_letter_stays(world: World) -> None:
    ident = closed(world)
    with world.rt.unit() as session:
        row = session.scalars(select(Artifact).where(Artifact.name == PACKAGE)).one()
        own, blob = row.data_key_id, row.blob
        assert own is not None
        assert own != session.get_one(Request, ident).data_key_id
        artifact, key = fetch(session, world.rt, session.get_one(Request, ident), PACKAGE, actor="person")
    with world.rt.blobs.read(artifact.blob, key) as stream:
        assert stream.read(2) == b"PK"
    assert nights(world, 30).stages[PurgeStage.PACKAGE].gone == 0
    assert nights(world, 1).stages[PurgeStage.PACKAGE].gone == 1
    with world.rt.unit() as session:
        assert session.get_one(DataKey, own).wrapped is None
        with pytest.raises(NotFound):
            fetch(session, world.rt, session.get_one(Request, ident), PACKAGE, actor="person")
    assert blob not in set(world.rt.blobs.names())
    assert key_of(world, ident).wrapped is not None


def test_what_was_written_goes_thirty_days_after_the_end_and_a_week_of_waiting(world: World) -> None:
    ident = by_mail(world)
    world.work()
    with world.rt.unit() as session:
        decision.withdraw(session, world.rt, session.get_one(Request, ident, with_for_update=True), actor="person")
    world.work()
    assert world.state(ident) is RequestState.CLOSED
    assert nights(world, 30).stages[PurgeStage.MESSAGE].marked == 0
    report = nights(world, 1)
    assert (report.stages[PurgeStage.MESSAGE].marked, report.stages[PurgeStage.MESSAGE].gone) == (1, 0)
    assert nights(world, 6).stages[PurgeStage.MESSAGE].gone == 0
    report = nights(world, 1)
    assert report.stages[PurgeStage.MESSAGE].gone == 1
    with world.rt.unit() as session:
        message = session.scalars(select(Message)).one()
        assert message.raw_sealed == b""
        with pytest.raises(NeverAgain):
            intake.open_raw(session, world.rt, message)
    assert key_of(world, ident).wrapped is not None


def test_the_key_of_a_case_is_destroyed_when_nobody_can_complain_any_more_and_nothing_opens(
    world: World, tmp_path: Path
) -> None:
    ident = closed(world, Right.ERASURE)
    wrapped = key_of(world, ident).wrapped
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        sealed = [request.claim_sealed, request.proof_sealed or b"", wrapped or b""]
        sealed += list(session.scalars(select(PlanItem.locator_sealed)))
        assert open_claim(open_key(session, world.rt, request.data_key_id), request).identifiers
    assert list(world.rt.blobs.names(f"{ident}/"))
    report = nights(world, 373)
    assert report.stages[PurgeStage.CASE].gone == 1
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        assert (request.claim_sealed, request.proof_sealed, request.subject_digest) == (b"", None, None)
        assert (request.right, request.state, request.outcome is not None) == (Right.ERASURE, RequestState.CLOSED, True)
        with pytest.raises(NeverAgain, match="key_destroyed"):
            open_key(session, world.rt, request.data_key_id)
        assert not session.scalars(select(DataKey.id).where(DataKey.wrapped.is_not(None))).all()
        assert set(session.scalars(select(PlanItem.locator_sealed))) == {b""}
        assert set(session.scalars(select(Finding.leads_sealed))) == {None}
        assert set(session.scalars(select(Outbox.body_sealed))) == {b""}
        assert not session.scalars(select(Grant.token_digest)).all()
        assert not session.scalars(select(CaseKey.digest)).all()
        destroyed = session.scalars(
            select(AuditEntry.facts).where(AuditEntry.event == "key:destroyed", AuditEntry.request_id == ident)
        ).all()
        assert [facts["of"] for facts in destroyed] == ["case"]
        assert list(broken_links(session)) == []
    assert not list(world.rt.blobs.names(f"{ident}/"))
    assert orphan_blobs(world.rt) == 0
    _nowhere(world, tmp_path, [part for part in sealed if part])


def _nowhere(world: World, folder: Path, parts: list[bytes]) -> None:
    """Neither the planted name nor anything that was sealed is in any file of ours, not even as a leftover."""
    if world.rt.sessions.kw["bind"].dialect.name != "sqlite":
        return
    sources = ("shop.db", "billing.db")
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(sources)]
    assert any(path.name == "vastine.db" for path in files)
    for path in files:
        raw = path.read_bytes()
        assert not [name for name in (CANARY, JANE) if name.encode() in raw], path.name
        assert not [part for part in parts if part in raw], path.name


def test_a_hold_on_the_person_keeps_the_case_file_and_its_end_lets_it_go(world: World) -> None:
    ident = closed(world)
    with world.rt.unit() as session:
        digest = session.get_one(Request, ident).subject_digest
        assert digest is not None
        hold = ManualHold(
            subject_digest=digest,
            rule="H99",
            reason_code="dispute",
            placed_by="anna",
            placed_at=world.rt.now(),
            until=world.rt.today() + 400 * DAY,
        )
        session.add(hold)
    nights(world, 390)
    assert key_of(world, ident).wrapped is not None
    nights(world, 20)
    assert key_of(world, ident).wrapped is None


def test_a_hold_placed_after_the_mark_takes_the_mark_away(world: World) -> None:
    ident = closed(world)
    assert nights(world, 366).stages[PurgeStage.CASE].marked == 1
    with world.rt.unit() as session:
        digest = session.get_one(Request, ident).subject_digest
        assert digest is not None
        until = world.rt.today() + 3 * DAY
        session.add(
            ManualHold(
                subject_digest=digest,
                rule="H99",
                reason_code="dispute",
                placed_by="anna",
                placed_at=world.rt.now(),
                until=until,
            )
        )
    nights(world, 1)
    with world.rt.unit() as session:
        assert not session.scalars(select(PurgeMark).where(PurgeMark.stage == PurgeStage.CASE)).all()
    nights(world, 8)
    assert key_of(world, ident).wrapped is not None
    nights(world, 3)
    assert key_of(world, ident).wrapped is None


def test_a_case_with_a_task_that_nobody_did_is_not_let_go(world: World) -> None:
    ident = closed(world)
    with world.rt.unit() as session:
        open_task(session, world.rt, key="x", kind=TaskKind.CHECK, code="look", request_id=ident)
    nights(world, 380)
    assert key_of(world, ident).wrapped is not None


def test_a_request_that_waits_for_a_hold_to_end_is_never_let_go(world: World) -> None:
    ident = world.open(Right.ERASURE, "bob@shop.example")
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    nights(world, 400)
    assert key_of(world, ident).wrapped is not None


def test_a_dry_run_tells_the_same_and_changes_nothing(world: World) -> None:
    closed(world)
    nights(world, 372)
    world.clock.advance(days=1)
    told = purge(world.rt, dry_run=True)
    assert told.stages[PurgeStage.CASE].gone == 1
    with world.rt.unit() as session:
        assert session.scalars(select(DataKey.wrapped).where(DataKey.wrapped.is_not(None))).all()
    assert purge(world.rt).stages[PurgeStage.CASE].gone == 1


def test_more_than_a_night_should_bring_waits_for_two_different_people(world: World) -> None:
    idents = [closed(world, who="eve@shop.example") for _ in range(11)]
    report = nights(world, 373)
    assert report.stages[PurgeStage.CASE].refused
    assert report.stages[PurgeStage.CASE].gone == 0
    assert report.waits
    with world.rt.unit() as session:
        assert "purge_too_much" in session.scalars(select(HumanTask.code)).all()
    with pytest.raises(NotAllowed):
        purge(world.rt, by=["anna", "anna"])
    with pytest.raises(NotAllowed):
        purge(world.rt, by=["anna", "cleo"])
    assert all(key_of(world, ident).wrapped for ident in idents)
    assert purge(world.rt, by=["anna", "ben"]).stages[PurgeStage.CASE].gone == 11


@pytest.mark.parametrize("days", [366, 3650])
def test_a_clock_that_leaps_forward_lets_nothing_go(world: World, days: int) -> None:
    ident = closed(world)
    nights(world, 2)
    world.clock.advance(days=days)
    for _ in range(10):
        report = purge(world.rt)
        assert report.stopped == "clock_leap"
        world.clock.advance(days=1)
    assert key_of(world, ident).wrapped is not None
    world.clock.advance(days=-days - 10)
    assert not purge(world.rt).stopped


def test_a_clock_that_went_back_lets_nothing_go_even_if_two_people_say_so(world: World) -> None:
    closed(world)
    nights(world, 372)
    world.clock.advance(days=-2)
    assert purge(world.rt).stopped == "clock_back"
    assert purge(world.rt, by=["anna", "ben"]).stopped == "clock_back"


def test_after_a_long_silence_two_people_say_that_the_clock_is_right(world: World) -> None:
    closed(world)
    nights(world, 1)
    world.clock.advance(days=30)
    assert purge(world.rt).stopped == "clock_leap"
    assert not purge(world.rt, by=["anna", "ben"]).stopped
    assert not nights(world, 1).stopped


def test_a_letter_that_somebody_is_asked_to_print_keeps_its_text_until_they_are_not(world: World) -> None:
    ident = closed(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        mails = select(Outbox).where(Outbox.request_id == ident).order_by(Outbox.id)
        sent, letter = session.scalars(mails).all()[:2]
        assert sent.state is OutboxState.SENT
        letter.state = OutboxState.PAPER
        outbox._ask_to_post(session, world.rt, request, letter)
        printed = letter.id
    nights(world, 40)
    with world.rt.unit() as session:
        kept = session.get_one(Outbox, printed)
        assert kept.body_sealed
        assert kept.state is OutboxState.PAPER
        close_tasks_of(session, world.rt, ident, kinds={TaskKind.BY_HAND}, by="anna")
    nights(world, 10)
    with world.rt.unit() as session:
        rest = session.scalars(select(Outbox).where(Outbox.request_id == ident)).all()
        assert {bytes(row.body_sealed) for row in rest} == {b""}
        assert OutboxState.PAPER not in {row.state for row in rest}
