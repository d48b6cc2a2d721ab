"""Collections on which nothing hangs are streamed: no row is kept, and nothing of the answer is another for that."""

import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.connectors.shop import KEY, collected, dataset, field, ref, register, run_sql, seeds, source
from tests.effort import examples
from workflows.connectors import sql_collect, sql_leaves, sql_lookup
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead
from workflows.rules.item_lines import Batch
from workflows.rules.items import Item

DDL = """
CREATE TABLE crew (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE point (gsrn TEXT PRIMARY KEY);
CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT, crew_id INTEGER REFERENCES crew (id));
CREATE TABLE contract (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id),
  partner_id INTEGER, gsrn TEXT REFERENCES point (gsrn), since TEXT, until TEXT);
CREATE TABLE outage (id INTEGER PRIMARY KEY, gsrn TEXT COLLATE NOCASE REFERENCES point (gsrn), at TEXT,
  crew_id INTEGER REFERENCES crew (id));
CREATE TABLE call (id INTEGER PRIMARY KEY, caller INTEGER REFERENCES person (id), called INTEGER);
CREATE TABLE visit (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), text TEXT);
CREATE TABLE picture (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visit (id));
CREATE TABLE parcel (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), crew_id INTEGER);
CREATE TABLE mail (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), address TEXT);
CREATE TABLE login (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), helper TEXT);
"""


def _leads(place: str) -> list[dict[str, Any]]:
    return [ref(place, "from", "s")]


COLLECTIONS = {
    "crew": [field("id", primary_key=True), field("name", "user.content")],
    "point": [field("gsrn", primary_key=True)],
    "person": [
        field("id", KEY, primary_key=True),
        field("email", "user.contact.email", identity="email"),
        field("crew_id", references=[ref("crew.id", "to", "s")]),
    ],
    "contract": [
        field("id", primary_key=True),
        field("person_id", KEY, references=_leads("person.id")),
        field("partner_id", KEY, references=_leads("person.id")),
        field("gsrn", references=[ref("point.gsrn", "to", "s")]),
        field("since"),
        field("until"),
    ],
    "outage": [
        field("id", primary_key=True),
        field("gsrn", references=_leads("contract.gsrn")),
        field("at", "user.content"),
        field("crew_id"),
    ],
    "call": [
        field("id", primary_key=True),
        field("caller", references=_leads("person.id")),
        field("called", references=_leads("person.id")),
    ],
    "visit": [
        field("id", primary_key=True),
        field("person_id", references=_leads("person.id")),
        field("text", "user.content"),
    ],
    "parcel": [
        field("id", primary_key=True),
        field("person_id", references=_leads("person.id")),
        field("crew_id", references=[ref("crew.id", "to", "s")]),
    ],
    "mail": [
        field("id", primary_key=True),
        field("person_id", references=_leads("person.id")),
        field("address", "user.contact.email", identity="email"),
    ],
    "login": [
        field("id", primary_key=True),
        field("person_id", references=_leads("person.id")),
        field("helper", "user.contact.email"),
    ],
}
PERSON = {
    "collections": {
        "contract": {"windows": {"gsrn": {"start": "since", "end": "until"}}},
        "outage": {"on": "at"},
        "login": {"third_party": ["helper"]},
    }
}

number = st.integers(1, 3)
day = st.sampled_from(["'2023-01-01'", "'2024-01-01'", "'2025-01-01'", "NULL"])
word = st.sampled_from(["'a'", "'b'", "'A'"])
ROWS = {
    "person": st.tuples(st.sampled_from(["'one@s.example'", "'two@s.example'"]), st.none() | number),
    "contract": st.tuples(number, st.none() | number, word, day, day),
    "outage": st.tuples(word, day, st.none() | number),
    "call": st.tuples(number, number),
    "visit": st.tuples(number, st.just("'text'")),
    "picture": st.tuples(number),
    "parcel": st.tuples(number, number),
    "mail": st.tuples(number, st.sampled_from(["'one@s.example'", "'two@s.example'", "'three@s.example'"])),
    "login": st.tuples(number, st.just("'helper@s.example'")),
}
filled = st.fixed_dictionaries({t: st.lists(r, min_size=3, max_size=5) for t, r in ROWS.items()})
BASE = """
INSERT INTO crew VALUES (1, 'x'), (2, 'y'), (3, 'z');
INSERT INTO point VALUES ('a'), ('b'), ('A');
"""


