"""Sources that are down, slow, read-only, changed or unwilling: the request waits, and nothing is half-told."""

import re
import secrets
import shutil
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from models.collection import SourceHealth
from models.request import Request
from models.step import Step
from models.vocabulary import Right, StepState
from tests.story.conftest import Move
from tests.story.house import ROOT, TWO, House, records_of
from tests.story.touched import check_touched
from tests.world import source_engine
from workflows import lookout
from workflows.errors import NotAllowed
from workflows.repair import requeue
from workflows.stages.collection import skip_source

NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"


def without(house: House, source: str) -> House:
    """Another process that cannot reach a source."""
    return house.again(settings={f"VASTINE_SOURCE_{source.upper()}_URL": NOWHERE})


def results(house: House, reference: str) -> dict[str, str]:
    """Source to result."""
    return {s["source"]: s["result"] for s in house.show(reference)["sources"]}


def try_again(house: House) -> None:
    """A person sets every stuck step going."""
    with house.rt.unit() as session:
        for step in session.scalars(select(Step).where(Step.state == StepState.NEEDS_HUMAN)):
            requeue(session, house.rt, step, user="tuulikki")


def test_a_source_down_for_a_week_holds_nobody_else_up_and_the_answer_comes_by_itself(house: House) -> None:
    down = without(house, "mittaus")
    reference = down.ask("active")
    for _ in range(7 * 4):
        down.work()
        down.clock.advance(hours=6)
    assert down.state(reference) == "collecting"
    assert results(down, reference) == {
        "asiakas": "found", "laskutus": "found", "perinta": "none", "mittaus": "failed",
    }  # fmt: skip
    assert [(s["key"], s["state"], s["attempts"]) for s in down.show(reference)["steps"] if s["state"] != "done"] == [
        ("collect:mittaus#1", "ready", 0)
    ]
    with down.rt.unit() as session:
        health = session.get_one(SourceHealth, "mittaus")
        assert (health.failures >= 5, health.last_code) == (True, "source_down")
    prospect = down.finish("prospect")  # nothing of hers leads to metering
    assert down.ended(prospect) == ("closed", "delivered")
    down.close()
    house.clock.advance(minutes=6)
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    assert len(records_of(house.file(reference))["sarja_15"]) > 0


def test_a_silent_source_does_not_make_a_known_person_unknown(house: House) -> None:
    down = without(house, "asiakas")
    reference = down.ask("active", desk=False, reply_to="one@where.example")
    for _ in range(3):
        down.work()
        down.clock.advance(minutes=5)
    assert down.state(reference) == "verifying"
    assert len(down.mailer.sent) == 1
    down.close()
    house.clock.advance(hours=2)
    house.work()
    assert house.answer(reference, house.code_for("active"))


def test_an_answer_without_a_source_is_a_person_s_decision_and_names_the_gap(house: House) -> None:
    down = without(house, "mittaus")
    reference = down.ask("active")
    down.work()
    with down.held(reference) as (session, request):
        skip_source(session, down.rt, request, "mittaus", user="kaspar")
    down.work()
    assert down.state(reference) == "deciding"
    assert [t.code for t in down.tasks(reference)] == ["review_gaps"]
    down.approve(reference, TWO[1])
    down.work()
    assert down.ended(reference) == ("closed", "delivered")
    package = down.file(reference)
    with zipfile.ZipFile(package) as files:
        start = files.read("START_HERE.html").decode()
        assert not [name for name in files.namelist() if "sarja_15" in name]
    assert re.search(r"Mittaustietojärjestelmä.{0,200}(ei|puuttu)", start, re.DOTALL | re.IGNORECASE)
    down.close()


def test_a_gap_that_was_named_is_filled_by_itself_when_the_source_is_back(house: House) -> None:
    down = without(house, "mittaus")
    reference = down.ask("active")
    for _ in range(40):
        down.work()
        if [t.code for t in down.tasks(reference)] == ["gap_or_wait"]:
            break
        down.clock.advance(hours=24)
    due = date.fromisoformat(down.show(reference)["due_on"])
    assert due - down.rt.today() == timedelta(days=7)
    with down.held(reference) as (session, request):
        skip_source(session, down.rt, request, "mittaus", user="kaspar")
    down.work()
    assert down.tasks(reference) != []  # an answer with a gap is looked at by a person
    down.approve(reference, TWO[1])
    down.work()
    assert down.ended(reference) == ("closed", "delivered")
    first = records_of(down.file(reference))
    down.close()
    house.clock.advance(hours=21)
    lookout.knock(house.rt)
    house.work()
    with house.rt.unit() as session:
        (more,) = session.scalars(select(Request).where(Request.supplements_id.is_not(None))).all()
    assert house.ended(more.reference) == ("closed", "delivered")
    second = records_of(house.file(more.reference))
    assert len(second["sarja_15"]) > 0
    assert not {name for name in first if first[name]} & {name for name in second if second[name]}


