"""The archive of metering values: old days that the metering system has let go, one Parquet file a month."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from workflows.demo.cast_channels import ARCHIVED
from workflows.demo.metering import LoadModel
from workflows.demo.planting import customer_number
from workflows.demo.world import Point, Span, World

FOLDER = "archive"
_DAYS = 2
_BEFORE = timedelta(days=200)  # the metering system holds the last sixty days


def write_archive(world: World, folder: Path, model: LoadModel) -> None:
    """Two days of each of these members, from half a year before their contract ended."""
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  # slow to load
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    months: dict[str, list[tuple[str, datetime, float | None, str]]] = {}
    for point in sorted(_points(world), key=lambda one: one.gsrn):
        for gsrn, at, kwh, status in model.rows(point):
            months.setdefault(at[:7], []).append((gsrn, datetime.fromisoformat(at), kwh, status))
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.parquet"):
        old.unlink()
    schema = pa.schema(
        [("gsrn", pa.string()), ("ts_utc", pa.timestamp("us")), ("kwh", pa.float64()), ("status", pa.string())]
    )
    for month, rows in sorted(months.items()):
        columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True))
        arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
        pq.write_table(pa.table(arrays, schema=schema), target / f"sarja_{month}.parquet")


def _points(world: World) -> list[Point]:
    points = []
    for member in ARCHIVED:
        held = world.held[str(customer_number(member))]
        site = next(point.site for point in world.points if point.gsrn == held.gsrn)
        first: date = max(held.start, (held.end or world.as_of) - _BEFORE)
        points.append(Point(held.gsrn, site, solar=False, spans=(Span(first, first + timedelta(days=_DAYS)),)))
    return points
