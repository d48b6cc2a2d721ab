"""A million rows of one person in SQL: how fast beside the driver's own streaming read, and how flat?"""

import gc
import hashlib
import os
import time
import uuid
import zlib
from collections.abc import Callable

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import dict_row

from bench import shop
from bench.parquet import peak_mb
from bench.place import Place
from bench.report import Report
from models.vocabulary import Kind
from workflows.answering import Answering
from workflows.bookmarks import Resumes
from workflows.ports import Lead
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.wiring import build
from workflows.work import Lease

ROWS = 1_000_000
_ONE = 1_000_000_000


def measure(place: Place) -> Report:
    """In processes of their own, so that each peak is its own."""
    report = Report(f"One person of {ROWS:,} rows in one table")
    with psycopg.connect(place.shop_url) as connection:
        for number, rows in ((1, ROWS // 10), (2, ROWS)):
            who = (_ONE + number, shop.email(_ONE + number))
            connection.execute("INSERT INTO customer VALUES (%s, %s, 'Person', '+358401', now())", who)
            connection.execute(
                "INSERT INTO login SELECT %s + i, %s, timestamp '2020-01-01' + i * interval '1 minute', 'Phone'"
                " FROM generate_series(1, %s) AS i",
                (_ONE + number * 10_000_000, _ONE + number, rows),
            )
    with psycopg.connect(place.shop_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    found = {
        name: place.answer_of("bench.million", environ={"CUSTOMER": str(_ONE + number), "SHOP_URL": place.shop_url})
        for name, number in (("tenth", 1), ("whole", 2))
    }
    tenth, whole = found["tenth"], found["whole"]
    raw = whole["raw_seconds"]
    report.add("rows", whole["rows"])
    report.add("read by the driver's own streaming", raw, "s", told=_cpu(whole, "raw"))
    report.add("collected and sealed", whole["seconds"], "s", told=_cpu(whole, "own"))
    report.add("collected and sealed ÷ the driver's streaming", whole["seconds"] / raw, "×", aim=2)
    report.add("the same in CPU time", whole["own_cpu"] / whole["raw_cpu"], "×")
    report.add("bare libraries ÷ the driver's streaming", whole["bare_seconds"] / raw, "×", told=_cpu(whole, "bare"))
    report.add("the same in CPU time", whole["bare_cpu"] / whole["raw_cpu"], "×")
    report.add("peak resident memory over what it was before", whole["peak_mb"] - whole["idle_mb"], "MB")
    report.add("the same for a tenth of the rows", tenth["peak_mb"] - tenth["idle_mb"], "MB")
    report.add("peak memory of ten times the rows ÷ peak memory", whole["peak_mb"] / tenth["peak_mb"], "×", aim=1.1)
    report.notes.append("bare libraries: each row read, written as JSON, digested, packed, encrypted; nothing is asked")
    report.notes.append("what they take is the floor for as long as every record has a digest and none lies open")
    return report


def answer(environ: dict[str, str]) -> dict[str, float]:
    """Everything in this process; called in a fresh one. The three ways in turn, the better of two runs of each."""
    rt = build(Settings.from_environ(environ), render_pdf=False)
    customer = int(environ["CUSTOMER"])
    _collect(rt, 1)
    found: dict[str, float] = {"idle_mb": peak_mb()}
    gc.collect()
    gc.freeze()  # as every worker does before it forks
    ways: dict[str, Callable[[], int]] = {
        "own": lambda: _collect(rt, customer),
        "raw": lambda: _read(environ["SHOP_URL"], customer),
        "bare": lambda: _bare(environ["SHOP_URL"], customer),
    }
    for turn in range(2):
        for name, way in ways.items():
            start, spent = time.perf_counter(), time.process_time()
            rows = way()
            seconds, cpu = time.perf_counter() - start, time.process_time() - spent
            name_of = "seconds" if name == "own" else f"{name}_seconds"
            found[name_of] = min(seconds, found.get(name_of, seconds))
            found[f"{name}_cpu"] = min(cpu, found.get(f"{name}_cpu", cpu))
            assert rows == found.setdefault("rows", rows), "all read the same"
            if not turn and name == "own":
                found["peak_mb"] = peak_mb()
    return found


def _collect(rt: Runtime, customer: int) -> int:
    """As the step of a search does it: found, digested, packed, sealed on the disk."""
    lease = Lease(uuid.uuid4(), uuid.uuid4(), Kind.COLLECT, "collect:shop", "shop", fence=1, attempts=1, bucket=0)
    name = f"{lease.request_id}/bench"
    _, key = rt.vault.new_key()
    with rt.blobs.write(name, key) as out:
        found = Answering(rt, lease, out, key=key, asked=None, unseen=True)
        seeds = {"identity:email": [Lead(shop.email(customer))]}
        connector = rt.connectors["shop"]
        assert isinstance(connector, Resumes)
        connector.collect_on(seeds, found.add, bookmark=found)
        found.finish()
    found.forget_parts()
    rt.blobs.delete(name)
    return found.counts["login"]


def _read(url: str, customer: int) -> int:
    """By the driver alone."""
    rows = 0
    with psycopg.connect(url) as connection, connection.cursor(name="stream") as cursor:
        cursor.itersize = 2000
        for _ in cursor.execute("SELECT * FROM login WHERE customer_id = %s", (customer,)):
            rows += 1
    return rows


def _bare(url: str, customer: int) -> int:
    """The least that makes what is kept of a row: JSON, SHA-256 of it, gzip and AES-GCM of both."""
    rows, pack, seal = 0, zlib.compressobj(1, wbits=31), AESGCM(AESGCM.generate_key(256))
    with psycopg.connect(url, row_factory=dict_row) as connection, connection.cursor(name="stream") as cursor:
        cursor.execute("SELECT * FROM login WHERE customer_id = %s", (customer,))
        while part := cursor.fetchmany(1000):
            lines = bytearray()
            for row in part:
                content = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
                lines += content + hashlib.sha256(content).hexdigest().encode() + b"\n"
            rows += len(part)
            seal.encrypt(os.urandom(12), pack.compress(lines), None)
    return rows


def _cpu(found: dict[str, float], name: str) -> str:
    return f"{found[f'{name}_cpu']:.2f} s CPU here"
