"""What masking writes where NULL is not allowed, what it never touches, and what it refuses to promise."""

import dataclasses
import re
from typing import Any

import pytest

from models.vocabulary import ReceiptOutcome
from tests.connectors.shop import collected, dataset, dump, field, register, run_sql, seeds, source, to_erase
from workflows.connectors.sql import SqlConnector
from workflows.errors import PersonMustLook

EMAIL = field("email", "user.contact.email", identity="email")


def one_table(url: str, columns: str, values: str, *fields: dict[str, Any]) -> SqlConnector:
    """A table `person` with one row that is found by its e-mail address."""
    run_sql(
        url,
        f"CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), {columns});\n"
        f"INSERT INTO person VALUES (1, 'one@shop.example', {values})",
    )
    key = field("id", "user.unique_id", primary_key=True)
    spec = source("s", dataset({"person": [key, EMAIL, *fields]}, key="s"))
    return SqlConnector(spec, register=register(spec), url=url)


def mask(connector: SqlConnector, url: str) -> tuple[Any, ...]:
    """Erase the one person and return the row as it is then, without id and e-mail address."""
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert [(p.refused, p.fields) for p in connector.preview(plan)] == [("", tuple(sorted(plan[0].fields)))]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.MASKED]
    return next(row for row in dump(url)["person"] if row[0] == 1)[2:]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("VARCHAR(60)", "'Yksi'", None),
        ("VARCHAR(60) NOT NULL", "'Yksi'", "poistettu"),
        ("VARCHAR(5) NOT NULL", "'Yksi'", ""),
        ("INTEGER NOT NULL", "7", 0),
        ("NUMERIC(10, 2) NOT NULL", "7.5", 0),
        ("DATE NOT NULL", "'1980-02-29'", "1900-01-01"),
        ("TIMESTAMP NOT NULL", "'1980-02-29 10:00:00'", "1900-01-01 00:00:00"),
    ],
)
def test_a_masked_field_is_empty_or_neutral(database_url: str, kind: str, value: str, expected: object) -> None:
    connector = one_table(database_url, f"x {kind}", value, field("x", "user.content"))
    (got,) = mask(connector, database_url)
    if isinstance(expected, str) and expected[:1].isdigit():
        assert str(got)[: len(expected)].startswith(expected[:10])
    else:
        assert got == expected


def test_a_unique_field_becomes_something_nobody_has(database_url: str) -> None:
    connector = one_table(database_url, "x VARCHAR(8) NOT NULL UNIQUE", "'Yksi'", field("x", "user.content"))
    run_sql(database_url, "INSERT INTO person VALUES (2, 'two@shop.example', 'poistett'), (3, NULL, '')")
    (got,) = mask(connector, database_url)
    assert len(got) == 8
    assert got != "Yksi"


def test_a_unique_field_too_short_for_anything_is_refused_and_said_to_be(database_url: str) -> None:
    connector = one_table(database_url, "x VARCHAR(4) NOT NULL UNIQUE", "'Yksi'", field("x", "user.content"))
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    before = dump(database_url)
    assert [p.refused for p in connector.preview(plan)] == ["unmaskable"]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert dump(database_url) == before


def test_keys_read_only_and_system_fields_keep_their_values(database_url: str) -> None:
    connector = one_table(
        database_url,
        "ro VARCHAR(9), sys VARCHAR(9), x VARCHAR(9)",
        "'ro', 'sys', 'x'",
        field("ro", "user.content", read_only=True),
        field("sys", "system.operations"),
        field("x", "user.content"),
    )
    assert mask(connector, database_url) == ("ro", "sys", None)


def test_what_the_database_computes_is_left_to_it(database_url: str) -> None:
    connector = one_table(
        database_url,
        "x VARCHAR(9), twice VARCHAR(20) GENERATED ALWAYS AS (x || x) STORED",
        "'x'",
        field("x", "user.content"),
        field("twice", "user.content"),
    )
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert connector.preview(plan)[0].fields == ("email", "x")
    connector.erase("op", 1, plan)
    assert dump(database_url)["person"][0][2:] == (None, None)


