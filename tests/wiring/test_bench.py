"""What is measured only now and then must not rot in between: each bench in its smallest form, or its pieces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from bench import (
    anatomy,
    assess,
    bare,
    batch,
    dead,
    flood,
    growth,
    intake,
    letter,
    mail,
    million,
    parquet,
    run,
    schema,
    series,
    shop,
    sources,
    worker,
)
from bench.place import Place
from bench.report import RESULTS, Report
from models.migrate import upgrade
from models.request import Request
from models.session import open_engine
from models.vocabulary import Channel, RequestState
from tests.servers import PostgresServer
from webhooks.public import create_app
from workers.serving import Server
from workflows import engine
from workflows.adapters.keys import create_key_file
from workflows.register.load import load_register
from workflows.runtime import Runtime
from workflows.wiring import build

FEW = 3


def house(folder: Path, *, shop_url: str = "", postgres: Any = None, source: str | None = None) -> Place:
    """A place with its own database in a file, and neither Redis nor workers."""
    create_key_file(folder / "keys.json")
    url = f"sqlite:///{folder / 'own.db'}"
    own = open_engine(url)
    upgrade(own)
    own.dispose()
    register = shop.write_register(folder / "register", sources={"grid": source} if source else None)
    environ = {
        "VASTINE_REGISTER": str(register),
        "VASTINE_DATA_DIR": str(folder / "var"),
        "VASTINE_DATABASE_URL": url,
        "VASTINE_KEY_FILE": str(folder / "keys.json"),
        "VASTINE_PUBLIC_URL": "https://portal.example",
        "SHOP_URL": shop_url or "sqlite://",
    }
    return Place(folder, postgres, postgres, shop_url, environ)


@pytest.fixture
def place(tmp_path: Path, postgres_server: PostgresServer, fresh_postgres: Callable[[], str]) -> Place:
    """The same with a shop of three customers in PostgreSQL."""
    url = fresh_postgres()
    shop.fill(url, FEW)
    return house(tmp_path, shop_url=url, postgres=postgres_server)


def told(report: Report) -> dict[str, float]:
    assert report.figures
    assert all(figure.line() for figure in report.figures)
    return {figure.name: figure.value for figure in report.figures}


def close(rt: Runtime) -> None:
    rt.sessions.kw["bind"].dispose()
    for connector in rt.connectors.values():
        connector.dispose()  # type: ignore[attr-defined]


def test_what_was_measured_has_a_bench_that_measures_it() -> None:
    assert {path.stem for path in RESULTS.glob("*.json")} <= run.BENCHES.keys()


def test_the_bench_of_rules_judges_records_of_all_its_categories() -> None:
    rows = [(n, c, assess.TODAY, assess.TODAY, n % 2 * 40.5, assess.TODAY, f"L{n}", "x")
            for n, c in enumerate(["C05", "C06", "C07", "C07", "C09", "C11"])]  # fmt: skip
    compiled = assess.compiled_rules()
    assert len({rule.id for rules in compiled.by_category.values() for rule in rules}) == 20
    found = [bool(verdict.holds) for _, verdict in assess.assessed([assess.item(row) for row in rows], compiled)]
    assert found == [True, True, True, True, True, False]


def test_the_bench_of_letters_fills_as_many_pages_with_the_letters_own_words() -> None:
    page = letter.plain("<style>p {}</style><p>Hello <b>you</b></p>", 3, lambda html: html.count("Hello"))
    assert page.count("<p>Hello</p><p>you</p>") == 3
    assert "style" not in page


def test_the_bench_of_mail_takes_its_corpus_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for one in sorted(mail.CORPUS.glob("*.eml"))[:2]:
        (tmp_path / one.name).write_bytes(one.read_bytes())
    monkeypatch.setattr(mail, "CORPUS", tmp_path)
    assert told(mail.measure(None))["kept, understood and filed on SQLite"] > 0  # type: ignore[arg-type]


def test_the_bench_of_floods_counts_who_was_taken_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @contextmanager
    def portal(place: Place) -> Iterator[int]:
        rt = place.runtime()
        server = Server(create_app(rt), host="127.0.0.1", port=0, threads=2).start()
        yield server.port
        server.stop()
        close(rt)

    monkeypatch.setattr(flood, "portal", portal)
    monkeypatch.setattr(flood, "FORMS", 45)
    monkeypatch.setattr(flood, "_CALM_FORMS", 4)
    here = house(tmp_path)
    figures = told(flood.measure(here))
    assert 20 <= figures["of them taken in"] <= 40
    assert figures["of them taken in"] + figures["of them refused with words"] == 45
    assert figures["forms of others refused"] == 0


def test_the_bench_of_files_writes_what_it_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parquet, "MONTHS", 1)
    folder, register = parquet.fill(tmp_path)
    environ = {"ARCHIVE": str(folder), "ARCHIVE_REGISTER": str(register), "ARCHIVE_MONTHS": "1"}
    assert parquet.answer(environ)["rows"] > 4 * 96 * 29


def test_the_twelve_sources_of_the_bench_are_a_register(tmp_path: Path) -> None:
    written = {f"s{n}": dead.source_text(n) for n in range(1, dead.SOURCES + 1)}
    register = load_register(shop.write_register(tmp_path, sources=written))
    assert len(register.sources) == dead.SOURCES


def test_the_stages_that_do_nothing_end_a_request(tmp_path: Path) -> None:
    rt = build(house(tmp_path).settings(), **worker.PARTS["engine"])
    ident = batch.open_one(rt, 1)
    engine.drain(rt)
    with rt.unit() as session:
        assert session.get_one(Request, ident).state is RequestState.CLOSED
    close(rt)


def test_the_form_that_the_bench_sends_opens_a_request(tmp_path: Path) -> None:
    here = house(tmp_path)
    rt = here.runtime()
    client = create_app(rt).test_client()

    class Wire:
        """As an HTTP connection, to the portal in this process."""

        def request(self, method: str, path: str, body: str, headers: dict[str, str]) -> None:
            self.answer = client.open(
                path, method=method, data=body, headers=headers, base_url="https://portal.example"
            )

        def getresponse(self) -> Any:
            return SimpleNamespace(status=self.answer.status_code, read=self.answer.get_data)

    intake.form(here)(Wire())  # type: ignore[arg-type]
    with rt.unit() as session:
        assert session.query(Request).one().channel is Channel.PORTAL
    close(rt)


def test_the_bare_form_commits_one_row(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bare.db'}"
    assert bare.make_app(url).test_client().post("/", data={"message": "All of it."}).status_code == 303
    own = open_engine(url)
    with own.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM bare")).scalar_one() == 1
    own.dispose()


def test_every_bench_beside_the_driver_measures_a_little(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (sources, "TIMES", 1),
        (anatomy, "TIMES", 1),
        (schema, "TIMES", 1),
        (schema, "TABLES", 4),
        (growth, "PEOPLE", 8),
        (growth, "_HALF", 4),
        (growth, "REQUESTS", (1, 2, 3)),
    ):
        monkeypatch.setattr(module, name, value)
    rules = told(assess.measure(place, records=400, held_records=40))
    assert rules["held, looked at again: a record"] > 0
    assert told(schema.measure(place))["whole scan of 500 tables"] > 0
    assert told(sources.measure(place))["erase ÷ raw SQL"] > 0
    assert told(growth.measure(place))["erase ÷ raw SQL, 1 requests"] > 0
    assert told(anatomy.measure(place))["steps"] > 0


def test_the_bench_of_a_series_packs_and_fetches_it(
    tmp_path: Path, postgres_server: PostgresServer, fresh_postgres: Callable[[], str]
) -> None:
    url = fresh_postgres()
    with psycopg.connect(url) as connection:
        connection.execute(series.FILL.replace("2025-12-31", "2023-01-01"))
    found = series.answer({**house(tmp_path, source=series.SOURCE).environ, "GRID_URL": url})
    assert found["rows"] == series.POINTS * 96
    assert found.keys() >= set(series.STEPS)


def test_the_bench_of_a_million_rows_reads_what_the_driver_reads(place: Place) -> None:
    with psycopg.connect(place.shop_url) as connection:
        connection.execute("INSERT INTO customer VALUES (9, 'person9@shop.example', 'Person', '+358401', now())")
        connection.execute("INSERT INTO login SELECT 9000 + i, 9, now(), 'Phone' FROM generate_series(1, 4) AS i")
    assert million.answer({**place.environ, "CUSTOMER": "9"})["rows"] == 4
