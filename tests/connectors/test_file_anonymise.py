"""Records of files are made anonymous as rows are: by an approved recipe, and only where ten households look alike."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.vocabulary import Action, ReceiptOutcome
from tests.connectors.answers import FIELDS, RECIPE
from tests.connectors.shop import dataset, field, ref, register, seeds, source
from workflows.connectors.csv_source import CsvConnector
from workflows.connectors.erasing import plan_action
from workflows.connectors.parquet_source import ParquetConnector
from workflows.ports import EraseItem
from workflows.register.recipes import Recipe
from workflows.rules.items import Item

CALL = [field("no", "system.operations", primary_key=True), field("answer_id", references=[ref("answer.id")])]
NAMES = [f["name"] for f in FIELDS]
Row = tuple[str, ...]
Connector = CsvConnector | ParquetConnector


def rows(alike: int = 10) -> list[Row]:
    """Answers of so many households that gave the same rating in the same area, and one that gave another."""
    told = [(str(n), str(n), f"p{n}@shop.example", "5", "60100", f"text {n}") for n in range(1, alike + 1)]
    return [*told, ("99", "99", "p99@shop.example", "1", "60100", "odd")]


class Files:
    """Answers in two files, delimited or Parquet."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.calls = False

    def write(self, told: Sequence[Row], names: Sequence[str] = NAMES) -> None:
        for part, mine in enumerate((told[: len(told) // 2], told[len(told) // 2 :])):
            path = self.folder / f"answer_{part}.{self.kind}"
            if self.kind == "csv":
                path.write_bytes("".join(f"{';'.join(row)}\r\n" for row in (names, *mine)).encode())
            else:
                pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in mine]), path)

    def read(self) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for path in sorted(self.folder.glob(f"answer_*.{self.kind}")):
            if self.kind == "csv":
                found += [tuple(line.split(";")) for line in path.read_bytes().decode().splitlines()[1:]]
            else:
                found += [tuple(row.values()) for row in pq.read_table(path).to_pylist()]
        return found

    def connect(self, recipe: Recipe = RECIPE) -> Connector:
        files = {"answer": {"pattern": f"answer_*.{self.kind}"}}
        collections = {"answer": FIELDS}
        if self.calls:
            files["call"], collections["call"] = {"pattern": f"call.{self.kind}"}, CALL
        connection = {"url": self.folder.as_uri(), "files": files, "take": "all", "writable": True}
        spec = source("s", dataset(collections, key="shop"), kind=self.kind, connection=connection)
        whole = register(spec).model_copy(update={"recipes": (recipe,)})
        make: Callable[..., Connector] = CsvConnector if self.kind == "csv" else ParquetConnector
        return make(spec, register=whole, environ={}) if self.kind == "csv" else make(spec, register=whole)

    def plan(self, who: str = "p1@shop.example", recipe: Recipe = RECIPE) -> tuple[Connector, list[EraseItem]]:
        connector = self.connect(recipe)
        items: list[Item] = []
        connector.collect(seeds(email=who), items.append)
        (item,) = [item for item in items if item.collection == "answer"]
        action, fields = plan_action(connector._register, item)
        return connector, [EraseItem(0, item.collection, item.locator, action, fields, item.digest)]


@pytest.fixture(params=["csv", "parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return Files(tmp_path, request.param)


def word(connector: Connector, plan: Sequence[EraseItem]) -> str:
    (told,) = connector.preview(plan)
    return told.refused


def test_what_stays_of_a_record_is_what_ten_households_share(files: Files) -> None:
    files.write(rows())
    connector, plan = files.plan()
    assert (plan[0].action, plan[0].fields) == (Action.ANONYMISE, ("customer_id", "email", "text"))
    assert word(connector, plan) == ""
    before = files.read()
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.MASKED]
    empty = "" if files.kind == "csv" else None
    assert [row for row in files.read() if row not in before] == [("1", empty, empty, "5", "60100", empty)]
    assert [row for row in before if row not in files.read()] == [rows()[0]]
    left: list[Item] = []
    connector.collect(seeds(email="p1@shop.example"), left.append)
    assert left == []


@pytest.mark.parametrize(("who", "alike"), [("p99@shop.example", 10), ("p1@shop.example", 9)])
def test_a_record_that_too_few_share_is_not_anonymous(files: Files, who: str, alike: int) -> None:
    files.write(rows(alike))
    connector, plan = files.plan(who)
    before = files.read()
    assert word(connector, plan) == "too_few_alike"
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert files.read() == before


def test_ten_records_of_one_household_are_one_household(files: Files) -> None:
    files.write([(row[0], "1", *row[2:]) for row in rows()])
    assert word(*files.plan()) == "too_few_alike"


def test_others_who_are_anonymous_already_are_not_counted_twice(files: Files) -> None:
    files.write(rows())
    connector, plan = files.plan()
    connector.erase("op-1", 1, plan)
    assert word(*files.plan("p2@shop.example")) == "too_few_alike"


def test_a_column_that_nobody_spoke_of_and_a_newer_recipe_stop_it(files: Files) -> None:
    files.write(rows())
    _, plan = files.plan()
    newer = RECIPE.model_copy(update={"version": 2, "keeps": ("rating", "postcode", "text")})
    assert word(files.connect(newer), plan) == "no_recipe"
    files.write([(*row, "040") for row in rows()], [*NAMES, "phone"])
    assert word(*files.plan()) == "no_recipe"


def test_a_record_that_others_point_at_still_tells_of_somebody(files: Files) -> None:
    files.write(rows())
    files.calls = True
    call = files.folder / f"call.{files.kind}"
    if files.kind == "csv":
        call.write_bytes(b"no;answer_id\r\n7;1\r\n")
    else:
        pq.write_table(pa.Table.from_pylist([{"no": "7", "answer_id": "1"}]), call)
    connector, plan = files.plan()
    assert word(connector, plan) == "referenced"
