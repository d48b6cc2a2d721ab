"""A million values of one person in Parquet files: how fast beside the library itself, and how flat?"""

import resource
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import yaml

from bench.place import Place
from bench.report import Report
from workflows.connectors.parquet_source import ParquetConnector
from workflows.ports import Lead
from workflows.register.load import load_register
from workflows.rules.items import Item

POINTS, OTHERS, MONTHS = 4, 16, 96
LEAD = "grid:point.gsrn"
SOURCE: dict[str, Any] = {
    "source": "archive",
    "kind": "parquet",
    "dataset": [
        {
            "fides_key": "archive",
            "collections": [
                {
                    "name": "reading",
                    "fields": [
                        {
                            "name": "gsrn",
                            "data_categories": ["user.unique_id"],
                            "fides_meta": {"primary_key": True, "identity": "gsrn"},
                        },
                        {"name": "at", "data_categories": ["user.sensor"], "fides_meta": {"primary_key": True}},
                        {"name": "kwh", "data_categories": ["user.sensor"]},
                        {"name": "status", "data_categories": ["system.operations"]},
                    ],
                }
            ],
        }
    ],
    "person": {"collections": {"reading": {"series": {"at": "at", "key": ["gsrn"], "zone": "utc"}}}},
}


def measure(place: Place) -> Report:
    """In processes of their own, so that each peak is its own."""
    folder, register = fill(place.folder)
    environ = {"ARCHIVE": str(folder), "ARCHIVE_REGISTER": str(register)}
    months = {"a tenth": str(MONTHS // 10), "all": str(MONTHS)}
    found = {
        name: place.answer_of("bench.parquet", environ={**environ, "ARCHIVE_MONTHS": m}) for name, m in months.items()
    }
    report = Report(f"One person, {POINTS} of {POINTS + OTHERS} metering points, {MONTHS} months of 15-minute data")
    tenth, whole = found["a tenth"], found["all"]
    report.add("rows", whole["rows"])
    report.add("collected as days", whole["seconds"], "s")
    report.add("read by the library, row groups to dicts", whole["raw_seconds"], "s")
    report.add("collected ÷ the library's reading", whole["seconds"] / whole["raw_seconds"], "×", aim=2)
    report.add("peak resident memory over what it was before", whole["peak_mb"] - whole["idle_mb"], "MB")
    report.add(f"the same for {tenth['rows']:,.0f} rows", tenth["peak_mb"] - tenth["idle_mb"], "MB")
    grown = whole["peak_mb"] / tenth["peak_mb"]
    report.add("peak memory of ten times the rows ÷ peak memory", grown, "×", aim=1.1)
    return report


def fill(parent: Path) -> tuple[Path, Path]:
    """The files and the register that describes them, each in a folder of its own."""
    folder, register = parent / "archive", parent / "parquet"
    folder.mkdir()
    (register / "sources").mkdir(parents=True)
    (register / "controller.yaml").write_text("name: Bench Oy\n", encoding="utf-8")
    told = {**SOURCE, "connection": {"url": str(folder), "pattern": "*.parquet"}}
    (register / "sources" / "archive.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    day = datetime(2017, 1, 1, tzinfo=UTC)
    for _ in range(MONTHS):
        following = (day + timedelta(days=32)).replace(day=1)
        count = (following - day) // timedelta(minutes=15)
        at = pa.array([day + n * timedelta(minutes=15) for n in range(count)], pa.timestamp("ms", "UTC"))
        kwh = pa.array([(n % 97) / 50 for n in range(count)], pa.float64())
        status = pa.array(["M"] * count)
        with pq.ParquetWriter(
            folder / f"{day:%Y-%m}.parquet",
            pa.schema([("gsrn", "string"), ("at", at.type), ("kwh", "float64"), ("status", "string")]),
        ) as out:
            for point in range(POINTS + OTHERS):
                gsrn = pa.array([f"6430123456789{point:05}"] * count)
                out.write_table(pa.table({"gsrn": gsrn, "at": at, "kwh": kwh, "status": status}))
        day = following
    return folder, register


def answer(environ: dict[str, str]) -> dict[str, float]:
    """Everything in this process; called in a fresh one."""
    register = load_register(environ["ARCHIVE_REGISTER"])
    connector = ParquetConnector(register.sources["archive"], register=register)
    end = datetime(2017, 1, 1, tzinfo=UTC) + timedelta(days=int(environ["ARCHIVE_MONTHS"]) * 30.4)
    who = [f"6430123456789{point:05}" for point in range(POINTS)]
    found: dict[str, float] = {"idle_mb": peak_mb(), "rows": 0}

    def emit(item: Item) -> None:
        found["rows"] += len(item.series)

    start = time.perf_counter()
    connector.collect({"identity:gsrn": [Lead(one, None, date(end.year, end.month, end.day)) for one in who]}, emit)
    found["seconds"], found["peak_mb"] = time.perf_counter() - start, peak_mb()
    start, rows = time.perf_counter(), 0
    for file in sorted(Path(environ["ARCHIVE"]).iterdir())[: int(environ["ARCHIVE_MONTHS"])]:
        with pq.ParquetFile(file) as parquet:
            for number in range(POINTS):
                table = parquet.read_row_group(number)
                table = table.filter(pc.is_in(table["gsrn"], value_set=pa.array(who)))
                rows += len(table.to_pylist())
    found["raw_seconds"] = time.perf_counter() - start
    return found


def peak_mb() -> float:
    """The most megabytes this process was resident with."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
