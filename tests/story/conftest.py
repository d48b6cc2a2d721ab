"""The demo company, built once and copied for every test."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import PostgresServer
from tests.story.house import ROOT, WEBHOOK_SECRET, House, open_house, prepare
from workflows.demo.build import build_demo
from workflows.demo.tables import DATABASES

QUICK = (
    "test_a_code_to_the_contact_on_file_opens_the_whole_answer_and_nothing_else",
    "test_a_person_nobody_knows_looks_the_same_from_outside_and_is_told_in_time",
    "test_access_by_form_from_the_first_page_to_the_downloaded_package",
    "test_access_by_mail_is_acknowledged_proven_and_delivered",
    "test_access_and_erasure_in_one_mail_need_one_code_and_erase_after_the_delivery",
    "test_what_was_approved_is_erased_and_no_other_record_is_touched[sqlite-paid-all]",
    "test_an_erasure_needs_two_different_people_who_may_decide",
    "test_a_hold_that_begins_between_approval_and_erasure_stops_it[sqlite-collection_opens]",
    "test_a_refusal_ends_with_a_certificate_that_names_ground_and_reason",
    "test_two_schedulers_at_once_climb_no_rung_twice",
    "test_a_column_that_was_lost_stops_the_search_and_says_so",
    "test_no_personal_data_lie_open_in_database_files_names_logs_or_mails",
    "test_access_plan_and_erasure_run_on_the_least_register",
    "test_the_page_of_the_stories_names_every_test",
    "test_a_register_with_mistakes_opens_no_house_and_names_all_of_them",
)
"""One of each chapter: what `make check` runs; all the others are slow, as they are many."""

OPTIONS = {"people": 8, "metering_days": 1, "longest_days": 3}
FOLDER = Path(__file__).parent
Move = Callable[..., House]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow but the quick ones."""
    for item in items:
        if item.path.parent == FOLDER and not any(name in (item.name, item.name.partition("[")[0]) for name in QUICK):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources and a prepared database of ours, as SQLite files."""
    folder = tmp_path_factory.mktemp("demo")
    build_demo(folder, **OPTIONS)
    prepare(f"sqlite:///{folder / 'vastine.db'}")
    return folder


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same as PostgreSQL databases: what to copy for each of them, and the agency's file."""
    urls = {name: postgres_server.create_database() for name in (*DATABASES, "vastine")}
    folder = tmp_path_factory.mktemp("demo-on-postgresql")
    sources = {n: u.replace("postgresql://", "postgresql+psycopg://", 1) for n, u in urls.items() if n in DATABASES}
    files = build_demo(folder, urls=sources, **OPTIONS)
    prepare(urls["vastine"])
    return {**urls, "perinta": files.urls["perinta"]}


def _on_sqlite(template: Path, folder: Path) -> dict[str, str]:
    for path in template.iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    urls = {name: f"sqlite:///{folder / name}.db" for name in (*DATABASES, "vastine")}
    return {**urls, "perinta": str(folder / "perinta.txt")}


def _on_postgres(templates: dict[str, str], folder: Path) -> dict[str, str]:
    copied = {"perinta": shutil.copy(templates["perinta"], folder)}
    for name in (*DATABASES, "vastine"):
        base, _, original = templates[name].rpartition("/")
        copy = f"vastine_test_{secrets.token_hex(6)}"
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')  # type: ignore[call-overload]
        copied[name] = f"{base}/{copy}"
    return copied


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def move_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Move]:
    """A function that opens the house over fresh copies; its arguments are those of `open_house` and settings."""
    server: PostgresServer | None = None
    if request.param == "sqlite":
        urls = _on_sqlite(request.getfixturevalue("template"), tmp_path)
    else:
        server = request.getfixturevalue("postgres_server")
        urls = _on_postgres(request.getfixturevalue("postgres_template"), tmp_path)
    yield from _moving(tmp_path, urls)
    for name in (*DATABASES, "vastine") if server else ():
        assert server is not None
        server.drop_database(urls[name])


@pytest.fixture
def move_in_here(template: Path, tmp_path: Path) -> Iterator[Move]:
    """The same on SQLite alone."""
    yield from _moving(tmp_path, _on_sqlite(template, tmp_path))


def _moving(folder: Path, urls: dict[str, str]) -> Iterator[Move]:
    opened: list[House] = []

    def move(register: Path = ROOT / "register", settings: dict[str, str] | None = None, **parts: object) -> House:
        environ = {
            "VASTINE_REGISTER": str(register),
            "VASTINE_DATA_DIR": str(folder / "var"),
            "VASTINE_DATABASE_URL": urls["vastine"],
            **{f"VASTINE_SOURCE_{n.upper()}_URL": urls[n] for n in DATABASES},
            "VASTINE_SOURCE_PERINTA_PATH": urls["perinta"],
            "VASTINE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            **(settings or {}),
        }
        sources = {n: u for n, u in urls.items() if n != "vastine"}
        opened.append(open_house(folder, sources, environ, **parts))  # type: ignore[arg-type]
        return opened[-1]

    yield move
    for house in opened:
        house.close()


@pytest.fixture
def house(move_in: Move) -> House:
    """The house on SQLite, and on PostgreSQL (slow)."""
    return move_in()


@pytest.fixture
def house_here(move_in_here: Move) -> House:
    """The house on SQLite."""
    return move_in_here()