@pytest.mark.parametrize(
    ("strategy", "configuration", "expected"),
    [("null_rewrite", {}, None), ("string_rewrite", {"rewrite_value": "POISTETTU"}, "POISTETT")],
)
def test_a_field_may_name_its_own_way_of_masking(
    database_url: str, strategy: str, configuration: dict[str, str], expected: object
) -> None:
    override = {"strategy": strategy, "configuration": configuration}
    connector = one_table(
        database_url,
        "x VARCHAR(20)",
        "'Yksi'",
        field("x", "user.content", masking_strategy_override=override, length=8),
    )
    assert mask(connector, database_url) == (expected,)


def test_a_check_that_forbids_the_neutral_value_leaves_everything_as_it_was(database_url: str) -> None:
    connector = one_table(database_url, "x INTEGER NOT NULL CHECK (x > 0)", "7", field("x", "user.content"))
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    before = dump(database_url)
    with pytest.raises(PersonMustLook) as caught:
        connector.erase("op", 1, plan)
    assert caught.value.code == "refused_by_source"
    assert dump(database_url) == before


def test_a_column_the_database_knows_as_a_key_is_kept_though_the_dataset_does_not_say_so(database_url: str) -> None:
    run_sql(database_url, "CREATE TABLE club (code VARCHAR(9) PRIMARY KEY);\nINSERT INTO club VALUES ('gold')")
    connector = one_table(
        database_url,
        "club VARCHAR(9) REFERENCES club (code), x VARCHAR(9)",
        "'gold', 'x'",
        field("club", "user.account"),
        field("x", "user.content"),
    )
    plan = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    assert plan[0].fields == ("club", "email", "x")
    assert connector.preview(plan)[0].fields == ("email", "x")
    connector.erase("op", 1, plan)
    assert dump(database_url)["person"][0][2:] == ("gold", None)


def test_a_field_that_may_not_be_masked_is_left_out_whoever_asks_for_it(database_url: str) -> None:
    connector = one_table(
        database_url,
        "ro VARCHAR(9), x VARCHAR(9)",
        "'ro', 'x'",
        field("ro", "user.content", read_only=True),
        field("x", "user.content"),
    )
    (item,) = to_erase(collected(connector, seeds(email="one@shop.example")), connector)
    asked = dataclasses.replace(item, fields=("id", "ro", "x"))
    assert connector.preview([asked])[0].fields == ("x",)
    connector.erase("op", 1, [asked])
    assert dump(database_url)["person"] == [(1, "one@shop.example", "ro", None)]


def test_a_fixed_text_on_a_unique_column_stays_unlike_anybody_elses(database_url: str) -> None:
    override = {"strategy": "string_rewrite", "configuration": {"rewrite_value": "POISTETTU"}}
    x = field("x", "user.content", masking_strategy_override=override)
    connector = one_table(database_url, "x VARCHAR(20) NOT NULL UNIQUE", "'Yksi'", x)
    run_sql(database_url, "INSERT INTO person VALUES (2, 'two@shop.example', 'POISTETTU')")
    (got,) = mask(connector, database_url)
    assert (len(got), got[:8], got != "POISTETTU") == (20, "POISTETT", True)


@pytest.mark.parametrize(
    ("kind", "strategy", "configuration", "shape"),
    [
        ("VARCHAR(60)", "string_rewrite", {"rewrite_value": "x", "format_preservation": {"suffix": "@a.fi"}}, "x@a.fi"),
        ("VARCHAR(9)", "random_string_rewrite", {"length": 30}, r"[0-9a-f]{9}"),
        ("VARCHAR(60)", "random_string_rewrite", {"length": 5}, r"[0-9a-f]{5}"),
        (
            "VARCHAR(60)",
            "random_string_rewrite",
            {"length": 12, "format_preservation": {"suffix": "@a.fi"}},
            r"[0-9a-f]{7}@a\.fi",
        ),
        ("INTEGER", "string_rewrite", {"rewrite_value": "9"}, "9"),
        ("INTEGER", "string_rewrite", {"rewrite_value": "nine"}, "None"),
        ("DATE", "string_rewrite", {"rewrite_value": "2000-01-01"}, "2000-01-01"),
    ],
)
def test_a_strategy_keeps_type_and_length(
    database_url: str, kind: str, strategy: str, configuration: dict[str, Any], shape: str
) -> None:
    override = {"strategy": strategy, "configuration": configuration}
    value = {"I": "7", "D": "'1980-02-29'"}.get(kind[0], "'Yksi'")
    connector = one_table(
        database_url, f"x {kind}", value, field("x", "user.content", masking_strategy_override=override)
    )
    (got,) = mask(connector, database_url)
    assert re.fullmatch(shape, str(got))
