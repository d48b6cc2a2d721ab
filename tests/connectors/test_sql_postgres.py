"""What only PostgreSQL has: views, partitions, hidden rows and columns, deferred keys, and its own types."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from models.vocabulary import ReceiptOutcome
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
from tests.connectors.test_sql_rehearsal import DELETE, FIELDS, PEOPLE, PERSON, differences, plan_of, told
from workflows.connectors.sql import SqlConnector
from workflows.errors import NeverAgain
from workflows.ports import EraseItem

ERASED, MASKED = ReceiptOutcome.ERASED, ReceiptOutcome.MASKED
CHILD = [field("id", primary_key=True), field("person_id", KEY, references=[ref("person.id", "from", "s")])]


def connect(url: str, collections: dict[str, Any], **overrides: Any) -> SqlConnector:
    spec = source("s", dataset(collections, key="s", **overrides))
    return SqlConnector(spec, register=register(spec), url=url)


def made(url: str, *statements: str) -> None:
    run_sql(url, ";\n".join([PERSON, PEOPLE, *statements]))


@contextmanager
def role(url: str, *grants: str) -> Iterator[str]:
    """A user of its own for one test, who may do only this."""
    name = "u" + url.rsplit("_", 1)[1]
    run_sql(url, f"CREATE ROLE {name} LOGIN;\n" + ";\n".join(g.format(name) for g in grants))
    yield sa.make_url(url).set(username=name).render_as_string()
    run_sql(url, f"DROP OWNED BY {name};\nDROP ROLE {name}")


def words_of(url: str, connector: SqlConnector, plan: Sequence[EraseItem], reader: str = "") -> dict[str, str]:
    before = dump(url)
    words = {f"{i.collection}/{i.locator['id']}": p.refused for i, p in zip(plan, connector.preview(plan), strict=True)}
    assert dump(url) == before
    return words


def test_a_view_is_searched_and_never_erased_in(postgres_url: str) -> None:
    made(postgres_url, "CREATE VIEW seen AS SELECT * FROM person")
    connector = connect(postgres_url, {"seen": FIELDS})
    plan = plan_of(connector)
    assert told(postgres_url, connector, plan) == ["view"]
    before = dump(postgres_url)
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert dump(postgres_url) == before


def test_rows_of_a_partitioned_table_go_and_their_partitions_are_no_strangers(postgres_url: str) -> None:
    made(
        postgres_url,
        "CREATE TABLE thing (id INTEGER, person_id INTEGER NOT NULL REFERENCES person (id), PRIMARY KEY (id))"
        " PARTITION BY RANGE (id)",
        "CREATE TABLE thing_low PARTITION OF thing FOR VALUES FROM (0) TO (15)",
        "CREATE TABLE thing_high PARTITION OF thing FOR VALUES FROM (15) TO (100)",
        "INSERT INTO thing VALUES (10, 1), (20, 1), (21, 2)",
    )
    connector = connect(postgres_url, {"person": FIELDS, "thing": CHILD}, person=DELETE, thing=DELETE)
    plan = plan_of(connector)
    assert set(words_of(postgres_url, connector, plan).values()) == {""}
    before = dump(postgres_url)
    assert {e.outcome for e in connector.erase("op", 1, plan)} == {ERASED}
    changed = differences(before, dump(postgres_url))
    assert changed["thing"] == ([(10, 1), (20, 1)], [])
    assert changed.keys() == {"person", "thing", "thing_low", "thing_high"}


def test_a_cascade_from_rows_we_may_not_see_is_found_before_the_approval(postgres_url: str) -> None:
    made(
        postgres_url,
        "CREATE TABLE secret (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id) ON DELETE CASCADE)",
        "INSERT INTO secret VALUES (7, 1)",
    )
    grants = "GRANT SELECT, UPDATE, DELETE ON person TO {}"
    with role(postgres_url, grants) as url:
        connector = connect(url, {"person": FIELDS}, person=DELETE)
        plan = plan_of(connector)
        assert words_of(postgres_url, connector, plan) == {"person/1": "side_effects"}
        connector.dispose()


@pytest.mark.parametrize("action", ["RESTRICT", "SET NULL"])
def test_what_points_from_rows_we_may_not_see_is_found_before_the_approval(postgres_url: str, action: str) -> None:
    made(
        postgres_url,
        f"CREATE TABLE secret (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id) ON DELETE {action})",
        "INSERT INTO secret VALUES (7, 1)",
    )
    with role(postgres_url, "GRANT SELECT, UPDATE, DELETE ON person TO {}") as url:
        connector = connect(url, {"person": FIELDS}, person=DELETE)
        expected = {"RESTRICT": "referenced", "SET NULL": "side_effects"}[action]
        assert words_of(postgres_url, connector, plan_of(connector)) == {"person/1": expected}
        connector.dispose()


def test_rows_that_row_level_security_hides_are_an_error_and_not_an_answer(postgres_url: str) -> None:
    made(
        postgres_url,
        "ALTER TABLE person ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON person USING (id > 1)",
    )
    with role(postgres_url, "GRANT SELECT, UPDATE, DELETE ON person TO {}") as url:
        connector = connect(url, {"person": FIELDS})
        with pytest.raises(NeverAgain) as caught:
            connector.collect(seeds(email="one@shop.example"), [].append)
        assert (caught.value.code, "person" in caught.value.detail) == ("row_security", True)
        connector.dispose()


def test_security_that_comes_later_stops_the_search_all_the_same(postgres_url: str) -> None:
    made(postgres_url)
    with role(postgres_url, "GRANT SELECT, UPDATE, DELETE ON person TO {}") as url:
        connector = connect(url, {"person": FIELDS})
        assert collected(connector, seeds(email="one@shop.example"))
        run_sql(postgres_url, "CREATE POLICY p ON person USING (id > 1);\nALTER TABLE person ENABLE ROW LEVEL SECURITY")
        with pytest.raises(NeverAgain):
            connector.collect(seeds(email="one@shop.example"), [].append)
        connector.dispose()


def test_a_column_that_may_not_be_read_is_not_asked_for(postgres_url: str) -> None:
    made(postgres_url, "ALTER TABLE person ADD COLUMN salary INTEGER", "UPDATE person SET salary = 7")
    columns = "id, email, note, changed"
    with role(postgres_url, f"GRANT SELECT ({columns}), UPDATE ({columns}) ON person TO {{}}") as url:
        connector = connect(url, {"person": FIELDS})
        plan = plan_of(connector)
        assert words_of(postgres_url, connector, plan) == {"person/1": ""}
        assert [e.outcome for e in connector.erase("op", 1, plan)] == [MASKED]
        assert (1, None, None, "x", 7) in dump(postgres_url)["person"]
        connector.dispose()


def test_a_column_that_the_dataset_names_and_nobody_may_read_is_told(postgres_url: str) -> None:
    made(postgres_url)
    with role(postgres_url, "GRANT SELECT (id, email, changed) ON person TO {}") as url:
        connector = connect(url, {"person": FIELDS})
        with pytest.raises(NeverAgain) as caught:
            connector.health()
        assert "person.note" in caught.value.detail
        connector.dispose()


@pytest.mark.parametrize(
    ("grant", "erase"), [("SELECT", DELETE), ("SELECT, UPDATE (email)", {}), ("SELECT, UPDATE", DELETE)]
)
def test_a_right_that_is_missing_is_told_before_the_approval(
    postgres_url: str, grant: str, erase: dict[str, Any]
) -> None:
    made(postgres_url)
    with role(postgres_url, f"GRANT {grant} ON person TO {{}}") as url:
        connector = connect(url, {"person": FIELDS}, person=erase)
        assert words_of(postgres_url, connector, plan_of(connector)) == {"person/1": "not_permitted"}
        connector.dispose()


def test_keys_that_are_checked_late_are_checked_in_the_rehearsal(postgres_url: str) -> None:
    made(
        postgres_url,
        "CREATE TABLE thing (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person (id)"
        " DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO thing VALUES (10, 1), (20, 2)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF (SELECT count(*) FROM thing) < 2 THEN RAISE EXCEPTION 'two'; END IF; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON thing DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION f()",
    )
    connector = connect(postgres_url, {"person": FIELDS, "thing": CHILD}, person=DELETE, thing=DELETE)
    plan = plan_of(connector)
    assert words_of(postgres_url, connector, plan) == {"person/1": "referenced", "thing/10": "trigger"}


TYPES = [
    # column, value, whether it may stay
    ("JSONB", """'{"a": 1}'""", None),
    ("JSON", """'{"a": 1}'""", None),
    ("JSONB NOT NULL", """'{"a": 1}'""", {}),
    ("TEXT[]", "'{a,b}'", None),
    ("TEXT[] NOT NULL", "'{a,b}'", []),
    ("UUID NOT NULL", "'6c5d1e2a-0000-4000-8000-000000000001'", "other"),
    ("BYTEA NOT NULL", r"'\x01'", b""),
    ("INTERVAL NOT NULL", "'3 days'", "0:00:00"),
    ("TIME NOT NULL", "'10:00'", "00:00:00"),
    ("TIMESTAMPTZ NOT NULL", "'2020-02-29 10:00+02'", "1900-01-01 00:00:00+00:00"),
    ("CHAR(12) NOT NULL", "'Yksi'", "poistettu   "),
    ("INET NOT NULL", "'10.0.0.7'", "0.0.0.0"),
    ("BIGINT NOT NULL UNIQUE", "7", "other"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), TYPES)
def test_every_type_is_masked_with_its_own_kind_of_nothing(
    postgres_url: str, kind: str, value: str, expected: object
) -> None:
    nullable = kind.replace("NOT NULL", "")
    made(
        postgres_url,
        f"ALTER TABLE person ADD COLUMN x {nullable}",
        f"UPDATE person SET x = {value} WHERE id = 1",
    )
    if "NOT NULL" in kind:
        filler = value if "UNIQUE" not in kind else "8"
        run_sql(postgres_url, f"UPDATE person SET x = {filler} WHERE id = 2;\nALTER TABLE person ALTER x SET NOT NULL")
    connector = connect(postgres_url, {"person": [*FIELDS, field("x", "user.content")]})
    plan = plan_of(connector)
    assert words_of(postgres_url, connector, plan) == {"person/1": ""}
    with psycopg.connect(postgres_url) as connection:
        old = connection.execute("SELECT x FROM person WHERE id = 1").fetchone()
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [MASKED]
    with psycopg.connect(postgres_url) as connection:
        now = connection.execute("SELECT x FROM person WHERE id = 1").fetchone()
    assert now is not None
    assert now != old
    assert expected == "other" or now[0] == expected or str(now[0]) == str(expected)


@pytest.mark.parametrize(("kind", "value"), [("ENUMERATED NOT NULL", "'a'"), ("SMALLINT NOT NULL UNIQUE", "7")])
def test_a_type_without_anything_neutral_is_refused_before_the_approval(
    postgres_url: str, kind: str, value: str
) -> None:
    run_sql(
        postgres_url,
        "CREATE TYPE enumerated AS ENUM ('a', 'b');\n"
        f"CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), x {kind});\n"
        f"INSERT INTO person VALUES (1, 'one@shop.example', {value})",
    )
    connector = connect(postgres_url, {"person": [*FIELDS[:2], field("x", "user.content")]})
    assert told(postgres_url, connector, plan_of(connector)) == ["unmaskable"]


def test_an_enumeration_may_be_masked_with_one_of_its_own_words(postgres_url: str) -> None:
    run_sql(
        postgres_url,
        "CREATE TYPE enumerated AS ENUM ('a', 'b');\n"
        "CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80), x enumerated NOT NULL);\n"
        "INSERT INTO person VALUES (1, 'one@shop.example', 'a')",
    )
    override = {"strategy": "string_rewrite", "configuration": {"rewrite_value": "b"}}
    x = field("x", "user.content", masking_strategy_override=override)
    connector = connect(postgres_url, {"person": [*FIELDS[:2], x]})
    plan = plan_of(connector)
    assert told(postgres_url, connector, plan) == [""]
    connector.erase("op", 1, plan)
    assert dump(postgres_url)["person"] == [(1, None, "b")]


@pytest.mark.parametrize(
    "index",
    [
        "CREATE UNIQUE INDEX i ON person (note) WHERE id < 9",
        "CREATE UNIQUE INDEX i ON person (lower(note))",
        "CREATE UNIQUE INDEX i ON person (note) NULLS NOT DISTINCT",
    ],
)
def test_people_masked_one_after_the_other_stay_unlike_in_every_unique_index(postgres_url: str, index: str) -> None:
    made(postgres_url, "UPDATE person SET note = id::text", "ALTER TABLE person ALTER note SET NOT NULL", index)
    if "NULLS" in index:
        run_sql(postgres_url, "ALTER TABLE person ALTER note DROP NOT NULL")
    for number, mail in enumerate(["one@shop.example", "two@shop.example"]):
        connector = connect(postgres_url, {"person": FIELDS})
        plan = to_erase(collected(connector, seeds(email=mail)), connector)
        assert told(postgres_url, connector, plan) == [""]
        assert [e.outcome for e in connector.erase(f"op-{number}", 1, plan)] == [MASKED]
    notes = [row[2] for row in dump(postgres_url)["person"]]
    assert len(set(notes)) == 2
    assert not {"1", "2"} & set(notes)


def test_a_table_without_a_key_whose_rows_cannot_be_told_apart_is_told(postgres_url: str) -> None:
    run_sql(postgres_url, "CREATE TABLE person (email VARCHAR(80), x JSON)")
    connector = connect(postgres_url, {"person": [field("email", EMAIL, identity="email"), field("x", "user.content")]})
    with pytest.raises(NeverAgain) as caught:
        connector.health()
    assert caught.value.code == "no_key"
