"""What `vastine source diff` tells of a source that changed since somebody described it, and who hears of it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from models.staff import HumanTask
from models.vocabulary import TaskState
from tests.connectors import shop
from tests.workers.conftest import Run
from tests.world import World, make_world
from workflows.human import close_task
from workflows.register.drift import Change, drift, undescribed
from workflows.rules.discovered import Discovered, Evidence, FoundField, FoundKey, FoundTable
from workflows.unmapped import changes_of, watch_columns

TODAY = date(2026, 11, 24)


def changed(url: str, *statements: str) -> list[Change]:
    shop.run_sql(url, shop.DDL + shop.ROWS)
    shop.run_sql(url, ";\n".join(statements))
    connector = shop.shop(url)
    try:
        return changes_of(connector.spec, connector, today=TODAY)
    finally:
        connector.dispose()


def told(changes: list[Change]) -> set[tuple[str, str, str, bool]]:
    return {(c.kind, c.collection, c.field, c.personal) for c in changes}


def test_a_source_that_is_as_described_has_no_difference(database_url: str) -> None:
    assert [c for c in changed(database_url, "SELECT 1") if c.kind not in ("column_added", "new_reference")] == []


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("ALTER TABLE orders ADD COLUMN gift_email VARCHAR(80)", ("column_added", "orders", "gift_email", True)),
        ("ALTER TABLE orders ADD COLUMN weight INTEGER", ("column_added", "orders", "weight", False)),
        ("CREATE TABLE warehouse (id INTEGER PRIMARY KEY, aisle INTEGER)", ("table_added", "warehouse", "", False)),
        ("CREATE TABLE lead (id INTEGER PRIMARY KEY, hetu VARCHAR(11))", ("table_added", "lead", "hetu", True)),
        (
            "CREATE TABLE refund (id INTEGER PRIMARY KEY, given INTEGER REFERENCES customer (id))",
            ("table_added", "refund", "given", True),
        ),
        ("DROP TABLE visit", ("table_removed", "visit", "", False)),
        ("ALTER TABLE orders DROP COLUMN note", ("column_removed", "orders", "note", False)),
    ],
)
def test_each_change_of_the_schema_is_told_for_what_it_is(
    database_url: str, statement: str, wanted: tuple[str, str, str, bool]
) -> None:
    assert wanted in told(changed(database_url, statement))


def test_a_new_column_with_a_meaningless_name_is_known_by_its_values(database_url: str) -> None:
    url = database_url
    filled = "UPDATE orders SET x7 = 'person' || id || '@mail.example'"
    (found,) = [c for c in changed(url, "ALTER TABLE orders ADD COLUMN x7 VARCHAR(80)", filled) if c.field == "x7"]
    assert found.personal
    assert "3 of 3 sampled values look like an e-mail address" in found.what
    assert "person1" not in found.what


def test_a_type_a_length_and_a_key_that_changed_are_told() -> None:
    fields = [
        shop.field("no", shop.KEY, primary_key=True, data_type="integer"),
        shop.field("email", shop.EMAIL, identity="email", data_type="string", length=80),
        shop.field("name", shop.NAME, data_type="string"),
        shop.field("score", shop.NAME, data_type="float"),
    ]
    spec = shop.source("shop", shop.dataset({"customer": fields}))
    live = (
        FoundField("no", "BIGINT", "integer"),
        FoundField("email", "VARCHAR(20)", "string", length=20, primary=True),
        FoundField("name", "INTEGER", "integer"),
        FoundField("score", "INTEGER", "integer"),
    )
    found = {c.kind: c for c in drift(spec, Discovered([FoundTable("customer", live)]))}
    assert set(found) == {"type_changed", "length_changed", "key_changed"}
    assert found["type_changed"].what == "described as string, and it is INTEGER"
    assert "may not fit" in found["length_changed"].what
    assert found["key_changed"].what == "the primary key is email, described is no"


def test_a_foreign_key_to_a_described_table_that_nobody_described_is_told(database_url: str) -> None:
    found = changed(
        database_url,
        "DROP TABLE visit",
        "CREATE TABLE visit (email VARCHAR(80) NOT NULL, page VARCHAR(80) REFERENCES customer (email))",
    )
    assert ("new_reference", "visit", "page", False) in told(found)


def test_what_may_not_be_read_any_more_is_told(fresh_postgres: Callable[[], str]) -> None:
    url = fresh_postgres()
    shop.run_sql(url, shop.DDL + shop.ROWS)
    shop.run_sql(
        url,
        "DROP ROLE IF EXISTS diff_reader;\nCREATE ROLE diff_reader LOGIN;\n"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO diff_reader;\nREVOKE SELECT ON orders FROM diff_reader;\n"
        "GRANT SELECT (id) ON orders TO diff_reader;",
    )
    connector = shop.shop(url.replace("postgres@", "diff_reader@"))
    try:
        found = told(changes_of(connector.spec, connector, today=TODAY))
    finally:
        connector.dispose()
        shop.run_sql(url, "DROP OWNED BY diff_reader;\nDROP ROLE diff_reader;")
    assert ("not_readable", "orders", "customer_id", False) in found
    assert ("not_readable", "orders", "id", False) not in found
    assert ("not_readable", "customer", "email", False) not in found


def test_only_what_nobody_described_is_sampled() -> None:
    spec = shop.shop("sqlite://").spec
    table = FoundTable("customer", (FoundField("email"), FoundField("x9")))
    assert [(t.name, [f.name for f in t.fields]) for t in undescribed(spec, Discovered([table]))] == [
        ("customer", ["x9"])
    ]


def test_columns_that_were_left_out_on_purpose_are_not_told_again() -> None:
    spec = shop.shop("sqlite://").spec
    table = FoundTable("customer", (*(FoundField(n) for n in ("id", "email", "name")), FoundField("hetu")))
    found = Discovered([table])
    assert any(c.field == "hetu" and c.personal for c in drift(spec, found))
    silent = shop.source("shop", shop.dataset(), person={"collections": {"customer": {"ignored": ["hetu"]}}})
    assert not any(c.field == "hetu" for c in drift(silent, found))


def test_a_table_of_another_schema_is_another_sources_business() -> None:
    spec = shop.shop("sqlite://").spec
    hits = Evidence(5, 5, {"email": 5})
    other = FoundTable("customer", (FoundField("email", evidence=hits),), schema="web", keys=())
    mine = FoundTable("customer", (FoundField("x", evidence=hits),), schema="public",
                      keys=(FoundKey(("x",), "web", "customer", ("email",)),))  # fmt: skip
    found = drift(spec, Discovered([mine, other], "public"), [mine])
    assert {(c.kind, c.collection, c.field) for c in found if c.personal} == {("column_added", "customer", "x")}


# --- the command ---------------------------------------------------------------------------------------------------


def run(path: str, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def test_the_command_ends_by_what_it_found(vastine: Run) -> None:
    same = vastine("source", "diff", "shop")
    assert same.code == 0
    run("world/shop.db", "ALTER TABLE orders ADD COLUMN weight INTEGER")
    assert vastine("source", "diff", "shop").code == 0
    run("world/shop.db", "ALTER TABLE orders DROP COLUMN note")
    ran = vastine("source", "diff", "shop")
    assert (ran.code, "column_removed" in ran.out) == (1, True)
    run("world/shop.db", "ALTER TABLE orders ADD COLUMN hetu VARCHAR(11)")
    ran = vastine("source", "diff", "shop", "--json")
    assert ran.code == 6
    (alarm,) = [row for row in ran.json if row["personal"]]
    assert (alarm["source"], alarm["collection"], alarm["field"]) == ("shop", "orders", "hetu")
    assert vastine("source", "diff").code == 6
    assert vastine("source", "diff", "nowhere").code == 4


def test_nothing_that_was_sampled_of_a_new_column_is_printed(vastine: Run, tmp_path: Path) -> None:
    run("world/shop.db", "ALTER TABLE orders ADD COLUMN x9 TEXT", "UPDATE orders SET x9 = 'sentinel@mail.example'")
    ran = vastine("source", "diff", "shop")
    assert ran.code == 6
    assert "sentinel" not in (ran.out + ran.err).casefold()
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "shop.db"]
    assert not [p for p in kept if b"sentinel" in p.read_bytes()]


# --- the daily look ------------------------------------------------------------------------------------------------


@pytest.fixture
def opened() -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(folder: Path, **more: str) -> World:
        worlds.append(make_world(folder, **more))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def tasks_of(world: World) -> list[HumanTask]:
    with world.rt.unit() as session:
        return list(session.scalars(select(HumanTask).where(HumanTask.code == "personal_column")))


def test_a_new_personal_column_becomes_one_task_however_often_anybody_looks(
    opened: Callable[..., World], tmp_path: Path, database_url: str
) -> None:
    world = opened(tmp_path, database_url=database_url)
    assert watch_columns(world.rt) == 0
    run(str(tmp_path / "shop.db"), "ALTER TABLE customer ADD COLUMN hetu VARCHAR(11)")
    assert [watch_columns(world.rt) for _ in range(3)] == [1, 0, 0]
    (task,) = tasks_of(world)
    assert task.state is TaskState.OPEN
    assert task.facts == {"source": "shop", "collection": "customer", "field": "hetu"}


def test_a_task_that_a_person_closed_stays_closed_and_one_that_is_settled_closes_itself(
    opened: Callable[..., World], tmp_path: Path
) -> None:
    world = opened(tmp_path)
    run(str(tmp_path / "shop.db"), "ALTER TABLE customer ADD COLUMN hetu VARCHAR(11)",
        "ALTER TABLE orders ADD COLUMN phone VARCHAR(20)")  # fmt: skip
    assert watch_columns(world.rt) == 2
    with world.rt.unit() as session:
        task = next(t for t in session.scalars(select(HumanTask)) if t.facts.get("field") == "hetu")
        close_task(session, world.rt, task, by="anna", answer="nothing_to_do")
    run(str(tmp_path / "shop.db"), "ALTER TABLE orders DROP COLUMN phone")
    assert watch_columns(world.rt) == 0
    assert {(t.facts["field"], t.state, t.answer) for t in tasks_of(world)} == {
        ("hetu", TaskState.DONE, "nothing_to_do"),
        ("phone", TaskState.DONE, "described"),
    }
    run(str(tmp_path / "shop.db"), "ALTER TABLE orders ADD COLUMN phone VARCHAR(20)")
    assert watch_columns(world.rt) == 1


def test_a_source_that_is_away_stops_no_look_at_the_others_and_closes_nothing(
    opened: Callable[..., World], tmp_path: Path
) -> None:
    world = opened(tmp_path)
    run(str(tmp_path / "shop.db"), "ALTER TABLE customer ADD COLUMN hetu VARCHAR(11)")
    run(str(tmp_path / "billing.db"), "ALTER TABLE invoice ADD COLUMN email VARCHAR(80)")
    assert watch_columns(world.rt) == 2
    (tmp_path / "billing.db").rename(tmp_path / "away.db")
    assert watch_columns(world.rt) == 0
    assert [t.state for t in tasks_of(world)] == [TaskState.OPEN, TaskState.OPEN]


def test_the_console_says_which_column_in_every_language() -> None:
    from webhooks.words import load_words

    for language in ("fi", "sv", "en"):
        text = load_words("console.")[language]("why.personal_column", source="CRM", column="customer.hetu")
        assert "CRM" in text
        assert "customer.hetu" in text
