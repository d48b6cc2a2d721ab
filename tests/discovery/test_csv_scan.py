"""Looking around in delimited files: how they are written, what is in their columns, and what changed in them."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.connectors.shop import dataset, field, register, source
from tests.connectors.test_csv import ANSWERS, drop
from tests.workers.conftest import Run
from workflows.connectors.csv_discovery import Folder, SheetDiscovery, style_of
from workflows.connectors.file import FileConnector
from workflows.errors import VastineError
from workflows.register.check import check_folder
from workflows.unmapped import changes_of

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter", "header", "width"),
    [
        (ANSWERS, "iso-8859-1", ";", ("no", "email", "name", "text"), 4),
        ("nimi,määrä\nÄyräs,5\n".encode(), "utf-8", ",", ("nimi", "määrä"), 2),
        ("\ufeffnimi;määrä\nÄyräs;5\n".encode(), "utf-8", ";", ("nimi", "määrä"), 2),
        ("price;sum\n5 €;6\n".encode("windows-1252"), "windows-1252", ";", ("price", "sum"), 2),
        (b"a\tb\n1\t2,5\n3\t4,5\n", "utf-8", "\t", ("a", "b"), 2),
        (b"1|0401234567|x@mail.example\n", "utf-8", "|", (), 3),
        (b"email\none@mail.example\n", "utf-8", ";", ("email",), 1),
    ],
)
def test_how_a_file_is_written_is_told_by_its_beginning(tmp_path: Path, content, encoding, delimiter, header, width):
    (tmp_path / "f.csv").write_bytes(content)
    found = style_of(tmp_path / "f.csv")
    assert (found.encoding, found.header, found.width) == (encoding, header, width)
    assert width == 1 or found.delimiter == delimiter


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\0\0", b"\0" * 50])
def test_what_is_no_delimited_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.csv").write_bytes(content)
    with pytest.raises(VastineError):
        style_of(tmp_path / "f.csv")


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_described_or_refused_and_never_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    try:
        discovery = SheetDiscovery(Folder(path))
        discovery.look(discovery.discover().tables, today=TODAY)
    except VastineError:
        pass


def test_a_draft_of_a_drop_loads_once_reviewed_and_shows_nothing_that_stands_in_it(
    vastine: Run, tmp_path: Path
) -> None:
    files = tmp_path / "new/drops"
    files.mkdir(parents=True)
    rows = "".join(f"{n};sentinel{n}@mail.example;Sentinel Koe;sentinel\n" for n in range(300))
    (files / "answers_20260101.csv").write_text("no;email;name;text\n" + rows)
    (files / "answers_20260201.csv").write_text("no;email;name;text;extra\n" + rows.replace("\n", ";x\n"))
    (tmp_path / "new/controller.yaml").write_text("name: Shop Oy\n")
    (tmp_path / "new/sources").mkdir()
    draft = tmp_path / "new/sources/survey.yaml"
    ran = vastine("source", "scan", str(files), "--name", "survey", "--out", str(draft))
    assert ran.code == 0, ran.err
    text = draft.read_text()
    assert "sentinel" not in (ran.out + ran.err + text).casefold()
    data = yaml.safe_load(text)
    assert data["connection"] == {"url": "drops", "pattern": "answers_*.csv", "encoding": "utf-8", "delimiter": ";"}
    assert [f["name"] for f in data["dataset"][0]["collections"][0]["fields"]][-1] == "extra"
    assert "200 of 200 sampled values look like an e-mail address" in text
    draft.write_text(text.replace("review: needed\n", ""))
    assert check_folder(tmp_path / "new") == []


def test_files_without_a_header_and_of_several_kinds_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "calls_1.csv").write_text("1;0401234567\n2;0501234567\n3;0447654321\n")
    (tmp_path / "mails.txt").write_text("one@mail.example;1\n")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    folder = Folder(tmp_path)
    told = yaml.safe_load("\n".join(folder.connection()))
    assert told["files"] == {
        "calls": {"pattern": "calls_*.csv", "columns": ["column_1", "column_2"]},
        "mails": {"pattern": "mails.txt", "columns": ["column_1", "column_2"]},
    }
    assert told["header"] is False
    with pytest.raises(VastineError):
        Folder(tmp_path / "none")


def test_a_column_that_a_drop_has_and_nobody_described_is_told(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    assert changes_of(connector.spec, connector, today=TODAY) == []
    newer = ANSWERS.replace(b"text\r\n", b"text;x9\r\n", 1)
    newer = newer.replace(b'hyv\xe4"\r\n', b'hyv\xe4";0401234567\r\n').replace(b"Huono\r\n", b"Huono;0501234567\r\n")
    newer = newer.replace(b"Yksi;\r\n", b"Yksi;;0447654321\r\n")
    connector = drop(tmp_path / "d", content=newer)
    (found,) = changes_of(connector.spec, connector, today=TODAY)
    assert (found.kind, found.collection, found.field, found.personal) == ("column_added", "answer", "x9", True)
    assert "3 of 3 sampled values look like a phone number" in found.what
    gone = drop(tmp_path / "d", content=b"no;email;name\r\n1;one@x.example;Yksi\r\n")
    assert [(c.kind, c.field) for c in changes_of(gone.spec, gone, today=TODAY)] == [("column_removed", "text")]


def test_one_file_of_a_source_is_compared_too(tmp_path: Path) -> None:
    (tmp_path / "debts.txt").write_text("no|email|x9\n1|one@x.example|0401234567\n2|two@x.example|0501234567\n")
    fields = [field("no", "system.operations", primary_key=True, data_type="integer"), field("email", "user.contact")]
    for named in ({}, {"columns": ["no", "email", "x9"]}):
        described = {**dataset({"debt": fields}, key="debts"), "meta": named}
        said = {"path": str(tmp_path / "debts.txt"), "header": not named}
        spec = source("debts", described, kind="file", connection=said)
        connector = FileConnector(spec, register=register(spec), environ={})
        found = changes_of(spec, connector, today=TODAY)
        assert [(c.kind, c.field) for c in found] == [("column_added", "x9")]
    (tmp_path / "debts.txt").unlink()
    with pytest.raises(VastineError):
        changes_of(spec, FileConnector(spec, register=register(spec), environ={}), today=TODAY)


def test_kinds_that_only_people_can_search_say_so(vastine: Run, tmp_path: Path) -> None:
    (tmp_path / "world/register/sources/shelf.yaml").write_text(
        "source: shelf\nkind: manual\nconnection: {keeper: Archive, instructions: {fi: Etsi., sv: Sök., en: Look.}}\n"
        "dataset: [{fides_key: shelf, collections: [{name: page, fields: [{name: customer,"
        " data_categories: [user.unique_id], fides_meta: {identity: customer_number}}]}]}]\n"
    )
    ran = vastine("source", "scan", "shelf")
    assert ran.code == 2
    assert "described by hand" in ran.err
