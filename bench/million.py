"""A million rows of one person in SQL: how fast beside the driver's own streaming read, and how flat?"""

import time

import psycopg

from bench import shop
from bench.parquet import peak_mb
from bench.place import Place
from bench.report import Report
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead
from workflows.register.load import load_register
from workflows.rules.items import Item

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
    report.add("rows", whole["rows"])
    report.add("collected", whole["seconds"], "s")
    report.add("read by the driver's own streaming", whole["raw_seconds"], "s")
    report.add("collected ÷ the driver's streaming", whole["seconds"] / whole["raw_seconds"], "×", aim=2)
    report.add("peak resident memory over what it was before", whole["peak_mb"] - whole["idle_mb"], "MB")
    report.add("the same for a tenth of the rows", tenth["peak_mb"] - tenth["idle_mb"], "MB")
    report.add("peak memory of ten times the rows ÷ peak memory", whole["peak_mb"] / tenth["peak_mb"], "×", aim=1.1)
    return report


def answer(environ: dict[str, str]) -> dict[str, float]:
    """Everything in this process; called in a fresh one."""
    register = load_register(environ["VASTINE_REGISTER"])
    connector = SqlConnector(register.sources["shop"], register=register, url=environ["SHOP_URL"])
    customer = int(environ["CUSTOMER"])
    connector.collect({"identity:email": [Lead(shop.email(1))]}, lambda _: None)
    found: dict[str, float] = {"idle_mb": peak_mb(), "rows": 0}

    def emit(_: Item) -> None:
        found["rows"] += 1

    start = time.perf_counter()
    connector.collect({"identity:email": [Lead(shop.email(customer))]}, emit)
    found["seconds"], found["peak_mb"] = time.perf_counter() - start, peak_mb()
    start, rows = time.perf_counter(), 0
    with psycopg.connect(environ["SHOP_URL"]) as connection, connection.cursor(name="stream") as cursor:
        cursor.itersize = 2000
        for _ in cursor.execute("SELECT * FROM login WHERE customer_id = %s", (customer,)):
            rows += 1
    found["raw_seconds"] = time.perf_counter() - start
    assert rows == found["rows"] - 1, "both read the same"
    return found
