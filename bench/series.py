"""Half a million quarter-hour values of one person: collected, packaged, downloaded. How much memory, how long?"""

import os
import time
from collections.abc import Iterator

import psycopg

from bench import shop
from bench.place import Place, family, high_water_mb
from bench.report import Report
from models.migrate import upgrade
from models.request import Request
from models.session import open_engine
from models.vocabulary import Channel, Method, Right
from workflows import engine
from workflows.answer import PACKAGE, fetch
from workflows.casefile import Claim
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.stages import intake
from workflows.wiring import build

POINTS, YEARS = 5, 3
WHO = "house@grid.example"
SOURCE = """\
source: grid
kind: sql
timeout_seconds: 300
connection: {url: {env: GRID_URL}}
dataset:
  - fides_key: grid
    collections:
      - name: customer
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
      - name: point
        fields:
          - {name: gsrn, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: string}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: grid, field: customer.id, direction: from}]}
      - name: reading
        fields:
          - name: gsrn
            data_categories: [user.unique_id]
            fides_meta:
              primary_key: true
              data_type: string
              references: [{dataset: grid, field: point.gsrn, direction: from}]
          - {name: at, data_categories: [user.sensor], fides_meta: {primary_key: true}}
          - {name: kwh, data_categories: [user.sensor], fides_meta: {data_type: float}}
          - {name: status, data_categories: [system.operations], fides_meta: {data_type: string}}
person:
  collections:
    reading: {"on": at, series: {at: at, key: [gsrn], zone: utc}}
"""
FILL = f"""
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE);
CREATE TABLE point (gsrn VARCHAR(18) PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id));
CREATE TABLE reading (gsrn VARCHAR(18) NOT NULL REFERENCES point (gsrn), at TIMESTAMP NOT NULL,
  kwh NUMERIC(10, 3), status CHAR(1) NOT NULL);
INSERT INTO customer VALUES (1, '{WHO}'), (2, 'other@grid.example');
INSERT INTO point SELECT '64301234567890000' || p, CASE WHEN p < {POINTS} THEN 1 ELSE 2 END
  FROM generate_series(0, {POINTS}) AS p;
INSERT INTO reading SELECT '64301234567890000' || p, at, round((random() * 2)::numeric, 3), 'M'
  FROM generate_series(0, {POINTS}) AS p,
  generate_series(timestamp '2023-01-01', timestamp '2025-12-31 23:45', interval '15 minutes') AS at;
ALTER TABLE reading ADD PRIMARY KEY (gsrn, at)
"""


def measure(place: Place) -> Report:
    """In a process of its own, so that its peak is its own."""
    url = place.new_database()
    with psycopg.connect(url) as connection:
        connection.execute(FILL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    register = shop.write_register(place.folder / "grid", sources={"grid": SOURCE})
    database = place.new_database()
    own = open_engine(database)
    upgrade(own)
    own.dispose()
    told = {"VASTINE_REGISTER": str(register), "VASTINE_DATABASE_URL": database, "GRID_URL": url}
    answer = place.answer_of("bench.series", environ=told)
    report = Report(f"One person, {POINTS} metering points, {YEARS} years of 15-minute data, in one process")
    rows = int(answer["rows"])
    report.add("peak resident memory, first import to last byte", answer["peak_mb"], "MB", aim=300)
    both = answer["peak_mb"] + answer["child_mb"]
    report.add("the same and the peak of its printing child", both, "MB", aim=300)
    report.add("peak resident memory before the request", answer["idle_mb"], "MB")
    report.add("rows", rows)
    report.add("collected, packaged, downloaded", answer["seconds"], "s", told=f"package {answer['mb']:.1f} MB")
    report.add("read by the driver, streaming, rows to dicts", answer["raw_seconds"], "s")
    report.add("whole ÷ driver's reading", answer["seconds"] / answer["raw_seconds"], "×")
    report.add("collect alone ÷ driver's reading", answer["collect"] / answer["raw_seconds"], "×", aim=2)
    parts = ", ".join(f"{name} {answer[name]:.2f} s" for name in STEPS)
    report.notes.append(f"where the time goes: {parts}")
    return report


STEPS = ("verify", "collect", "assess", "deliver", "close", "download")


def _walk(rt: Runtime, ident: object) -> Iterator[tuple[str, float]]:
    claimed = engine.claim(rt, ("verify",))
    while claimed is not None:
        kind, start = claimed.lease.kind.value, time.perf_counter()
        claimed = engine.run(rt, claimed, ("verify", "collect", "assess", "deliver", "close"))
        yield kind, time.perf_counter() - start
    start = time.perf_counter()
    with rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        artifact, key = fetch(session, rt, request, PACKAGE, actor="person")
        blob = artifact.blob
    size = 0
    with rt.blobs.read(blob, key) as file:
        while part := file.read(65_536):
            size += len(part)
    yield "download", time.perf_counter() - start
    yield "mb", size / 1e6


def answer(environ: dict[str, str]) -> dict[str, float]:
    """Everything in this process; called in a fresh one."""
    rt = build(Settings.from_environ(environ))
    found: dict[str, float] = {"idle_mb": _peak_mb()}
    claim = Claim(identifiers={"email": WHO}, reply_to="asks@elsewhere.example")
    asked = intake.Asked(Right.ACCESS, "fi", Channel.DESK, claim, method=Method.DESK, by="cleo")
    with rt.unit() as session:
        ident = intake.open_request(session, rt, asked).request.id
    start = time.perf_counter()
    for name, value in _walk(rt, ident):
        found[name] = found.get(name, 0.0) + value
    found["seconds"], found["peak_mb"] = time.perf_counter() - start, _peak_mb()
    found["child_mb"] = sum(high_water_mb(str(child)) for child in family(os.getpid()) if child != os.getpid())
    rt.documents.close()  # type: ignore[attr-defined]
    found["raw_seconds"], found["rows"] = _raw(environ["GRID_URL"])
    return found


def _raw(url: str) -> tuple[float, float]:
    start, rows = time.perf_counter(), 0
    with psycopg.connect(url) as connection, connection.cursor("stream", row_factory=psycopg.rows.dict_row) as cursor:
        cursor.itersize = 5000
        cursor.execute(
            "SELECT r.* FROM reading r JOIN point p USING (gsrn) WHERE p.customer_id = 1 ORDER BY r.gsrn, r.at"
        )
        for _ in cursor:
            rows += 1
    return time.perf_counter() - start, rows


def _peak_mb() -> float:
    """Of this program alone: what `getrusage` tells begins with the memory of whoever started it."""
    return high_water_mb("self")