@pytest.mark.parametrize("source", ["laskutus", "perinta"])
def test_an_erasure_may_not_skip_a_source_that_decides_holds(house_here: House, source: str) -> None:
    name = f"VASTINE_SOURCE_{source.upper()}_{'PATH' if source == 'perinta' else 'URL'}"
    down = house_here.again(settings={name: "/nowhere" if source == "perinta" else NOWHERE})
    reference = down.ask("in-collection", Right.ERASURE)
    before = down.dump()
    down.work()
    if source == "laskutus":
        down.clock.advance(minutes=1)
        down.work()
    assert down.state(reference) == "collecting"
    with pytest.raises(NotAllowed), down.held(reference) as (session, request):
        skip_source(session, down.rt, request, source, user="tuulikki")
    down.clock.advance(hours=1)
    down.work()
    assert down.state(reference) == "collecting"
    assert down.dump() == before
    down.close()
    house_here.clock.advance(hours=1)
    house_here.work()
    assert house_here.state(reference) == "deciding"


def test_a_source_that_falls_silent_after_the_approval_stops_the_erasure_until_it_is_back(house: House) -> None:
    reference = house.ask("paid-all", Right.ERASURE)
    house.work()
    items = [i for i in house.plan(reference)["items"] if i["action"] in ("delete", "mask")]
    house.approve(reference)
    before = house.dump()
    down = without(house, "laskutus")
    for _ in range(5):
        down.work()
        down.clock.advance(minutes=10)
    assert down.state(reference) == "erasing"
    assert house.dump() == before
    down.close()
    house.clock.advance(hours=1)
    house.work()
    assert house.ended(reference) == ("held", "partly_erased")
    check_touched(before, house.dump(), items)


def test_a_column_that_was_lost_stops_the_search_and_says_so(house: House) -> None:
    house.execute("laskutus", "ALTER TABLE lasku RENAME COLUMN avoin TO avoinna")
    reference = house.ask("active")
    house.work()
    assert house.state(reference) == "collecting"
    (task,) = house.tasks(reference)
    assert (task.kind.value, task.code, task.facts["source"]) == ("source_failed", "schema_changed", "laskutus")
    assert results(house, reference)["laskutus"] == "failed"
    assert not [m for m in house.mails_to("aino.korhonen@posti.example") if "/fetch/" in m]
    house.execute("laskutus", "ALTER TABLE lasku RENAME COLUMN avoinna TO avoin")
    try_again(house)
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    assert house.tasks(reference) == []


REFUSALS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER unwilling BEFORE DELETE ON suoritus BEGIN SELECT RAISE(ABORT, 'Aino 301174Y917W'); END",
        "DROP TRIGGER unwilling",
    ),
    "postgresql": (
        "CREATE FUNCTION unwilling() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'Aino 301174Y917W'; END $$; "
        "CREATE TRIGGER unwilling BEFORE DELETE ON suoritus FOR EACH ROW EXECUTE FUNCTION unwilling()",
        "DROP TRIGGER unwilling ON suoritus",
    ),
}


def test_a_source_that_refuses_halfway_keeps_all_of_it_and_the_request_waits(house: House) -> None:
    hinder, relent = REFUSALS[house.urls["laskutus"].partition(":")[0]]
    reference = house.ask("ended-12-years", Right.ERASURE)
    house.work()
    items = [i for i in house.plan(reference)["items"] if i["action"] in ("delete", "mask")]
    house.approve(reference)
    house.execute("laskutus", hinder)
    before = house.dump()
    house.work()
    assert house.state(reference) == "erasing"
    now = house.dump()
    assert {t for t in before if now[t] != before[t]} == {("mittaus", "sarja_15")}
    (task,) = house.tasks(reference)
    assert task.facts["source"] == "laskutus"
    assert "Aino" not in f"{task.facts}{task.code}{house.show(reference)}"
    assert not [m for m in house.mails_to("toivo.hietanen@posti.example") if "/fetch/" in m]
    house.execute("laskutus", relent)
    try_again(house)
    house.work()
    assert house.ended(reference) == ("closed", "erased")
    check_touched(before, house.dump(), items)


def read_only_sqlite(house: House) -> tuple[dict[str, str], Callable[[], None]]:
    """The file, opened for reading only."""
    path = house.urls["laskutus"].removeprefix("sqlite:///")
    return {"VASTINE_SOURCE_LASKUTUS_URL": f"sqlite:///file:{path}?mode=ro&uri=true"}, lambda: None


