"""What is left behind: a chain that shows every tampering, and no personal data outside what is sealed."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.delivery import Artifact
from models.request import DataKey, Request
from models.vocabulary import Ground, Right, TaskKind
from tests.story.house import House, mail_of
from workflows.audit import broken_links, heads
from workflows.demo.planting import CAST, as_person
from workflows.errors import NeverAgain
from workflows.human import open_task
from workflows.mailroom import receive
from workflows.stages import decision
from workflows.sweeps import orphan_blobs

PEOPLE = ("active", "paid-all", "in-collection", "ended-12-years", "grid-only")


@pytest.fixture
def lived_in(house_here: House) -> House:
    """A house in which every kind of story happened."""
    return live_in(house_here)


def live_in(house: House) -> House:
    """Every kind of story."""
    access = house.ask("active", desk=False, reply_to="one@where.example")
    house.work()
    house.answer(access, "00000000")
    house.answer(access, house.code_for("active"))
    house.work()
    house.file(access)
    for who in PEOPLE[1:4]:
        house.finish(who, Right.ERASURE)
    refused = house.ask("grid-only", Right.ERASURE)
    house.work()
    with house.held(refused) as (session, request):
        ground, reason = Ground.NO_GROUND, "Sopimus on voimassa Tuulikki Latva-Koivistolla."
        decision.refuse(session, house.rt, request, user="tuulikki", ground=ground, reason=reason)
    mail = (
        f"From: Aino Korhonen <{mail_of('active')}>\nMessage-ID: <1@x.example>\n\nTerveisin Aino Korhonen, 070384-9020"
    )
    receive(house.rt, mail.encode())
    house.work()
    return house


def test_the_chain_verifies_after_all_stories_and_names_who_read(lived_in: House) -> None:
    assert lived_in.chain_is_whole()
    with lived_in.rt.unit() as session:
        events = set(session.scalars(select(AuditEntry.event)))
        fetched = session.scalars(select(AuditEntry).where(AuditEntry.event == "package:fetched")).all()
    assert {"request:opened", "identity:code:failed", "identity:proven", "plan:approved", "erasure:done"} <= events
    assert [(e.actor, e.facts["name"]) for e in fetched] == [("person", "package.zip")]


@contextlib.contextmanager
def never_mind(house: House) -> Iterator[Session]:
    """A session whose changes are undone."""
    session = house.rt.sessions()
    try:
        yield session
    finally:
        session.rollback()
        session.close()


def named(session: Session) -> list[tuple[str, int]]:
    """(chain, number) of every broken link."""
    session.expire_all()
    return [(link.chain, link.n) for link in broken_links(session)]


def test_any_change_to_any_entry_is_named(lived_in: House) -> None:
    with lived_in.rt.unit() as session:
        entries = [(e.chain, e.n, e.facts) for e in session.scalars(select(AuditEntry))]
    chain = next(c for c, n, _ in entries if n == 12)
    mine = [(c, n, facts) for c, n, facts in entries if c == chain]
    for where in mine:
        with never_mind(lived_in) as session:
            changed = {**where[2], "x": 1}
            row = (AuditEntry.chain == where[0], AuditEntry.n == where[1])
            session.execute(update(AuditEntry).where(*row).values(facts=changed))
            assert named(session) == [(chain, where[1])]
    for column, value in {"actor": "tuulikki", "event": "plan:approved", "digest": bytes(32)}.items():
        with never_mind(lived_in) as session:
            session.execute(
                update(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.n == 5).values({column: value})
            )
            assert named(session)[0] == (chain, 5)


def test_an_entry_taken_out_swapped_or_cut_off_is_named(lived_in: House) -> None:
    with lived_in.rt.unit() as session:
        chain, last = max(((c, n) for c, (n, _) in heads(session).items()), key=lambda pair: pair[1])
        kept_elsewhere = heads(session)
    for n in range(1, last):
        with never_mind(lived_in) as session:
            session.execute(sa.delete(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.n == n))
            assert named(session) == [(chain, n)]
    with never_mind(lived_in) as session:
        for old, new in ((3, 10_000), (4, 3), (10_000, 4)):
            session.execute(update(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.n == old).values(n=new))
        assert named(session) == [(chain, 3)]
    with never_mind(lived_in) as session:
        session.execute(sa.delete(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.n == last))
        assert named(session) == []
        assert heads(session) != kept_elsewhere


def test_destroying_a_key_leaves_the_chain_whole_and_everything_sealed_unreadable(lived_in: House) -> None:
    with lived_in.rt.unit() as session:
        request = session.scalars(select(Request).where(Request.right == Right.ACCESS).limit(1)).one()
        reference = request.reference
        packages = session.scalars(select(Artifact.data_key_id).where(Artifact.request_id == request.id)).all()
        session.execute(
            update(DataKey)
            .where(DataKey.id.in_([request.data_key_id, *(key for key in packages if key)]))
            .values(wrapped=None, destroyed_at=lived_in.clock.now())
        )
    assert lived_in.chain_is_whole()
    with pytest.raises(NeverAgain):
        lived_in.file(reference)
    assert lived_in.show(reference)["outcome"] == "delivered"


def canaries() -> set[str]:
    """What would betray one of the people whose stories happened."""
    found = {"Terveisin", "070384-9020", "Sopimus on voimassa", "one@where.example"}
    for slug in PEOPLE:
        who = as_person(next(m for m in CAST if m.slug == slug))
        found |= {who.last, who.first.split()[0], who.email, who.phone, who.street, str(who.hetu)}
    return found


def forms(text: str) -> list[bytes]:
    """A text as bytes, in the ways that files write texts."""
    return [text.encode(), text.encode("utf-16-le"), text.encode("latin-1", "ignore"), json.dumps(text)[1:-1].encode()]


def marks_in(kept: bytes, marks: set[str]) -> list[str]:
    """Those that lie open in these bytes."""
    return sorted(m for m in marks if any(form in kept for form in forms(m) if form))


def everything_we_keep(house: House) -> bytes:
    """All that is in our database and files, names included."""
    parts: list[str | bytes] = []
    engine = house.rt.sessions.kw["bind"]
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            if table != "staff":  # staff have names, and one of them shares hers with a customer
                for row in connection.execute(sa.text(f"SELECT * FROM {table}")):
                    parts += [bytes(v) if isinstance(v, bytes | memoryview) else str(v) for v in row]
    for path in sorted((house.folder / "var").rglob("*")):
        parts.append(path.name)
        if path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(p if isinstance(p, bytes) else p.encode() for p in parts)


def test_no_personal_data_lie_open_in_database_files_names_logs_or_mails(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, house: House
) -> None:
    kept = everything_we_keep(live_in(house))
    marks = canaries()
    assert marks_in(kept, marks) == []
    path = Path(str(house.rt.sessions.kw["bind"].url.database))
    if path.is_file():
        raw = b"".join(p.read_bytes() for p in path.parent.glob(f"{path.name}*"))
        assert marks_in(raw, marks - {"Tuulikki"}) == []
    out, err = capfd.readouterr()
    logged = f"{out}{err}{caplog.text}"
    assert [m for m in marks if m in logged] == []
    for mail in house.mailer.sent:
        told = f"{mail.subject}{mail.body}"
        assert [m for m in marks - {"Tuulikki"} if m in told] == []


def test_a_name_in_a_task_or_a_file_s_name_would_be_noticed(house_here: House) -> None:
    house_here.ask("unknown", desk=False)
    (house_here.folder / "var" / "blobs").mkdir(parents=True, exist_ok=True)
    (house_here.folder / "var" / "blobs" / "Korhonen.json").write_text("{}")
    with house_here.rt.unit() as session:
        open_task(session, house_here.rt, key="x", kind=TaskKind.CHECK, code="x", facts={"name": "Perälä Åsa"})
    kept = everything_we_keep(house_here)
    assert marks_in(kept, {"Korhonen", "Perälä", "Åsa", "Virtanen"}) == ["Korhonen", "Perälä", "Åsa"]


def test_what_was_erased_leaves_no_copy_with_us(house_here: House) -> None:
    house_here.finish("ended-12-years", Right.ERASURE)
    orphan_blobs(house_here.rt)  # every night
    names = list(house_here.rt.blobs.names())
    assert all("letter" in name for name in names)


def test_debug_logs_say_nothing_about_people_either(house_here: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        house_here.finish("active")
    assert [m for m in canaries() if m in caplog.text] == []
