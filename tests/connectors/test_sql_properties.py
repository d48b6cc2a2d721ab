"""Whatever the rows, a search and an erasure never touch another person's."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.vocabulary import Ownership
from tests.connectors.shop import KEY, collected, dataset, dump, field, ref, register, run_sql, seeds, source, to_erase
from tests.effort import examples
from workflows.connectors.sql import SqlConnector
from workflows.connectors.sql_order import waves

DDL = """
CREATE TABLE tag (id INTEGER PRIMARY KEY, label TEXT);
CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT NOT NULL, tag_id INTEGER REFERENCES tag (id));
CREATE TABLE thing (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id),
  parent_id INTEGER REFERENCES thing (id), tag_id INTEGER REFERENCES tag (id), text TEXT);
CREATE TABLE loop (id INTEGER PRIMARY KEY, thing_id INTEGER REFERENCES thing (id),
  next_id INTEGER REFERENCES loop (id));
"""
COLLECTIONS = {
    "tag": [field("id", primary_key=True), field("label", "user.content")],
    "person": [
        field("id", KEY, primary_key=True),
        field("email", "user.contact.email", identity="email"),
        field("tag_id", references=[ref("tag.id", "to", "s")]),
    ],
    "thing": [
        field("id", primary_key=True),
        field("person_id", KEY, references=[ref("person.id", "from", "s")]),
        field("parent_id", references=[ref("thing.id", None, "s")]),
        field("tag_id", references=[ref("tag.id", None, "s")]),
        field("text", "user.content"),
    ],
    "loop": [
        field("id", primary_key=True),
        field("thing_id", references=[ref("thing.id", "from", "s")]),
        field("next_id", references=[ref("loop.id", "to", "s")]),
    ],
}
DELETE = {"masking_strategy_override": {"strategy": "delete"}}

rows = st.integers(1, 4).flatmap(
    lambda people: st.fixed_dictionaries(
        {
            "tags": st.just(3),
            "people": st.lists(st.none() | st.integers(1, 3), min_size=people, max_size=people),
            "things": st.lists(
                st.tuples(st.integers(1, people), st.none() | st.integers(1, 6), st.none() | st.integers(1, 3)),
                max_size=6,
            ),
            "loops": st.lists(st.tuples(st.none() | st.integers(1, 6), st.none() | st.integers(1, 5)), max_size=5),
        }
    )
)


def fill(url: str, given_rows: dict[str, Any]) -> None:
    def within(value: int | None, count: int) -> Any:
        return "NULL" if value is None or value > count else value

    things, loops = given_rows["things"], given_rows["loops"]
    script = [DDL]
    script += [f"INSERT INTO tag VALUES ({n}, 'tag {n}')" for n in (1, 2, 3)]
    script += [
        f"INSERT INTO person VALUES ({n}, 'p{n}@shop.example', {within(tag, 3)})"
        for n, tag in enumerate(given_rows["people"], 1)
    ]
    script += [
        f"INSERT INTO thing VALUES ({n}, {p}, {within(parent, len(things))}, {within(tag, 3)}, 'text {n}')"
        for n, (p, parent, tag) in enumerate(things, 1)
    ]
    script += [
        f"INSERT INTO loop VALUES ({n}, {within(thing, len(things))}, {within(after, len(loops))})"
        for n, (thing, after) in enumerate(loops, 1)
    ]
    run_sql(url, ";\n".join(script))


@settings(max_examples=examples(60), deadline=None)
@given(given_rows=rows)
def test_nothing_of_another_person_is_called_own_or_erased(given_rows: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        path.touch()
        url = f"sqlite:///{path}"
        fill(url, given_rows)
        before = dump(url)
        person = {"collections": {"thing": {"owner": ["person_id"]}}}
        spec = source("s", dataset(COLLECTIONS, key="s", thing=DELETE, loop=DELETE), person=person)
        connector = SqlConnector(spec, register=register(spec), url=url)
        items = collected(connector, seeds(email="p1@shop.example"))
        assert len({(i.collection, i.locator["id"]) for i in items}) == len(items)
        own = {(i.collection, i.locator["id"]) for i in items if i.ownership is Ownership.OWN}
        mine = {r[0] for r in before["thing"] if r[1] == 1}
        assert {i for c, i in own if c == "person"} == {1}
        assert {i for c, i in own if c == "thing"} == mine
        others_tags = {r[2] for r in before["person"] if r[0] != 1} | {r[3] for r in before["thing"] if r[1] != 1}
        assert not others_tags & {i for c, i in own if c == "tag"}
        others_loops = {r[0] for r in before["loop"] if r[1] is not None and r[1] not in mine}
        assert not others_loops & {i for c, i in own if c == "loop"}
        plan = to_erase(items, connector)
        promised = {p.item_no: p.refused for p in connector.preview(plan)}
        assert dump(url) == before
        done = {e.item_no: e.outcome.value for e in connector.erase("op", 1, plan)}
        assert {n for n, refused in promised.items() if refused} == {n for n, o in done.items() if o == "refused"}
        after = dump(url)
        changed = {(t, r[0]) for t in before for r in set(before[t]) - set(after[t])}
        assert changed <= own
        treated = {(p.collection, p.locator["id"]) for p in plan if done[p.item_no] in {"erased", "masked"}}
        assert changed == treated
        connector.dispose()


graphs = st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8)), max_size=9)


@given(points_at=graphs)
def test_no_row_goes_before_the_rows_that_point_at_it(points_at: dict[int, set[int]]) -> None:
    nodes = set(points_at) | {t for targets in points_at.values() for t in targets}
    ordered, cyclic = waves(sorted(nodes), points_at)
    place = {row: n for n, wave in enumerate(ordered) for row in wave}
    assert set(place) | set(cyclic) == nodes
    assert len(place) + len(cyclic) == len(nodes)
    for row, targets in points_at.items():
        for target in targets - {row}:
            if target in place:
                assert row in place
                assert place[row] < place[target]
