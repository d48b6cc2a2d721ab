"""A drop of delimited files: searched like any source, and erased from without touching any other line."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Action, Ownership, ReceiptOutcome
from tests.connectors.shop import dataset, field, ref, register, seeds, source
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.drops import FolderDrop
from workflows.errors import Fenced, NeverAgain, PersonMustLook, SourceDown, TryAgain, VastineError
from workflows.ports import EraseItem
from workflows.replays.probing import there_again
from workflows.rules.items import Item

ANSWERS = (
    "no;email;name;text\r\n"
    '1;one@x.example;Yksi Äyräs;"Hyvä; oikein\r\nhyvä"\r\n'
    "2;two@x.example;Kaksi;Huono\r\n"
    "\r\n"
    "3;ONE@x.example;Yksi;\r\n"
).encode("iso-8859-1")
LINKS = b"answer;page\n1;/a\n2;/b\n3;/c\n"

ANSWER = [
    field("no", "system.operations", primary_key=True),
    field("email", "user.contact.email", identity="email"),
    field("name", "user.name"),
    field("text", "user.content"),
]
LINK = [
    field("answer", "system.operations", references=[ref("answer.no", dataset="survey")]),
    field("page", "user.behavior"),
]


def drop(folder: Path, *, content: bytes | None = ANSWERS, person: Any = None, **connection: Any) -> CsvConnector:
    folder.mkdir(exist_ok=True)
    if content is not None:
        (folder / "answers_1.csv").write_bytes(content)
    said = {"url": str(folder), "pattern": "answers_*.csv", "encoding": "iso-8859-1", "writable": True, **connection}
    spec = source("survey", dataset({"answer": ANSWER}, key="survey"), kind="csv", connection=said, person=person)
    return CsvConnector(spec, register=register(spec), environ={})


def two(folder: Path, **connection: Any) -> CsvConnector:
    folder.mkdir(exist_ok=True)
    (folder / "answers_1.csv").write_bytes(ANSWERS)
    (folder / "links.csv").write_bytes(LINKS)
    files = {"answer": {"pattern": "answers_*.csv"}, "link": {"pattern": "links.csv"}}
    said = {"url": str(folder), "files": files, "encoding": "iso-8859-1", "writable": True, **connection}
    whole = dataset({"answer": ANSWER, "link": LINK}, key="survey")
    spec = source("survey", whole, kind="csv", connection=said)
    return CsvConnector(spec, register=register(spec), environ={})


def found(connector: CsvConnector, email: str = "one@x.example") -> list[Item]:
    items: list[Item] = []
    connector.collect(seeds(email=email), items.append)
    return items


def plan(items: list[Item], action: Action = Action.DELETE, *fields: str) -> list[EraseItem]:
    return [EraseItem(n, i.collection, i.locator, action, fields, i.digest) for n, i in enumerate(items)]


def dump(folder: Path) -> dict[str, bytes]:
    """All files of the drop but our own."""
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".vastine" not in str(p)}


def test_a_persons_lines_are_found_whatever_the_case_of_the_address(tmp_path: Path) -> None:
    items = found(drop(tmp_path / "d"))
    assert [(i.locator, i.ownership, i.fields["text"]) for i in items] == [
        ({"no": "1"}, Ownership.OWN, "Hyvä; oikein\r\nhyvä"),
        ({"no": "3"}, Ownership.OWN, ""),
    ]


def test_what_refers_to_a_line_is_found_in_another_file(tmp_path: Path) -> None:
    items = found(two(tmp_path / "d"))
    assert sorted((i.collection, str(i.fields.get("page"))) for i in items) == [
        ("answer", "None"),
        ("answer", "None"),
        ("link", "/a"),
        ("link", "/c"),
    ]


def test_erasing_takes_exactly_these_lines_and_leaves_every_other_byte(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    assert [p.refused for p in connector.preview(items)] == ["", ""]
    assert dump(tmp_path / "d") == {"answers_1.csv": ANSWERS}
    done = connector.erase("op", 1, items)
    assert [d.outcome for d in done] == [ReceiptOutcome.ERASED] * 2
    kept = b"no;email;name;text\r\n2;two@x.example;Kaksi;Huono\r\n\r\n"
    assert dump(tmp_path / "d") == {"answers_1.csv": kept}
    assert connector.present(items) == {}


def test_masking_empties_the_fields_and_keeps_the_key(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    (first, _) = found(connector)
    items = plan([first], Action.MASK, "no", "name", "text")
    (previewed,) = connector.preview(items)
    assert previewed.fields == ("no", "name", "text")[1:] or previewed.fields == ("name", "text")
    (done,) = connector.erase("op", 1, items)
    assert done.outcome is ReceiptOutcome.MASKED
    lines = (tmp_path / "d" / "answers_1.csv").read_bytes()
    assert lines == ANSWERS.replace('Yksi Äyräs;"Hyvä; oikein\r\nhyvä"'.encode("iso-8859-1"), b";")
    assert [p.refused for p in connector.preview(plan(found(connector)[:1], Action.MASK, "name", "text"))] == [
        "nothing_personal"
    ]


def test_a_line_that_changed_since_it_was_approved_is_left_alone(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    changed = ANSWERS.replace(b"3;ONE", b"3;One")
    (tmp_path / "d" / "answers_1.csv").write_bytes(changed)
    assert [p.refused for p in connector.preview(items)] == ["", "drifted"]
    assert [d.outcome for d in connector.erase("op", 1, items)] == [ReceiptOutcome.ERASED, ReceiptOutcome.DRIFTED]
    assert b"3;One@x.example" in dump(tmp_path / "d")["answers_1.csv"]


def test_a_line_that_another_persons_line_points_at_is_refused_unless_both_go(tmp_path: Path) -> None:
    connector = two(tmp_path / "d")
    items = found(connector)
    answers = [i for i in items if i.collection == "answer"]
    assert [p.refused for p in connector.preview(plan(answers))] == ["referenced", "referenced"]
    assert [p.refused for p in connector.preview(plan(items))] == [""] * 4
    before = dump(tmp_path / "d")
    assert {d.outcome for d in connector.erase("op", 1, plan(answers))} == {ReceiptOutcome.REFUSED}
    assert dump(tmp_path / "d") == before
    assert {d.outcome for d in connector.erase("op2", 1, plan(items))} == {ReceiptOutcome.ERASED}
    assert dump(tmp_path / "d")["links.csv"] == b"answer;page\n2;/b\n"


def test_two_lines_with_one_key_are_nobodys_to_erase(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", content=ANSWERS + b"1;one@x.example;Yksi;Toinen\r\n")
    (tmp_path / "one").mkdir()
    items = plan(found(connector))
    assert [p.refused for p in connector.preview(items)] == ["key_not_unique", "", "key_not_unique"]


def test_lines_without_a_key_are_found_again_by_what_they_say(tmp_path: Path) -> None:
    fields = [f if f["name"] != "no" else field("no", "system.operations") for f in ANSWER]
    folder = tmp_path / "d"
    folder.mkdir()
    twin = b"3;ONE@x.example;Yksi;\r\n"
    (folder / "answers_1.csv").write_bytes(ANSWERS + twin)
    said = {"url": str(folder), "pattern": "answers_*.csv", "encoding": "iso-8859-1", "writable": True}
    spec = source("survey", dataset({"answer": fields}, key="survey"), kind="csv", connection=said)
    connector = CsvConnector(spec, register=register(spec), environ={})
    items = found(connector)
    assert len(items) == 2
    assert {d.outcome for d in connector.erase("op", 1, plan(items))} == {ReceiptOutcome.ERASED}
    assert twin not in dump(folder)["answers_1.csv"]


def test_the_same_operation_again_does_nothing_and_answers_the_same(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    first = connector.erase("op", 1, items)
    (tmp_path / "d" / "answers_1.csv").write_bytes(ANSWERS)  # restored from a backup: the operation was then
    assert connector.erase("op", 2, items) == first
    assert dump(tmp_path / "d")["answers_1.csv"] == ANSWERS
    with pytest.raises(Fenced):
        connector.erase("op", 1, items)
    assert [d.outcome for d in connector.call_off("op", 3, items)] == [d.outcome for d in first]


def test_a_called_off_operation_never_happens(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    assert {d.outcome for d in connector.call_off("op", 2, items)} == {ReceiptOutcome.KEPT}
    with pytest.raises(Fenced):
        connector.erase("op", 1, items)
    assert {d.outcome for d in connector.erase("op", 3, items)} == {ReceiptOutcome.KEPT}
    assert dump(tmp_path / "d") == {"answers_1.csv": ANSWERS}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_rename_it_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    connector = two(tmp_path / "d")
    items = plan(found(connector))
    real: Callable[..., Any] = Path.replace
    renamed: list[str] = []

    def dies(path: Path, target: Path) -> Any:
        if path.suffix == ".part" or not str(path).endswith(".vastine-part"):
            return real(path, target)
        renamed.append(target.name)
        if len(renamed) == 2:
            if when == "after":
                real(path, target)
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        connector.erase("op", 1, items)
    monkeypatch.setattr(Path, "replace", real)
    half = connector.call_off("other", 1, items)
    assert {d.outcome for d in half} == {ReceiptOutcome.KEPT}
    assert {d.outcome for d in connector.erase("op", 2, items)} == {ReceiptOutcome.ERASED}
    assert dump(tmp_path / "d") == {
        "answers_1.csv": b"no;email;name;text\r\n2;two@x.example;Kaksi;Huono\r\n\r\n",
        "links.csv": b"answer;page\n2;/b\n",
    }


def test_calling_off_half_way_tells_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = two(tmp_path / "d")
    items = plan(found(connector))
    real = FolderDrop.replace

    def stops(self: FolderDrop, file: Any, write: Any, **more: Any) -> Any:
        if file.name == "links.csv":
            raise KeyboardInterrupt
        return real(self, file, write, **more)

    monkeypatch.setattr(FolderDrop, "replace", stops)
    with pytest.raises(KeyboardInterrupt):
        connector.erase("op", 1, items)
    told = {i.collection: d.outcome for i, d in zip(items, connector.call_off("op", 2, items), strict=True)}
    assert told == {"answer": ReceiptOutcome.ERASED, "link": ReceiptOutcome.KEPT}


def test_a_file_written_to_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    path = tmp_path / "d" / "answers_1.csv"
    real = os.fsync

    def late(handle: int) -> None:
        if len(path.read_bytes()) == len(ANSWERS):
            path.write_bytes(ANSWERS + b"4;four@x.example;Nelj\xe4;Uusi\r\n")
        real(handle)

    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(TryAgain, match="changed_meanwhile"):
        connector.erase("op", 1, items)
    assert dump(tmp_path / "d")["answers_1.csv"].endswith(b"Uusi\r\n")
    monkeypatch.setattr(os, "fsync", real)
    assert {d.outcome for d in connector.erase("op", 1, items)} == {ReceiptOutcome.ERASED}


def test_a_file_that_grows_while_it_is_read_was_still_being_written(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")

    def emit(item: Item) -> None:
        with (tmp_path / "d" / "answers_1.csv").open("ab") as out:
            out.write(b"9;nine@x.example;Nine;x\r\n")

    with pytest.raises(TryAgain, match="still_written"):
        connector.collect(seeds(email="one@x.example"), emit)


def test_the_age_and_the_rights_of_a_file_outlive_its_rewriting(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    path = tmp_path / "d" / "answers_1.csv"
    path.chmod(0o640)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    connector.erase("op", 1, plan(found(connector)))
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o640, 1_700_000_000)


@pytest.mark.parametrize(
    ("content", "connection", "code"),
    [
        (None, {}, "no_file"),
        (b"", {}, "empty_file"),
        (b"no;email;name;text\r\n", {}, "empty_file"),
        (b"no;email;name\r\n1;one@x.example;Yksi\r\n", {}, "schema_changed"),
        (ANSWERS, {"end_marker": "#END"}, "unfinished"),
        (ANSWERS, {"encoding": "utf-8"}, "encoding"),
        (b"<!DOCTYPE html><title>Login</title>\n<p>x</p>\n", {}, "schema_changed"),
        (ANSWERS, {"url": "/nowhere/at/all"}, "source_down"),
    ],
)
def test_silence_is_never_taken_for_nothing(
    tmp_path: Path, content: bytes | None, connection: dict[str, Any], code: str
) -> None:
    with pytest.raises(VastineError) as caught:
        found(drop(tmp_path / "d", content=content, **connection), "nobody@x.example")
    assert caught.value.code == code


def test_a_drop_that_stopped_coming_is_down_and_not_empty(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", expect_every="1d")
    assert found(connector, "nobody@x.example") == []
    old = (datetime.now(UTC) - timedelta(hours=25)).timestamp()
    os.utime(tmp_path / "d" / "answers_1.csv", (old, old))
    with pytest.raises(SourceDown, match="stale"):
        found(connector)
    with pytest.raises(SourceDown, match="stale"):
        connector.health()


def test_the_newest_file_counts_or_all_of_them(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    newer = tmp_path / "d" / "answers_2.csv"
    newer.write_bytes(b"no;email;name;text\r\n1;one@x.example;Yksi;Uusi\r\n")
    os.utime(tmp_path / "d" / "answers_1.csv", (1_700_000_000, 1_700_000_000))
    assert [i.fields["text"] for i in found(connector)] == ["Uusi"]
    every = drop(tmp_path / "d", content=None, take="all")
    items = found(every)
    assert [(i.locator["file"], i.locator["no"]) for i in items] == [
        ("answers_1.csv", "1"),
        ("answers_1.csv", "3"),
        ("answers_2.csv", "1"),
    ]
    every.erase("op", 1, plan(items[:1]))
    assert [i.locator["file"] for i in found(every)] == ["answers_1.csv", "answers_2.csv"]


ONE = b"no;email;name;text\r\n1;one@x.example;Yksi;Hyv\xe4\r\n"


def test_a_file_whose_last_line_was_erased_is_an_answer(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", content=ONE)
    items = plan(found(connector))
    assert [d.outcome for d in connector.erase("op", 1, items)] == [ReceiptOutcome.ERASED]
    assert dump(tmp_path / "d") == {"answers_1.csv": b"no;email;name;text\r\n"}
    again = drop(tmp_path / "d", content=None)  # as another process, after this one
    assert found(again) == []
    assert again.present(items) == {}
    assert [d.outcome for d in again.erase("op", 2, items)] == [ReceiptOutcome.ERASED]
    assert [p.refused for p in again.preview(items)] == ["absent"]
    again.health()


def test_the_same_file_dropped_empty_anew_is_silence_again(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", content=ONE)
    connector.erase("op", 1, plan(found(connector)))
    (tmp_path / "d" / "answers_1.csv").write_bytes(b"no;email;name;text\r\n")
    with pytest.raises(VastineError, match="empty_file"):
        found(drop(tmp_path / "d", content=None))


def test_a_file_that_somebody_else_emptied_is_silence(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    connector.erase("op", 1, plan(found(connector)))
    path = tmp_path / "d" / "answers_1.csv"
    stat = path.stat()
    path.write_bytes(b"no;email;name;text\r\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(VastineError, match="empty_file"):
        found(drop(tmp_path / "d", content=None))


def test_a_line_whose_file_was_merged_into_another_is_not_taken_for_erased(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", take="all")
    items = plan(found(connector))
    (tmp_path / "d" / "answers_1.csv").rename(tmp_path / "d" / "answers_all.csv")
    for call in (connector.present, connector.preview, lambda i: connector.erase("op", 1, i)):
        with pytest.raises(PersonMustLook, match="file_gone"):
            call(items)


def test_what_became_of_lines_whose_file_is_gone_is_not_known_and_holds_up_no_other(tmp_path: Path) -> None:
    said: Any = {"take": "all", "writable": False, "by_hand": {"keeper": "desk"}}
    drop(tmp_path / "d", **said)
    (tmp_path / "d" / "answers_2.csv").write_bytes(ANSWERS)
    connector = drop(tmp_path / "d", **said)
    items = plan(found(connector))
    assert {i.locator["file"] for i in items} == {"answers_1.csv", "answers_2.csv"}
    (tmp_path / "d" / "answers_1.csv").unlink()
    (tmp_path / "d" / "answers_2.csv").write_bytes(b"no;email;name;text\r\n4;other@x.example;O;o\r\n")
    told = {d.item_no: d.outcome for d in connector.call_off("op", 1, items)}
    assert {items[n].locator["file"]: outcome for n, outcome in told.items()} == {
        "answers_1.csv": ReceiptOutcome.KEPT,
        "answers_2.csv": ReceiptOutcome.ABSENT,
    }


def test_what_is_there_again_is_seen_beside_files_that_are_gone(tmp_path: Path) -> None:
    drop(tmp_path / "d", take="all")
    (tmp_path / "d" / "answers_2.csv").write_bytes(ANSWERS)
    connector = drop(tmp_path / "d", take="all")
    items = plan(found(connector))
    (tmp_path / "d" / "answers_1.csv").unlink()
    erased = [(item, datetime(2024, 5, 1, tzinfo=UTC)) for item in items]
    again = [item for item, _ in there_again(connector, erased)]
    assert again == [item for item in items if item.locator["file"] == "answers_2.csv"]
    assert again


def test_where_we_may_not_write_people_erase(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d", writable=False)
    items = plan(found(connector))
    assert connector.guarantee == "D"
    assert {p.refused for p in connector.preview(items)} == {"by_hand"}
    assert {d.outcome for d in connector.call_off("op", 1, items)} == {ReceiptOutcome.KEPT}
    with pytest.raises(PersonMustLook, match="by_hand"):
        connector.erase("op", 1, items)
    assert {p.name for p in (tmp_path / "d").iterdir()} == {"answers_1.csv"}


def test_files_without_a_header_have_their_columns_in_the_register(tmp_path: Path) -> None:
    files = {"answer": {"pattern": "answers_*.csv", "columns": ["no", "email", "name", "text"]}}
    content = ANSWERS.split(b"\r\n", 1)[1]
    connector = drop(tmp_path / "d", content=content, pattern="", files=files, header=False)
    assert [i.locator for i in found(connector)] == [{"no": "1"}, {"no": "3"}]


def test_the_journal_tells_nothing_of_anybody(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    connector.erase("plan:0:1", 1, plan(found(connector)))
    (path,) = (tmp_path / "d" / ".vastine-journal").iterdir()
    data = json.loads(path.read_text())
    assert set(data) == {"fence", "done", "outcomes", "files", "dropped"}
    assert "example" not in path.read_text()


def test_people_are_found_in_a_drop(tmp_path: Path) -> None:
    subject = {"subject": {"collection": "answer", "key": "no", "name": ["name"], "email": "email"}}
    people = drop(tmp_path / "d", person=subject).find({"email": "two@x.example"})
    assert [(p.key, p.contact.name) for p in people] == [("2", "Kaksi")]


def test_a_byte_that_is_no_character_stops_the_erasure_too(tmp_path: Path) -> None:
    connector = drop(tmp_path / "d")
    items = plan(found(connector))
    bad = ANSWERS + b"7;seven@x.example;\x80;x\r\n"
    (tmp_path / "d" / "answers_1.csv").write_bytes(bad)
    with pytest.raises(NeverAgain, match="encoding"):
        connector.erase("op", 1, items)
    assert dump(tmp_path / "d") == {"answers_1.csv": bad}


def test_all_at_once_is_promised_only_where_all_is_in_one_file(tmp_path: Path) -> None:
    assert drop(tmp_path / "one").guarantee == "A"
    assert drop(tmp_path / "all", take="all").guarantee == "B"
    assert two(tmp_path / "two").guarantee == "B"
    assert drop(tmp_path / "read", writable=False).guarantee == "D"