def read_only_postgres(house: House) -> tuple[dict[str, str], Callable[[], None]]:
    """A user who may read and nothing else."""
    user = f"reader_{secrets.token_hex(6)}"
    house.execute("laskutus", f"CREATE ROLE {user} LOGIN")
    house.execute("laskutus", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")

    def end() -> None:
        house.execute("laskutus", f"DROP OWNED BY {user}")
        house.execute("laskutus", f"DROP ROLE {user}")

    return {"VASTINE_SOURCE_LASKUTUS_URL": house.urls["laskutus"].replace("postgres@", f"{user}@")}, end


def test_a_source_that_can_only_be_read_is_read_and_never_called_erased(house: House) -> None:
    reference = house.ask("ended-12-years", Right.ERASURE)
    house.work()
    house.approve(reference)
    before = house.dump()
    make = read_only_sqlite if house.urls["laskutus"].startswith("sqlite") else read_only_postgres
    settings, end = make(house)
    only = house.again(settings=settings)
    only.work()
    assert only.state(reference) == "erasing"
    assert {t for t, rows in only.dump().items() if rows != before[t]} == {("mittaus", "sarja_15")}
    assert [(t.kind.value, t.code) for t in only.tasks(reference)] == [("source_failed", "read_only")]
    access = only.ask("ended-2-years")
    only.work()
    assert only.ended(access) == ("closed", "delivered")
    only.close()
    end()
    try_again(house)
    house.work()
    assert house.ended(reference) == ("closed", "erased")


@pytest.mark.parametrize("move_in", ["postgresql"], indirect=True)
def test_a_source_that_is_slow_is_asked_again_and_then_answers(move_in: Move, tmp_path: Path) -> None:
    register = shutil.copytree(ROOT / "register", tmp_path / "register")
    billing = register / "sources" / "laskutus.yaml"
    billing.write_text(billing.read_text("utf-8").replace("kind: sql\n", "kind: sql\ntimeout_seconds: 1\n", 1), "utf-8")
    house = move_in(register)
    reference = house.ask("active")
    engine = source_engine(house.urls["laskutus"])
    with engine.connect() as connection:
        connection.execute(sa.text("LOCK TABLE lasku IN ACCESS EXCLUSIVE MODE"))
        house.work()
        steps = {s["key"]: s for s in house.show(reference)["steps"]}
        assert steps["collect:laskutus#1"]["state"] == "ready"
        assert steps["collect:laskutus#1"]["error"] in ("locked", "timeout")
        assert house.state(reference) == "collecting"
    engine.dispose()
    house.clock.advance(minutes=5)
    house.work()
    assert house.ended(reference) == ("closed", "delivered")


@pytest.fixture
def smaller_register(tmp_path: Path) -> Path:
    """The demo register after somebody took the metering out."""
    folder = shutil.copytree(ROOT / "register", tmp_path / "smaller")
    (folder / "sources" / "mittaus.yaml").unlink()
    return Path(folder)


def test_a_source_taken_out_of_the_register_before_it_was_searched_needs_a_person(
    house_here: House, smaller_register: Path
) -> None:
    down = without(house_here, "mittaus")
    reference = down.ask("active")
    down.work()
    down.close()
    smaller = house_here.again(register=smaller_register)
    smaller.clock.advance(hours=1)
    smaller.work()
    assert smaller.state(reference) == "collecting"
    assert [t.code for t in smaller.tasks(reference)] == ["source_not_in_register"]
    smaller.close()


def test_a_source_taken_out_of_the_register_after_the_approval_needs_a_person(
    house_here: House, smaller_register: Path
) -> None:
    reference = house_here.ask("ended-12-years", Right.ERASURE)
    house_here.work()
    house_here.approve(reference)
    before = house_here.dump()
    smaller = house_here.again(register=smaller_register)
    smaller.work()
    assert smaller.state(reference) == "erasing"
    assert [t.code for t in smaller.tasks(reference)] == ["source_not_in_register"]
    assert smaller.dump() == before
    smaller.close()
    try_again(house_here)
    house_here.work()
    assert house_here.ended(reference) == ("closed", "erased")


def test_what_a_skipped_source_holds_is_not_taken_for_free(house_here: House) -> None:
    reference = house_here.ask("active", Right.ERASURE)
    house_here.work()
    house_here.approve(reference)
    house_here.work()
    assert house_here.ended(reference) == ("held", "kept")
    before = house_here.dump()
    down = without(house_here, "mittaus")
    down.clock.advance(days=2)
    down.work()
    with down.held(reference) as (session, request):
        skip_source(session, down.rt, request, "mittaus", user="kaspar")
    down.work()
    down.close()
    house_here.clock.advance(hours=2)
    house_here.work()
    assert house_here.dump() == before
    assert house_here.state(reference) in ("assessing", "held")
