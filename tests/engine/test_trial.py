"""A trial: everything is walked through to its end, nothing is written in a source, and all that goes out says so."""

import io
import subprocess
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from models.delivery import Artifact
from models.doors import Pulse
from models.erasure import Receipt, Tombstone
from models.request import Request
from models.vocabulary import Action, Outcome, ReceiptOutcome, RequestState, Right
from tests.world import BOB, JANE, World, open_world, prepare
from webhooks.public import create_app
from webhooks.staff import create_app as staff_app
from workers.checking import offline
from workflows import answer
from workflows.casefile import open_key
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.file import FileConnector
from workflows.connectors.hand import HandConnector
from workflows.connectors.http import HttpConnector
from workflows.connectors.mailbox_source import MailboxConnector
from workflows.connectors.parquet_source import ParquetConnector
from workflows.connectors.sql import SqlConnector
from workflows.documents.trial import marked_print
from workflows.errors import BadInput, NeverAgain
from workflows.exchange import ChangeItem, EraseItem
from workflows.register.recipients import Hook
from workflows.rehearsing import rehearse
from workflows.settings import Settings
from workflows.trial import LIVE, TRIAL, take_side

MODE = {"VASTINE_MODE": "trial"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(prepare(tmp_path) | MODE, render_pdf=False)


def dump(world: World) -> dict[str, list[str]]:
    """Every source, whole, as statements: schema, rows and whatever else there is."""
    found = {}
    for name, engine in world.sources.items():
        raw = engine.raw_connection()
        found[name] = list(raw.driver_connection.iterdump())  # type: ignore[union-attr]
        raw.close()
    return found


def files_of(world: World, ident: uuid.UUID) -> dict[str, bytes]:
    """What was made for a case, opened."""
    found = {}
    with world.rt.unit() as session:
        request = session.get_one(Request, ident)
        for row in session.scalars(select(Artifact).where(Artifact.request_id == ident)):
            key = open_key(session, world.rt, row.data_key_id or request.data_key_id)
            with world.rt.blobs.read(row.blob, key) as stream:
                found[row.name] = stream.read()
    return found


def receipts(world: World) -> list[ReceiptOutcome]:
    with world.rt.unit() as session:
        return list(session.scalars(select(Receipt.outcome)))


@pytest.mark.parametrize(("who", "outcome"), [(JANE, Outcome.ERASED), (BOB, Outcome.PARTLY_ERASED)])
def test_an_erasure_goes_to_its_end_and_no_byte_of_a_source_changes(world: World, who: str, outcome: Outcome) -> None:
    before = dump(world)
    ident = world.open(Right.ERASURE, who)
    world.work()
    assert world.state(ident) is RequestState.DECIDING
    world.approve(ident)
    world.work()
    assert world.request(ident).outcome is outcome
    assert dump(world) == before
    assert set(receipts(world)) == {ReceiptOutcome.REHEARSED}
    with world.rt.unit() as session:
        assert session.scalars(select(Tombstone)).all() == [], "nothing that comes back is to be erased for it"


def test_the_same_without_a_word_of_a_trial_erases(tmp_path: Path) -> None:
    world = open_world(prepare(tmp_path))
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    world.approve(ident)
    world.work()
    assert (world.request(ident).outcome, len(world.rows("shop", "customer"))) == (Outcome.ERASED, 3)
    assert ReceiptOutcome.REHEARSED not in receipts(world)
    assert (1, JANE, "Jane") not in world.rows("shop", "customer")


def test_every_mail_and_letter_of_a_trial_says_so(world: World) -> None:
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    world.approve(ident)
    world.work()
    assert world.mailer.sent
    assert all(m.subject.startswith("[TRIAL] ") and "nothing was erased" in m.body for m in world.mailer.sent)
    letters = {name: raw for name, raw in files_of(world, ident).items() if name.startswith("letter_")}
    assert letters
    for name, pdf in letters.items():
        shown = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
        assert "TRIAL. This is no real answer" in " ".join(shown.split()), name


def test_a_package_of_a_trial_says_so_on_every_page(world: World) -> None:
    ident = world.open(Right.ACCESS, JANE)
    world.work()
    with zipfile.ZipFile(io.BytesIO(files_of(world, ident)[answer.PACKAGE])) as files:
        pages = {name: files.read(name).decode() for name in files.namelist() if name.endswith((".html", ".txt"))}
    assert "PROVDRIFT" in pages["TRIAL.txt"]
    html = {name: text for name, text in pages.items() if name.endswith(".html")}
    assert html
    assert all("TRIAL. This is no real answer" in text for text in html.values())


@pytest.mark.parametrize(
    "html", ["<p>Dear Jane</p>", "<HTML><BODY class='x'><p>Dear Jane</p>", "<html\n><body\n><p>x</p>"]
)
def test_a_text_of_the_controllers_own_says_so_however_it_begins(html: str) -> None:
    marked = marked_print(html, "en")
    assert marked.index("[TRIAL]") < marked.index("TRIAL. This is no real answer") < marked.index("<p>")
    assert marked.lower().index("<body") < marked.index("[TRIAL]") if "body" in html.lower() else marked


def test_every_page_of_the_portal_and_the_console_says_that_it_is_a_trial(world: World) -> None:
    portal, console = create_app(world.rt).test_client(), staff_app(world.rt).test_client()
    for lang, word in (("fi", "Koekäyttö"), ("sv", "Provdrift"), ("en", "Trial")):
        for page in ("", "request", "paper", "accessibility", "received", "status/TP-2026-0000-00/x"):
            assert f"<strong>{word}" in portal.get(f"/{lang}/{page}").text, (lang, page)
        console.set_cookie("vastine_language", lang)
        for path in ("/login", "/nothing-here"):
            assert f"<strong>{word}" in console.get(path).text, (lang, path)


def test_without_a_trial_no_page_says_so(tmp_path: Path) -> None:
    world = open_world(prepare(tmp_path))
    assert "Trial." not in create_app(world.rt).test_client().get("/en/").text


def test_a_trial_tells_no_other_party(world: World) -> None:
    with pytest.raises(NeverAgain, match="trial_mode"):
        world.rt.hooks.post(
            Hook(url="https://other.example/", secret={"env": "X"}), ident="1", at=world.rt.now(), body=b"{}"
        )


def test_a_kind_of_source_that_can_not_be_kept_from_writing_is_in_no_trial(world: World) -> None:
    class Slotted:
        __slots__ = ()

    with pytest.raises(BadInput, match="trial"):
        rehearse("odd", Slotted())  # type: ignore[arg-type]


def on(world: World, **environ: str) -> None:
    """Start on the same database with other settings."""
    told = Settings.from_environ({**world.environ, **environ})
    take_side(replace(world.rt, settings=told))


def marks(world: World) -> set[str]:
    with world.rt.unit() as session:
        return set(session.scalars(select(Pulse.name)))


REAL = {
    "VASTINE_MODE": "live",
    "VASTINE_MAIL_URL": "smtp://127.0.0.1:25?tls=none",
    "VASTINE_MAIL_FROM": "a@shop.example",
}


def live(world: World) -> dict[str, str]:
    return REAL | {"VASTINE_KEY_FILE": str(Path(world.environ["VASTINE_DATA_DIR"]) / "keys.json")}


def test_the_real_thing_does_not_start_on_what_a_trial_left(world: World) -> None:
    on(world)
    world.open()
    with pytest.raises(BadInput, match="VASTINE_MODE"):
        on(world, **live(world))
    on(world)
    assert TRIAL in marks(world)


def test_a_trial_does_not_start_on_real_requests(world: World) -> None:
    on(world, **live(world))
    world.open()
    with pytest.raises(BadInput, match="VASTINE_MODE"):
        on(world)
    assert marks(world) == {LIVE}


def test_two_processes_that_start_at_once_on_a_new_database_both_start(tmp_path: Path, postgres_url: str) -> None:
    world = open_world(prepare(tmp_path, database_url=postgres_url) | MODE)
    with ThreadPoolExecutor(1) as pool:
        with world.rt.unit() as first:
            first.add(Pulse(name=TRIAL, at=world.rt.now()))
            first.flush()
            second = pool.submit(take_side, world.rt)
            while not waits(world):
                assert not second.done()
        second.result()
    assert marks(world) == {TRIAL}
    world.close()


def waits(world: World) -> bool:
    """Whether some process waits for another's lock."""
    with world.rt.unit() as session:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(session.scalar(waiting))


def test_a_trial_that_nobody_used_leaves_nothing(world: World) -> None:
    on(world)
    on(world, **live(world))
    assert marks(world) == {LIVE}


def test_no_writing_method_of_any_connector_writes(world: World) -> None:
    before = dump(world)
    item = EraseItem(1, "customer", {"id": 1}, Action.DELETE, (), "0" * 64)
    change = ChangeItem(1, "customer", {"id": 1}, "0" * 64, {"name": "Other"})
    for connector in world.rt.connectors.values():
        mine = item if connector.spec.source == "shop" else replace(item, collection="invoice")
        assert connector.erase("op", 1, [mine])
        assert [e.outcome for e in connector.call_off("op", 2, [item])] == [ReceiptOutcome.KEPT]
        for method in ("restrict", "unrestrict", "rectify"):
            done = getattr(connector, method)("op", 1, [change])
            assert [(one.outcome, one.digest) for one in done] == [("changed", change.digest)]
    assert dump(world) == before


@pytest.mark.parametrize(
    "kind",
    [SqlConnector, CsvConnector, FileConnector, HttpConnector, MailboxConnector, ParquetConnector, HandConnector],
)
def test_every_kind_of_source_of_ours_can_be_kept_from_writing(kind: type[Any]) -> None:
    bare = kind.__new__(kind)
    assert rehearse("any", bare).call_off("op", 1, []) == []


def check(world: World, **environ: str) -> dict[str, str]:
    """What `vastine check` finds of mode and database: text by status."""
    told = Settings.from_environ({**world.environ, **environ})
    return {f.text: f.status for f in offline(told) if f.area in ("mode", "database")}


def test_the_check_says_what_the_mode_means_and_what_is_left_of_a_trial(world: World) -> None:
    on(world)
    world.open()
    assert "nothing is written in a source; pages, mails and letters say so" in check(world)
    assert "fail" in check(world, **live(world)).values()
