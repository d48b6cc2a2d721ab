"""What the preview tells is what the erasure does: proven by a dump of all tables before, between and after."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.vocabulary import Action, ReceiptOutcome
from tests.connectors.shop import (
    EMAIL,
    KEY,
    collected,
    dataset,
    dump,
    field,
    ref,
    register,
    run_sql,
    seeds,
    source,
    to_erase,
)
from workflows.connectors.sql import SqlConnector
from workflows.errors import PersonMustLook
from workflows.ports import EraseItem

DELETE = {"masking_strategy_override": {"strategy": "delete"}}
MASKED, ERASED, REFUSED = ReceiptOutcome.MASKED, ReceiptOutcome.ERASED, ReceiptOutcome.REFUSED

PERSON = "CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), note VARCHAR(40), changed VARCHAR(40))"
PEOPLE = (
    "INSERT INTO person VALUES (1, 'one@shop.example', 'mine', 'x'), (2, 'two@shop.example', 'hers', 'x');\n"
    "CREATE TABLE history (id INTEGER, note VARCHAR(40));\n"
    "CREATE TABLE tally (n INTEGER);\nINSERT INTO tally VALUES (0)"
)
FIELDS = [
    field("id", KEY, primary_key=True),
    field("email", EMAIL, identity="email"),
    field("note", "user.content"),
    field("changed", "system.operations"),
]


def people(url: str, *more: str, side_tables: Sequence[str] = (), **overrides: Any) -> SqlConnector:
    """A table of two people, with whatever else the database has."""
    run_sql(url, ";\n".join([PERSON, PEOPLE, *more]))
    spec = source("s", dataset({"person": FIELDS}, key="s", **overrides), connection={"side_tables": side_tables})
    return SqlConnector(spec, register=register(spec), url=url)


def plan_of(connector: SqlConnector) -> list[EraseItem]:
    return to_erase(collected(connector, seeds(email="one@shop.example")), connector)


def told(url: str, connector: SqlConnector, plan: list[EraseItem]) -> list[str]:
    """What the preview refuses; it may not change anything."""
    before = dump(url)
    words = [p.refused for p in connector.preview(plan)]
    assert dump(url) == before
    return words


def differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Rows that went and rows that came, by table."""
    assert before.keys() == after.keys()
    pairs = {
        t: ([r for r in before[t] if r not in after[t]], [r for r in after[t] if r not in before[t]]) for t in before
    }
    return {t: pair for t, pair in pairs.items() if pair != ([], [])}


def trigger(url: str, event: str, body: str, *, when: str = "AFTER", result: str = "NULL") -> str:
    """A trigger on `person` in the words of either database."""
    if url.startswith("sqlite"):
        return f"CREATE TRIGGER t {when} {event} ON person BEGIN {body}; END"
    return (
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN {result}; END $$;\n"
        f"CREATE TRIGGER t {when} {event} ON person FOR EACH ROW EXECUTE FUNCTION f()"
    )


KEEPS_OLD = "INSERT INTO history VALUES (old.id, old.note)"


@pytest.mark.parametrize("strategy", ["mask", "delete"])
def test_a_trigger_that_writes_the_old_values_elsewhere_is_found_before_the_approval(
    database_url: str, strategy: str
) -> None:
    event = "UPDATE" if strategy == "mask" else "DELETE"
    overrides = {"person": DELETE} if strategy == "delete" else {}
    connector = people(database_url, trigger(database_url, event, KEEPS_OLD), **overrides)
    plan = plan_of(connector)
    assert told(database_url, connector, plan) == ["side_effects"]
    before = dump(database_url)
    with pytest.raises(PersonMustLook) as caught:
        connector.erase("op", 1, plan)
    assert caught.value.code == "side_effects"
    assert dump(database_url) == before


def test_a_trigger_that_counts_in_a_table_the_register_names_is_no_hindrance(database_url: str) -> None:
    counts = trigger(database_url, "DELETE", "UPDATE tally SET n = n + 1")
    connector = people(database_url, counts, side_tables=["tally"], person=DELETE)
    plan = plan_of(connector)
    assert told(database_url, connector, plan) == [""]
    before = dump(database_url)
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ERASED]
    changed = differences(before, dump(database_url))
    assert changed == {"person": ([(1, "one@shop.example", "mine", "x")], []), "tally": ([(0,)], [(1,)])}


def test_a_trigger_that_writes_where_the_register_does_not_say_is_refused_though_it_names_another(
    database_url: str,
) -> None:
    connector = people(database_url, trigger(database_url, "DELETE", KEEPS_OLD), side_tables=["tally"], person=DELETE)
    assert told(database_url, connector, plan_of(connector)) == ["side_effects"]


def test_a_trigger_that_takes_another_persons_row_along_is_refused(database_url: str) -> None:
    takes = trigger(database_url, "DELETE", "DELETE FROM person WHERE id = 2")
    connector = people(database_url, takes, side_tables=["tally"], person=DELETE)
    assert told(database_url, connector, plan_of(connector)) == ["side_effects"]


def test_a_trigger_that_refuses_is_told_before_the_approval(database_url: str) -> None:
    body = {"sqlite": "SELECT RAISE(ABORT, 'mine')", "postgresql": "RAISE EXCEPTION 'mine'"}
    connector = people(
        database_url,
        trigger(database_url, "DELETE", body[database_url.split(":", maxsplit=1)[0]], when="BEFORE"),
        person=DELETE,
    )
    assert told(database_url, connector, plan_of(connector)) == ["trigger"]


