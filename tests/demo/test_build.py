import hashlib
import re
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from stdnum.fi import hetu as std_hetu

from tests.demo.conftest import Ask
from workflows.demo.build import DemoFiles, build_demo
from workflows.demo.metering import LoadModel, local_day
from workflows.demo.population import FIRST_COMPANY, FIRST_CUSTOMER, SHARES
from workflows.demo.tables import DATABASES
from workflows.demo.world import Point, Span

SOURCES = (
    "asiakas.db",
    "laskutus.db",
    "mittaus.db",
    "perinta.txt",
    "services/asiakaspalvelu.json",
    "services/uutiskirje.json",
    "drops/kysely/vastaukset_1.csv",
    "drops/kysely/vastaukset_2.csv",
    "drops/kentta/kaynnit_1.csv",
)


def digests(folder: Path) -> dict[str, str]:
    archived = [path.relative_to(folder).as_posix() for path in sorted((folder / "archive").glob("*.parquet"))]
    assert archived
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*SOURCES, *archived)}


def dump(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    lines = list(db.iterdump())
    db.close()
    return lines


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    build_demo(tmp_path / "one", people=60, metering_days=1, longest_days=1)
    build_demo(tmp_path / "two", people=60, metering_days=1, longest_days=1)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    for name in SOURCES[:2]:
        assert dump(tmp_path / "one" / name) == dump(tmp_path / "two" / name)


def test_another_seed_gives_another_crowd_and_the_same_cast(tmp_path: Path) -> None:
    build_demo(tmp_path / "one", people=60, metering_days=1, longest_days=1)
    build_demo(tmp_path / "two", people=60, metering_days=1, longest_days=1, seed=2)
    cast, crowd = [], []
    for name in ("one", "two"):
        db = sqlite3.connect(tmp_path / name / "asiakas.db")
        rows = db.execute("SELECT asnro, hetu, sahkoposti, alkaen FROM asiakas ORDER BY 1").fetchall()
        db.close()
        cast.append([row for row in rows if row[0] < 200_000])
        crowd.append([row for row in rows if row[0] >= 200_000])
    assert cast[0] == cast[1]
    assert crowd[0] != crowd[1]


def test_building_again_replaces_what_was_there(tmp_path: Path) -> None:
    build_demo(tmp_path, people=10, metering_days=1, longest_days=1)
    before = digests(tmp_path)
    build_demo(tmp_path, people=10, metering_days=1, longest_days=1)
    assert digests(tmp_path) == before


@pytest.mark.parametrize("source", ["asiakas", "laskutus", "mittaus"])
def test_no_foreign_key_points_at_nothing(ask: Ask, source: str) -> None:
    assert ask(source, "PRAGMA foreign_key_check") == []
    tables = DATABASES[source].tables.values()
    declared = sum(len(ask(source, f"PRAGMA foreign_key_list({t.name})")) for t in tables)
    assert declared == sum(len(t.foreign_keys) for t in tables)


@pytest.mark.parametrize("source", ["asiakas", "laskutus", "mittaus"])
def test_every_row_but_the_series_says_that_it_is_synthetic(ask: Ask, source: str) -> None:
    for name in DATABASES[source].tables:
        if name != "sarja_15":
            assert ask(source, f"SELECT DISTINCT synth FROM {name}") == [("SYNTH",)]


def test_numbers_are_the_same_person_across_the_databases(ask: Ask) -> None:
    people = {str(row[0]) for row in ask("asiakas", "SELECT asnro FROM asiakas")}
    for table in ("sopimus", "lasku", "osareskontra"):
        assert {row[0] for row in ask("laskutus", f"SELECT DISTINCT asnro FROM {table}")} <= people
    places = {row[0] for row in ask("mittaus", "SELECT gsrn FROM kayttopaikka")}
    assert {row[0] for row in ask("laskutus", "SELECT gsrn FROM sopimus")} == places
    assert {row[0] for row in ask("mittaus", "SELECT DISTINCT gsrn FROM sarja_15")} <= places
    contracts = {row[0] for row in ask("laskutus", "SELECT sopnro FROM sopimus")}
    assert {row[0] for row in ask("laskutus", "SELECT DISTINCT sopnro FROM lasku")} <= contracts


def test_every_identity_code_is_of_the_test_range(ask: Ask, demo: DemoFiles) -> None:
    codes = [row[0] for row in ask("asiakas", "SELECT hetu FROM asiakas WHERE hetu IS NOT NULL")]
    codes += [line.split("|")[3] for line in collection_lines(demo)]
    assert len(codes) > 900
    assert all(900 <= int(code[7:10]) <= 999 and std_hetu.is_valid(code, allow_temporary=True) for code in codes)


def collection_lines(demo: DemoFiles) -> list[str]:
    return Path(demo.urls["perinta"]).read_text(encoding="utf-8").splitlines()[1:]


def test_no_mail_address_can_reach_anybody(ask: Ask) -> None:
    addresses = [
        row[0] for row in ask("asiakas", "SELECT sahkoposti FROM asiakas UNION SELECT email FROM yhteyshenkilo")
    ]
    assert all(re.fullmatch(r"[a-z0-9.-]+@[a-z0-9-]+\.example", a) for a in addresses if a is not None)


def test_no_house_stands_where_these_addresses_say(ask: Ask) -> None:
    for (street,) in ask("asiakas", "SELECT katuosoite FROM asiakas"):
        assert int(re.search(r"\d+", street).group()) >= 200  # type: ignore[union-attr]


def test_the_crowd_has_its_planned_shares(ask: Ask) -> None:
    last = FIRST_CUSTOMER + 999

    def crowd(statement: str, source: str = "asiakas") -> int:
        return int(ask(source, statement, FIRST_CUSTOMER, last)[0][0])

    between = "CAST(asnro AS INTEGER) BETWEEN ? AND ?"
    found = {
        "ended": crowd(f"SELECT count(*) FROM asiakas WHERE paatetty_pvm IS NOT NULL AND {between}"),
        "estate": crowd(f"SELECT count(*) FROM asiakas WHERE laji = 'K' AND {between}"),
        "protected": crowd(f"SELECT count(*) FROM asiakas WHERE turvakielto AND {between}"),
        "name_change": crowd(f"SELECT count(*) FROM nimihistoria WHERE {between}"),
        "joint": crowd(f"SELECT count(DISTINCT asnro) FROM sopimus WHERE asnro2 IS NOT NULL AND {between}", "laskutus"),
    }
    for story, count in found.items():
        assert count == pytest.approx(SHARES[story], abs=2), story
    open_debts = crowd(f"SELECT count(DISTINCT asnro) FROM lasku WHERE avoin > 0 AND {between}", "laskutus")
    assert open_debts == SHARES["overdue"] + SHARES["collection"] + SHARES["enforcement"]
    twins = ask(
        "asiakas",
        "SELECT count(*) FROM asiakas WHERE asnro BETWEEN ? AND ?",
        FIRST_CUSTOMER + 400_000,
        FIRST_COMPANY - 1,
    )
    assert twins == [(SHARES["duplicate"],)]
    swapped = "SELECT count(*) FROM (SELECT asnro FROM sopimus GROUP BY asnro HAVING min(laji) = 'verkko') WHERE "
    assert crowd(swapped + between, "laskutus") == SHARES["swapped"]


def test_money_adds_up(ask: Ask) -> None:
    wrong = ask(
        "laskutus",
        "SELECT l.laskunro FROM lasku l JOIN laskurivi r USING (laskunro) GROUP BY l.laskunro "
        "HAVING round(l.summa * 100) != sum(r.hinta_snt)",
    )
    unpaid = ask(
        "laskutus",
        "SELECT l.laskunro FROM lasku l LEFT JOIN suoritus s USING (laskunro) GROUP BY l.laskunro "
        "HAVING round((l.summa - l.avoin) * 100) != coalesce(sum(s.summa_snt), 0)",
    )
    assert wrong == unpaid == []


@pytest.mark.parametrize(
    ("day", "quarters", "first"),
    [
        (date(2026, 3, 29), 92, "2026-03-28 22:00:00.000000"),
        (date(2026, 10, 25), 100, "2026-10-24 21:00:00.000000"),
        (date(2026, 2, 28), 96, "2026-02-27 22:00:00.000000"),
        (date(2024, 2, 29), 96, "2024-02-28 22:00:00.000000"),
    ],
)
def test_a_local_day_has_as_many_quarters_as_the_clock_says(day: date, quarters: int, first: str) -> None:
    made = local_day(day)
    assert len(made.instants) == len(set(made.instants)) == quarters
    assert made.instants[0] == first
    assert sorted(made.instants) == list(made.instants)


def test_days_join_without_gap_over_a_clock_change() -> None:
    rows = list(LoadModel(1).rows(Point("x", "flat", False, (Span(date(2026, 10, 24), date(2026, 10, 27)),))))
    assert len({at for _, at, _, _ in rows}) == len(rows) == 96 + 100 + 96


def test_a_year_of_load_is_near_the_planned_use() -> None:
    point = Point("649999000000000013", "electric_house", False, (Span(date(2025, 1, 1), date(2026, 1, 1)),))
    used = [kwh for _, _, kwh, _ in LoadModel(1).rows(point)]
    assert len(used) == 35_040
    assert sum(kwh for kwh in used if kwh is not None) == pytest.approx(18_000, rel=0.12)


def test_values_are_measured_estimated_or_missing(ask: Ask) -> None:
    assert {row[0] for row in ask("mittaus", "SELECT DISTINCT status FROM sarja_15")} == {"M", "E", "P"}
    assert ask("mittaus", "SELECT count(*) FROM sarja_15 WHERE (kwh IS NULL) != (status = 'P')") == [(0,)]


def test_the_register_on_another_day_moves_every_story_along(tmp_path: Path) -> None:
    build_demo(tmp_path, people=5, metering_days=1, longest_days=1, as_of=date(2027, 3, 1))
    db = sqlite3.connect(tmp_path / "laskutus.db")
    assert db.execute("SELECT max(pvm) <= '2027-03-01', max(pvm) > '2027-01-01' FROM lasku").fetchall() == [(1, 1)]
    db.close()


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build_demo(tmp_path, people=5, metering_days=1, longest_days=1, progress=lambda *what: told.append(what))
    assert told[0][0] == "people"
    assert told[-1][0] == "metering"
    assert told[-1][1] == told[-1][2] > 0


@pytest.mark.slow
def test_postgresql_gets_the_same_rows_as_sqlite(fresh_postgres: Callable[[], str], tmp_path: Path) -> None:
    url = fresh_postgres()
    plain = build_demo(tmp_path / "files", people=20, metering_days=1, longest_days=2)
    for _ in range(2):  # filling it again replaces what is there
        made = build_demo(
            tmp_path / "server",
            people=20,
            metering_days=1,
            longest_days=2,
            urls=dict.fromkeys(("asiakas", "laskutus", "mittaus"), url),
        )
    assert set(made.urls.values()) == {url, made.urls["perinta"]}
    server = sa.create_engine(url)
    for source, meta in DATABASES.items():
        files = sa.create_engine(plain.urls[source])
        with server.connect() as there, files.connect() as here:
            for table in meta.sorted_tables:
                if table.name != "sarja_15":
                    rows = sa.select(table).order_by(*table.primary_key.columns)
                    assert sorted(map(tuple, there.execute(rows))) == sorted(map(tuple, here.execute(rows)))
                count = sa.select(sa.func.count()).select_from(table)
                assert there.execute(count).scalar() == here.execute(count).scalar()
        files.dispose()
    server.dispose()
