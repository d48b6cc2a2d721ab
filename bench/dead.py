"""Twelve sources, one of them dead: do the others finish as fast as without it?"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from bench import batch, shop
from bench.place import Place
from bench.report import Report
from bench.throughput import working
from models.migrate import upgrade
from models.session import open_engine

SOURCES = 12
REQUESTS = 24
TIMEOUT_SECONDS = 1
"""How long a call to one of these sources may take."""
_PATIENCE_SECONDS = 180
_SOURCE = """
source: s{n}
kind: sql
connection: {{url: {{env: S{n}_URL}}}}
timeout_seconds: {timeout}
dataset:
  - fides_key: s{n}
    collections:
      - name: person
        fields:
          - {{name: id, data_categories: [user.unique_id], fides_meta: {{primary_key: true, data_type: integer{led}}}}}
          - {{name: email, data_categories: [user.contact.email], fides_meta: {{data_type: string{known}}}}}
          - {{name: said, data_categories: [user.content]}}
"""
_LED = ", references: [{dataset: s1, field: person.id, direction: from}]"


def source_text(n: int) -> str:
    """The first source knows people; its number leads to the others."""
    known, led = (", identity: email", "") if n == 1 else ("", _LED)
    return _SOURCE.format(n=n, timeout=TIMEOUT_SECONDS, known=known, led=led)


def measure(place: Place) -> Report:
    """All twelve well, then the last refusing calls, then the last taking them and never answering."""
    register = {f"s{n}": source_text(n) for n in range(1, SOURCES + 1)}
    folder = shop.write_register(place.folder / "twelve", sources=register)
    urls = {f"S{n}_URL": _filled(place) for n in range(1, SOURCES + 1)}
    with _silent() as port:
        ways = {
            "well": urls[f"S{SOURCES}_URL"],
            "refusing": "postgresql://nobody@127.0.0.1:9/nothing",
            "silent": f"postgresql://nobody@127.0.0.1:{port}/nothing",
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(2):
            for way, url in ways.items():
                seconds[way].append(_run(place, folder, {**urls, f"S{SOURCES}_URL": url}))
    best = {way: min(values) for way, values in seconds.items()}
    report = Report(
        f"{REQUESTS} requests in {SOURCES} sources, one of them dead: until the other {SOURCES - 1} are done"
    )
    report.add("all sources well", best["well"], "s", told="the better of two runs, as below")
    report.add("one refuses calls ÷ all well", best["refusing"] / best["well"], "×", aim=1.1)
    report.add("one takes calls and is silent ÷ all well", best["silent"] / best["well"], "×", aim=1.5)
    report.add(
        "lost to the silent one", best["silent"] - best["well"], "s", told="five calls that wait, by two workers"
    )
    report.notes.append("after five calls nobody asks a dead source, but one step every five minutes")
    return report


def _filled(place: Place) -> str:
    url = place.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80) UNIQUE, said VARCHAR(80))")
        rows = f"SELECT c, 'person' || c || '@shop.example', 'said' FROM generate_series(1, {REQUESTS + 10}) AS c"
        connection.execute(f"INSERT INTO person {rows}")
    return url


def _run(place: Place, register: Path, urls: dict[str, str]) -> float:
    """Seconds from the first request until every source but the last has answered for all."""
    own = place.new_database()
    engine = open_engine(own)
    upgrade(engine)
    engine.dispose()
    environ = {**place.environ, **urls, "VASTINE_REGISTER": str(register), "VASTINE_DATABASE_URL": own}
    here = replace(place, environ=environ)
    with working(here, "no-pdf", warm=0) as (rt, _):
        start = time.monotonic()
        for customer in range(1, REQUESTS + 1):
            batch.open_one(rt, customer)
        done = f"SELECT count(*) FROM steps WHERE kind = 'collect' AND state = 'done' AND source <> 's{SOURCES}'"
        while here.scalar(done) < REQUESTS * (SOURCES - 1):
            if time.monotonic() - start > _PATIENCE_SECONDS:
                raise RuntimeError("the other sources never finished")
            time.sleep(0.05)
        return time.monotonic() - start


@contextmanager
def _silent() -> Iterator[int]:
    """A port that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server.getsockname()[1]