def test_a_trigger_that_puts_the_old_value_back_is_told_before_the_approval(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        body = "UPDATE person SET note = old.note WHERE id = old.id"
        connector = people(database_url, trigger(database_url, "UPDATE", body, when="AFTER"))
        assert told(database_url, connector, plan_of(connector)) == ["source_keeps"]
        return
    body = trigger(database_url, "UPDATE", "NEW.note := OLD.note", when="BEFORE", result="NEW")
    connector = people(database_url, body)
    plan = plan_of(connector)
    assert told(database_url, connector, plan) == ["source_keeps"]
    with pytest.raises(PersonMustLook) as caught:
        connector.erase("op", 1, plan)
    assert caught.value.code == "source_keeps"


def test_a_row_that_quietly_would_not_be_deleted_is_told_before_the_approval(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        swallows = trigger(database_url, "DELETE", "SELECT RAISE(IGNORE)", when="BEFORE")
    else:
        swallows = trigger(database_url, "DELETE", "PERFORM 1", when="BEFORE", result="NULL")
    connector = people(database_url, swallows, person=DELETE)
    assert told(database_url, connector, plan_of(connector)) == ["count_differs"]


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("x INTEGER NOT NULL CHECK (x > 0)", "check"),
        ("x INTEGER NOT NULL, CHECK (x <> 0 OR id > 1)", "check"),
    ],
)
def test_a_check_that_forbids_the_neutral_value_is_told_before_the_approval(
    database_url: str, column: str, code: str
) -> None:
    run_sql(
        database_url,
        f"CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), {column});\n"
        "INSERT INTO person VALUES (1, 'one@shop.example', 7), (2, 'two@shop.example', 8)",
    )
    spec = source("s", dataset({"person": [*FIELDS[:2], field("x", "user.content")]}, key="s"))
    connector = SqlConnector(spec, register=register(spec), url=database_url)
    plan = plan_of(connector)
    assert told(database_url, connector, plan) == [code]


def test_of_many_rows_only_those_are_refused_that_the_database_refuses(database_url: str) -> None:
    rows = ", ".join(f"({n}, 1, {-n if n % 7 == 0 else n}, 'x')" for n in range(1, 60))
    run_sql(
        database_url,
        ";\n".join([
            PERSON,
            PEOPLE,
            "CREATE TABLE thing (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id),"
            " x INTEGER NOT NULL, note VARCHAR(9), CHECK (x > 0 OR note IS NOT NULL))",
            f"INSERT INTO thing VALUES {rows}",
        ]),
    )  # fmt: skip
    things = [
        field("id", primary_key=True),
        field("person_id", KEY, references=[ref("person.id", "from", "s")]),
        field("x", "system.operations"),
        field("note", "user.content"),
    ]
    spec = source("s", dataset({"person": FIELDS, "thing": things}, key="s"))
    connector = SqlConnector(spec, register=register(spec), url=database_url)
    plan = plan_of(connector)
    words = dict(zip([(i.collection, i.locator["id"]) for i in plan], told(database_url, connector, plan), strict=True))
    assert {where for where, word in words.items() if word} == {("thing", n) for n in range(7, 60, 7)}
    allowed = [item for item in plan if not words[item.collection, item.locator["id"]]]
    before = dump(database_url)
    assert {e.outcome for e in connector.erase("op", 1, allowed)} == {MASKED}
    changed = differences(before, dump(database_url))
    assert {row[0] for row in changed["thing"][0]} == {n for n in range(1, 60) if n % 7}
    assert changed.keys() == {"person", "thing"}


def test_a_parent_stays_when_its_child_is_refused(database_url: str) -> None:
    refuses = {
        "sqlite": "CREATE TRIGGER t BEFORE DELETE ON thing WHEN old.id = 10 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "postgresql": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF old.id = 10 THEN RAISE EXCEPTION 'no'; END IF; RETURN old; END $$;\n"
        "CREATE TRIGGER t BEFORE DELETE ON thing FOR EACH ROW EXECUTE FUNCTION f()",
    }
    run_sql(
        database_url,
        ";\n".join([
            PERSON, PEOPLE,
            "CREATE TABLE thing (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id))",
            "INSERT INTO thing VALUES (10, 1), (11, 1), (20, 2)",
            refuses[database_url.split(":", maxsplit=1)[0]],
        ]),
    )  # fmt: skip
    things = [field("id", primary_key=True), field("person_id", KEY, references=[ref("person.id", "from", "s")])]
    spec = source("s", dataset({"person": FIELDS, "thing": things}, key="s", person=DELETE, thing=DELETE))
    connector = SqlConnector(spec, register=register(spec), url=database_url)
    plan = plan_of(connector)
    words = dict(zip([(i.collection, i.locator["id"]) for i in plan], told(database_url, connector, plan), strict=True))
    assert words == {("person", 1): "referenced", ("thing", 10): "trigger", ("thing", 11): ""}


def test_what_the_preview_allows_happens_and_nothing_else(database_url: str) -> None:
    connector = people(
        database_url,
        trigger(database_url, "UPDATE", "NEW.changed := 'now'", when="BEFORE", result="NEW")
        if not database_url.startswith("sqlite")
        else "SELECT 1",
    )
    plan = plan_of(connector)
    assert [(p.action, p.fields) for p in plan] == [(Action.MASK, ("email", "note"))]
    assert told(database_url, connector, plan) == [""]
    before = dump(database_url)
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [MASKED]
    stamp = "x" if database_url.startswith("sqlite") else "now"
    assert differences(before, dump(database_url)) == {
        "person": ([(1, "one@shop.example", "mine", "x")], [(1, None, None, stamp)])
    }
