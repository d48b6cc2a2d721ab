"""Looking around in Parquet files: the columns their ends name, counts over a few rows, and what changed."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.connectors.test_parquet import SCHEMA, archive, hours, write
from tests.workers.conftest import Run
from workflows.errors import VastineError
from workflows.register.check import check_folder
from workflows.unmapped import changes_of

TODAY = date(2026, 11, 24)


def test_a_draft_of_an_archive_loads_once_reviewed_and_shows_nothing_of_it(vastine: Run, tmp_path: Path) -> None:
    files = tmp_path / "new/drops"
    files.mkdir(parents=True)
    (tmp_path / "new/sources").mkdir()
    (tmp_path / "new/controller.yaml").write_text("name: Shop Oy\n")
    rows = {
        "email": [f"sentinel{n}@mail.example" for n in range(300)],
        "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 300,
        "amount": [1.5] * 300,
        "raw": [b"sentinel"] * 300,
    }
    for month in ("01", "02"):
        pq.write_table(pa.table(rows), files / f"log_2026-{month}.parquet")
    draft = tmp_path / "new/sources/log.yaml"
    ran = vastine("source", "scan", str(files), "--name", "log", "--out", str(draft))
    assert ran.code == 0, ran.err
    text = draft.read_text()
    assert "sentinel" not in (ran.out + ran.err + text).casefold()
    data = yaml.safe_load(text)
    assert (data["kind"], data["connection"]) == ("parquet", {"url": "drops", "pattern": "log_*.parquet"})
    assert "200 of 200 sampled values look like an e-mail address" in text
    draft.write_text(text.replace("review: needed\n", ""))
    assert check_folder(tmp_path / "new") == []


def test_a_column_that_an_archive_has_and_nobody_described_is_told(tmp_path: Path) -> None:
    rows = hours(date(2024, 3, 25), date(2024, 4, 5))
    write(tmp_path / "a", rows)
    connector = archive(tmp_path / "a")
    assert changes_of(connector.spec, connector, today=TODAY) == []
    newer = pa.schema([*SCHEMA, ("owner_email", pa.string())])
    values = {n: [row[i] for row in rows] for i, n in enumerate(SCHEMA.names)}
    table = pa.table({**values, "owner_email": ["one@mail.example"] * len(rows)}, schema=newer)
    pq.write_table(table, tmp_path / "a/2024-05.parquet")
    (found,) = changes_of(connector.spec, connector, today=TODAY)
    assert (found.kind, found.field, found.personal) == ("column_added", "owner_email", True)
    assert "one@" not in found.what


def test_a_file_that_is_not_whole_is_told_by_its_kind_alone(tmp_path: Path) -> None:
    write(tmp_path / "a", hours(date(2024, 3, 25), date(2024, 3, 27)))
    (file,) = (tmp_path / "a").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    connector = archive(tmp_path / "a")
    with pytest.raises(VastineError) as caught:
        connector.discover()
    assert "not whole Parquet" in caught.value.detail