def _fill(url: str, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    script = [DDL + BASE]
    for table, several in rows.items():
        for n, row in enumerate(several, 1):
            values = ", ".join("NULL" if v is None else str(v) for v in (n, *row))
            script.append(f"INSERT INTO {table} VALUES ({values})")
    run_sql(url, ";\n".join(script))


def _shop(url: str) -> SqlConnector:
    spec = source("s", dataset(COLLECTIONS, key="s"), person=PERSON)
    return SqlConnector(spec, register=register(spec), url=url)


def _plain(items: list[Item]) -> list[bytes]:
    return sorted(item.to_json() for item in items)


A_YEAR_EACH: dict[str, list[tuple[Any, ...]]] = {
    "person": [("'one@s.example'", None), ("'two@s.example'", None)],
    "contract": [(1, None, "'a'", "'2023-01-01'", "'2024-01-01'"), (2, 1, "'a'", "'2024-01-01'", "'2025-01-01'")],
    "outage": [("'a'", "'2023-01-01'", None), ("'a'", "'2024-01-01'", None), ("'a'", "'2025-01-01'", None)],
}


@settings(max_examples=examples(30), deadline=None)
@example(rows=A_YEAR_EACH)
@given(rows=filled)
def test_streamed_or_kept_the_answer_is_the_same_to_the_letter(rows: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "s.db"
        path.touch()
        url = f"sqlite:///{path}"
        _fill(url, rows)
        given_seeds = seeds(email="one@s.example")
        patch.setattr(sql_leaves, "BINDS", 1)  # what a database takes for equal comes with more than one question
        streamed = collected(_shop(url), given_seeds)
        patch.setattr(sql_leaves, "_reached_by", lambda *_: ())
        kept = collected(_shop(url), given_seeds)
        assert _plain(streamed) == _plain(kept)


class Kept:
    """A bookmark that remembers each place with the items before it, and lies in one of them.

    `together`: whether it takes items by the batch; `batches` counts them.
    """

    def __init__(self, collection: str = "", mark: Any = None, *, place: Any = None, together: bool = False) -> None:
        self.together, self.batches = together, 0
        self.items: list[Item] = []
        self.places: list[tuple[str, Any, Any, list[Item]]] = []
        self._lies = (collection, mark, place)
        self._now: tuple[str, Any] = ("", None)
        self._from = 0

    def after(self, collection: str, mark: Any) -> Any:
        self._now, self._from = (collection, mark), len(self.items)
        return self._lies[2] if self._lies[:2] == self._now else None

    def takes(self, collection: str) -> bool:
        return self.together

    def take(self, batch: Batch) -> None:
        lines = batch.lines.splitlines()
        items = list(map(Item.from_json, lines))
        assert [item.to_json() for item in items] == lines
        assert {(i.collection, i.ownership) for i in items} == {(batch.collection, batch.ownership)}
        assert len(items) == batch.count
        self.items += items
        self.batches += 1

    def reached(self, place: Any) -> None:
        self.places.append((*self._now, json.loads(json.dumps(place)), self.items[self._from :]))

    def done(self) -> None:
        self._now = ("", None)


TWO_POINTS: dict[str, list[tuple[Any, ...]]] = {
    "person": [("'one@s.example'", None)],
    "contract": [(1, None, f"'{point}'", "NULL", "NULL") for point in "ab"],
    "outage": [(f"'{point}'", "'2024-01-01'", None) for point in "aaabbb"],
}


@settings(max_examples=examples(10), deadline=None)
@example(rows=TWO_POINTS, few=1, together=False)
@example(rows=TWO_POINTS, few=500, together=True)
@given(rows=filled, few=st.sampled_from([1, 500]), together=st.booleans())
def test_begun_at_any_place_all_records_come_once(rows: dict[str, Any], few: int, together: bool) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "s.db"
        path.touch()
        url = f"sqlite:///{path}"
        _fill(url, rows)
        for module, name, value in ((sql_leaves, "BINDS", 1), (sql_lookup, "FEW", few), (sql_lookup, "ROWS", 1)):
            patch.setattr(module, name, value)
        patch.setattr(sql_collect, "TOGETHER", 1)
        connector, given_seeds = _shop(url), seeds(email="one@s.example")
        whole = _plain(collected(connector, given_seeds))
        first = Kept(together=together)
        connector.collect_on(given_seeds, first.items.append, bookmark=first)
        assert _plain(first.items) == whole
        for collection, mark, place, before in first.places:
            later = Kept(collection, mark, place=place, together=together)
            connector.collect_on(given_seeds, later.items.append, bookmark=later)
            assert _plain([*before, *later.items]) == whole


def test_only_what_has_to_be_kept_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    path.touch()
    _fill(f"sqlite:///{path}", {"person": [("'one@s.example'", 1), ("'two@s.example'", 2)]})
    known: list[set[str]] = []
    real = sql_leaves._leaves
    monkeypatch.setattr(sql_leaves, "_leaves", lambda *a: known.append({n for n, _ in real(*a)}) or real(*a))  # type: ignore[func-returns-value]
    collected(_shop(f"sqlite:///{path}"), seeds(email="one@s.example"))
    assert known == [
        {"outage", "login"}
    ]  # calls are reached in two ways, mails by what they say, parcels lead on, pictures point at visits


def test_ten_times_as_many_rows_of_one_person_take_no_more_memory(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.touch()
    url = f"sqlite:///{path}"
    _fill(url, {"person": [("'one@s.example'", 1), ("'two@s.example'", 2)]})
    count = "WITH RECURSIVE n(i) AS (SELECT {a} UNION ALL SELECT i + 1 FROM n WHERE i < {b})"
    for person, a, b in ((1, 1, 3_000), (2, 3_001, 33_000)):
        counted = count.format(a=a, b=b)
        run_sql(url, f"INSERT INTO login {counted} SELECT i, {person}, 'h@s.example' FROM n")
    connector = _shop(url)

    def peak(email: str, expected: int) -> int:
        seen = 0

        def emit(_: Item) -> None:
            nonlocal seen
            seen += 1

        tracemalloc.start()
        try:
            connector.collect({"identity:email": [Lead(email)]}, emit)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert seen >= expected

    peak("one@s.example", 3_000)  # what is read once for all
    small, large = peak("one@s.example", 3_000), peak("two@s.example", 30_000)
    assert large < small * 1.2
