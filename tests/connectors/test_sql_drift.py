"""What is not to the letter what was approved is left alone, whatever changed."""

import pytest

from models.vocabulary import ReceiptOutcome
from tests.connectors.shop import KEY, collected, dataset, dump, field, ref, register, run_sql, seeds, source, to_erase
from tests.connectors.test_sql_rehearsal import DELETE, FIELDS, PEOPLE, PERSON
from workflows.connectors.sql import SqlConnector
from workflows.ports import EraseItem

ABSENT, DRIFTED, ERASED, REFUSED = (
    ReceiptOutcome.ABSENT,
    ReceiptOutcome.DRIFTED,
    ReceiptOutcome.ERASED,
    ReceiptOutcome.REFUSED,
)
THING = (
    "CREATE TABLE thing (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id),"
    " note VARCHAR(40), amount NUMERIC(10, 2), inner_code VARCHAR(9))"
)
ROWS = "INSERT INTO thing VALUES (10, 1, 'caf\u00e9', 1.5, 'k'), (11, 1, NULL, 2, 'k'), (20, 2, 'caf\u00e9', 3, 'k')"
COLUMNS = [
    field("id", primary_key=True),
    field("person_id", KEY, references=[ref("person.id", "from", "s")]),
    field("note", "user.content"),
    field("amount", "user.financial"),
]


def made(url: str, **overrides: object) -> tuple[SqlConnector, list[EraseItem]]:
    """The connector and what was approved."""
    run_sql(url, f"{PERSON};\n{PEOPLE};\n{THING};\n{ROWS}")
    spec = source("s", dataset({"person": FIELDS, "thing": COLUMNS}, key="s", **overrides))
    connector = SqlConnector(spec, register=register(spec), url=url)
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    return connector, plan


def outcomes(connector: SqlConnector, plan: list[EraseItem]) -> dict[str, ReceiptOutcome]:
    erased = {e.item_no: e.outcome for e in connector.erase("op", 1, plan)}
    previewed = {f"{i.collection}/{i.locator['id']}": erased[i.item_no] for i in plan}
    return {where: outcome for where, outcome in previewed.items() if where.startswith("thing")}


@pytest.mark.parametrize("kind", ["mask", "delete"])
@pytest.mark.parametrize(
    "change",
    [
        "note = 'cafe'",
        "note = 'caf\u00e9 '",
        "note = ' caf\u00e9'",
        "note = 'Caf\u00e9'",
        "note = 'cafe\u0301'",
        "note = ''",
        "note = NULL",
        "amount = 1.51",
        "inner_code = 'l'",
        "person_id = 2",
    ],
)
def test_any_changed_value_leaves_the_record_alone(database_url: str, change: str, kind: str) -> None:
    overrides = {"thing": DELETE, "person": DELETE} if kind == "delete" else {}
    connector, plan = made(database_url, **overrides)
    run_sql(database_url, f"UPDATE thing SET {change} WHERE id = 10")
    before = dump(database_url)
    words = {f"{i.collection}/{i.locator['id']}": p.refused for i, p in zip(plan, connector.preview(plan), strict=True)}
    assert words["thing/10"] == "drifted"
    assert outcomes(connector, plan)["thing/10"] is DRIFTED
    assert next(r for r in before["thing"] if r[0] == 10) in dump(database_url)["thing"]


def test_an_amount_that_is_written_otherwise_is_the_same_amount(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE)
    run_sql(database_url, "UPDATE thing SET amount = 1.50 WHERE id = 10")
    assert outcomes(connector, plan)["thing/10"] is ERASED


def test_a_removed_row_is_absent_and_the_rest_goes(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE, person=DELETE)
    run_sql(database_url, "DELETE FROM thing WHERE id = 10")
    assert outcomes(connector, plan) == {"thing/10": ABSENT, "thing/11": ERASED}
    assert {row[0] for row in dump(database_url)["person"]} == {2}


def test_a_row_that_came_after_the_approval_stays_and_keeps_what_it_points_at(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE, person=DELETE)
    run_sql(database_url, "INSERT INTO thing VALUES (12, 1, 'new', 1, NULL)")
    erased = {plan[e.item_no].collection: e.outcome for e in connector.erase("op", 1, plan)}
    assert erased == {"thing": ERASED, "person": REFUSED}
    assert {row[0] for row in dump(database_url)["thing"]} == {12, 20}
    assert {row[0] for row in dump(database_url)["person"]} == {1, 2}


def test_another_persons_row_under_the_old_key_is_not_touched(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE)
    run_sql(
        database_url,
        "DELETE FROM thing WHERE id = 10;\nINSERT INTO thing VALUES (10, 2, 'caf\u00e9', 1.5, 'k')",
    )
    assert outcomes(connector, plan)["thing/10"] is DRIFTED
    assert {row[:2] for row in dump(database_url)["thing"]} == {(10, 2), (20, 2)}


def test_a_value_of_another_type_is_another_value(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE)
    if database_url.startswith("sqlite"):
        run_sql(
            database_url,
            "ALTER TABLE thing ADD COLUMN amount2 TEXT;\nUPDATE thing SET amount2 = amount;\n"
            "ALTER TABLE thing DROP COLUMN amount;\nALTER TABLE thing RENAME COLUMN amount2 TO amount",
        )
    else:
        run_sql(database_url, "ALTER TABLE thing ALTER amount TYPE double precision")
    before = dump(database_url)["thing"]
    assert set(outcomes(connector, plan).values()) == {DRIFTED}
    assert dump(database_url)["thing"] == before


def test_a_column_that_was_added_makes_every_record_another(database_url: str) -> None:
    connector, plan = made(database_url, thing=DELETE)
    run_sql(database_url, "ALTER TABLE thing ADD COLUMN more VARCHAR(9)")
    assert set(outcomes(connector, plan).values()) == {DRIFTED}
