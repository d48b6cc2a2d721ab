"""`vastine source scan` on real databases: what it finds, what it never shows, and what it never touches."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from tests.connectors import shop
from tests.workers.conftest import Run
from workflows.connectors.discovery import SqlDiscovery
from workflows.demo.build import build_demo
from workflows.register.check import check_folder
from workflows.rules.discovered import FoundTable
from workflows.rules.picture import Picture, picture_of

TODAY = datetime.now(UTC).date()
MARK = "sentinel"


def looked(url: str) -> list[FoundTable]:
    discovery = SqlDiscovery(url)
    found = discovery.discover()
    tables = discovery.alike(discovery.look(found.tables, today=TODAY), default=found.default)
    discovery.dispose()
    return tables


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    build_demo(folder, people=300, metering_days=1)
    return folder


@pytest.fixture
def shop_url(database_url: str) -> str:
    shop.run_sql(database_url, shop.DDL + shop.ROWS)
    return database_url


def test_tables_columns_types_lengths_and_keys_are_as_the_database_has_them(shop_url: str) -> None:
    found = {t.name: t for t in looked(shop_url)}
    assert set(found) == {
        "address", "customer", "employee", "orders", "order_line", "shipment", "service_request", "account", "card",
        "visit",
    }  # fmt: skip
    customer = found["customer"]
    assert [(f.name, f.data_type, f.kind, f.length, f.primary) for f in customer.fields] == [
        ("id", "integer", "", None, True),
        ("email", "string", "", 80, False),
        ("name", "string", "", 60, False),
        ("born", "", "date", None, False),
        ("seen", "", "instant", None, False),
        ("address_id", "integer", "", None, False),
    ]
    assert [(k.columns, k.table, k.targets) for k in customer.keys] == [(("address_id",), "address", ("id",))]
    assert found["order_line"].primary == ("order_id", "line_no")
    (key,) = found["shipment"].keys
    assert (key.columns, key.targets) == (("order_id", "line_no"), ("order_id", "line_no"))


def test_a_reference_that_nobody_declared_is_found_by_name_and_values(shop_url: str) -> None:
    with closing_engine(shop_url) as connection:
        connection.exec_driver_sql("CREATE TABLE letter (id INTEGER PRIMARY KEY, customer_id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE parcel (id INTEGER PRIMARY KEY, customer_id INTEGER)")
        connection.exec_driver_sql("INSERT INTO letter VALUES (1, 1), (2, 2), (3, 4), (4, NULL)")
        connection.exec_driver_sql("INSERT INTO parcel VALUES (1, 77), (2, 78), (3, 1)")
    found = {t.name: t for t in looked(shop_url)}
    (like,) = found["letter"].alike
    assert (like.column, like.table, like.target, like.tried, like.held) == ("customer_id", "customer", "id", 3, 3)
    assert found["parcel"].alike == ()


def closing_engine(url: str):
    from contextlib import contextmanager

    @contextmanager
    def opened():
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    return opened()


def test_a_scan_changes_nothing(shop_url: str) -> None:
    def dump() -> list[tuple]:
        with closing_engine(shop_url) as connection:
            tables = sorted(sa.inspect(connection).get_table_names())
            return [(t, *row) for t in tables for row in connection.exec_driver_sql(f'SELECT * FROM "{t}" ORDER BY 1')]

    before = dump()
    looked(shop_url)
    assert dump() == before
    assert before


def test_a_view_that_fails_costs_only_its_own_sample(database_url: str) -> None:
    with closing_engine(database_url) as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80))")
        connection.exec_driver_sql("INSERT INTO customer VALUES (1, 'jane@shop.example')")
        broken = "CAST(email AS INTEGER) / 0" if "postgresql" in database_url else "abs(-9223372036854775808)"
        connection.exec_driver_sql(f"CREATE VIEW bad AS SELECT id, {broken} AS email FROM customer")
        connection.exec_driver_sql("CREATE TABLE zebra (id INTEGER PRIMARY KEY, phone VARCHAR(80))")
        connection.exec_driver_sql("INSERT INTO zebra VALUES (1, '0401234567')")
    found = {t.name: t for t in looked(database_url)}
    assert "no sample could be taken" in found["bad"].unread
    assert "jane" not in found["bad"].unread
    assert not found["zebra"].unread
    assert found["zebra"].fields[1].evidence.seen == 1


def test_a_table_that_the_user_may_not_read_is_described_and_said_to_be_closed(
    fresh_postgres: Callable[[], str],
) -> None:
    url = fresh_postgres()
    with closing_engine(url) as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, hetu TEXT)")
        connection.exec_driver_sql("CREATE TABLE salary (id INTEGER PRIMARY KEY, amount INTEGER)")
        connection.exec_driver_sql("CREATE SCHEMA hr; CREATE TABLE hr.notes (id INTEGER, body TEXT)")
        connection.exec_driver_sql("DROP ROLE IF EXISTS scan_reader; CREATE ROLE scan_reader LOGIN")
        connection.exec_driver_sql("GRANT SELECT (id, email) ON customer TO scan_reader")
    try:
        found = {t.place: t for t in looked(url.replace("postgres@", "scan_reader@"))}
        readable = {f.name: f.readable for f in found["public", "customer"].fields}
        assert readable == {"id": True, "email": True, "hetu": False}
        assert found["public", "salary"].unread == "this user may not read it"
        assert found["hr", "notes"].unread == "this user may not read it"
    finally:
        with closing_engine(url) as connection:
            connection.exec_driver_sql("DROP OWNED BY scan_reader; DROP ROLE scan_reader")


def test_parts_of_a_partitioned_table_are_not_tables_of_their_own(postgres_url: str) -> None:
    with closing_engine(postgres_url) as connection:
        connection.exec_driver_sql("CREATE TABLE reading (gsrn varchar(18), at date) PARTITION BY RANGE (at)")
        for year in (2024, 2025):
            span = f"FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
            connection.exec_driver_sql(f"CREATE TABLE reading_{year} PARTITION OF reading FOR VALUES {span}")
        connection.exec_driver_sql("INSERT INTO reading VALUES ('643000000000000019', '2024-05-05')")
    (table,) = looked(postgres_url)
    assert (table.name, table.fields[0].evidence.seen) == ("reading", 1)


@pytest.mark.parametrize("source", ["asiakas", "laskutus", "mittaus"])
def test_of_what_people_marked_as_a_persons_the_scan_finds_nearly_all(demo_folder: Path, source: str) -> None:
    """The demo register was annotated by hand: its contact data, names, codes and numbers are the truth here."""
    truth = yaml.safe_load((Path(__file__).parents[2] / f"register/sources/{source}.yaml").read_text())
    strong = ("user.name", "user.contact", "user.government_id", "user.demographic", "user.financial.bank_account",
              "user.unique_id")  # fmt: skip
    wanted = {
        (c["name"], f["name"]): f["data_categories"][0]
        for d in truth["dataset"]
        for c in d["collections"]
        for f in c["fields"]
        if f.get("data_categories", [""])[0].startswith(strong) and f["name"] not in ("alkaen", "asti")
    }
    picture = picture_of(looked(f"sqlite:///{demo_folder / source}.db"))
    found = {(p.table.name, name): g for p in picture.tables for name, g in p.guesses.items() if g.personal}
    missed = sorted(set(wanted) - set(found))
    assert len(missed) <= len(wanted) * 0.05, missed
    right = [w for w in wanted if w in found and wanted[w].split(".")[:2] == found[w].category.split(".")[:2]]
    assert len(right) >= len(wanted) * 0.95, sorted(set(wanted) - set(right))


def test_technical_columns_of_the_demo_are_not_taken_for_personal(demo_folder: Path) -> None:
    picture = picture_of(looked(f"sqlite:///{demo_folder / 'mittaus'}.db"))
    series = next(p for p in picture.tables if p.table.name == "mittari")
    assert not series.guesses["asennettu"].personal
    assert not series.guesses["synth"].personal


def people_of(picture: Picture) -> str:
    return picture.people.table.name if picture.people else ""


def test_the_table_of_the_people_is_found_and_where_there_is_none_none_is_named(demo_folder: Path) -> None:
    assert people_of(picture_of(looked(f"sqlite:///{demo_folder / 'asiakas'}.db"))) == "asiakas"
    assert people_of(picture_of(looked(f"sqlite:///{demo_folder / 'mittaus'}.db"))) == ""


def sentinels(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, note TEXT, extra BLOB);"
            "CREATE TABLE message (id INTEGER PRIMARY KEY, customer_id INTEGER, body TEXT);"
        )
        for n in range(300):
            who = f"{MARK}{n}"
            row = (n, f"{MARK.title()} {who.title()}", f"{who}@mail.example", f"Call {who} on 0401234567", who.encode())
            db.execute("INSERT INTO customer VALUES (?, ?, ?, ?, ?)", row)
            db.execute("INSERT INTO message VALUES (?, ?, ?)", (n, n, f"{who} wrote that {who}@mail.example is wrong"))
        db.commit()


@pytest.mark.parametrize("options", [[], ["--json"], ["--rows", "5"], ["--out", "draft.yaml"]])
def test_nothing_that_was_sampled_is_printed_logged_or_kept(
    vastine: Run,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    options: list[str],
) -> None:
    (tmp_path / "elsewhere").mkdir()
    sentinels(tmp_path / "elsewhere/crm.db")
    caplog.set_level(logging.INFO)
    ran = vastine("source", "scan", f"sqlite:///{tmp_path}/elsewhere/crm.db", *options)
    assert ran.code == 0, ran.err
    told = ran.out + ran.err + caplog.text
    assert MARK not in told.casefold()
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and p.parent.name != "elsewhere"]
    assert kept
    assert not [p.name for p in kept if MARK.encode() in p.read_bytes().lower()]
    if not options:
        assert "300" not in told
        assert "sampled values look like an e-mail address" in told


def test_a_draft_reads_its_address_from_a_secret_and_shows_no_password(vastine: Run, tmp_path: Path) -> None:
    sentinels(tmp_path / "crm.db")
    ran = vastine("source", "scan", f"sqlite:///{tmp_path}/crm.db?password=hush-hush", "--name", "My CRM")
    assert ran.code == 0 or "hush" not in ran.out + ran.err
    ran = vastine("source", "scan", f"sqlite:///{tmp_path}/crm.db", "--name", "My CRM")
    assert yaml.safe_load(ran.out)["connection"] == {"url": {"env": "VASTINE_SOURCE_MY_CRM_URL"}}
    assert str(tmp_path) not in ran.out


def test_a_draft_of_a_whole_source_loads_once_reviewed_and_people_are_found_with_it(
    vastine: Run,
    tmp_path: Path,
) -> None:
    register = tmp_path / "new"
    (register / "sources").mkdir(parents=True)
    (register / "controller.yaml").write_text("name: Shop Oy\n")
    draft = register / "sources/world.yaml"
    ran = vastine("source", "scan", f"sqlite:///{tmp_path}/world/shop.db", "--name", "world", "--out", str(draft))
    assert (ran.code, ran.out) == (0, "")
    assert "marked CHECK" in ran.err
    assert [f.what for f in check_folder(register)] == ["this is a draft that nobody has gone through"]
    draft.write_text(draft.read_text().replace("review: needed\n", ""))
    assert check_folder(register) == []
    again = vastine("source", "scan", f"sqlite:///{tmp_path}/world/shop.db", "--name", "world", "--out", str(draft))
    assert again.code == 2
    assert "a draft replaces nothing" in again.err


def test_a_source_of_the_register_is_scanned_by_its_name_with_its_own_connection(vastine: Run) -> None:
    data = yaml.safe_load(vastine("source", "scan", "shop").out)
    assert data["connection"] == {"url": {"env": "SHOP_URL"}}
    assert {c["name"] for c in data["dataset"][0]["collections"]} == {"customer", "orders"}
    assert data["person"]["subject"]["collection"] == "customer"


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("nowhere", 4, "the register has no source nowhere"),
        ("sqlite:////nonexistent/x.db", 1, "does not exist"),
        ("mssql://root:hush-hush@127.0.0.1/x", 2, "there is no driver"),
        ("oops://root:hush-hush@127.0.0.1/x", 1, "could not be read"),
        ("postgresql://root:hush-hush@127.0.0.1:1/x", 1, "does not answer"),
        ("://", 2, "not a URL"),
    ],
)
def test_what_can_not_be_scanned_is_told_plainly_and_without_a_password(
    vastine: Run,
    target: str,
    code: int,
    words: str,
) -> None:
    ran = vastine("source", "scan", target)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert "hush" not in ran.err


def test_an_empty_database_is_no_draft(vastine: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db")) as db:
        db.execute("VACUUM")
    ran = vastine("source", "scan", f"sqlite:///{tmp_path}/empty.db")
    assert (ran.code, "no table here" in ran.err) == (4, True)
