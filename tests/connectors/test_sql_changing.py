"""To restrict records and to put them right: exactly those, exactly as decided, once, with a receipt."""

import dataclasses
from typing import Any

import pytest

from tests.connectors.shop import KEY, NAME, SYSTEM, dump, field, register, run_sql, source
from tests.connectors.shop import dataset as dataset_of
from workflows import changing
from workflows.connectors.file import FileConnector
from workflows.connectors.sql import SqlConnector
from workflows.errors import Fenced, PersonMustLook
from workflows.exchange import ChangeItem
from workflows.ports import Lead
from workflows.rules.items import Item

DDL = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, phone VARCHAR(20), frozen VARCHAR(8),
  age INTEGER CHECK (age < 150), friend INTEGER REFERENCES person (id));
CREATE TABLE note (person_id INTEGER, text VARCHAR(40));
INSERT INTO person VALUES (1, 'Aino Esimerkki', '040', NULL, 30, NULL), (2, 'Bertta Esimerkki', '041', NULL, 40, 1);
INSERT INTO note VALUES (1, 'called'), (2, 'wrote')
"""
COLLECTIONS = {
    "person": [
        field("id", KEY, primary_key=True, identity="customer_number"),
        field("name", NAME),
        field("phone", "user.contact.phone_number"),
        field("frozen", SYSTEM),
        field("age", "user.demographic"),
        field("friend", SYSTEM),
    ],
    "note": [
        field("person_id", KEY, references=[{"dataset": "crm", "field": "person.id", "direction": "from"}]),
        field("text", "user.content"),
    ],
}
RESTRICT = {"collections": {"person": {"restrict": {"column": "frozen", "value": "yes"}}}}


@pytest.fixture
def url(database_url: str) -> str:
    """Two people and their notes, on SQLite and on PostgreSQL."""
    run_sql(database_url, DDL)
    return database_url


def crm(url: str, person: dict[str, Any] | None = None) -> SqlConnector:
    spec = source("crm", dataset_of(COLLECTIONS, "crm"), person=RESTRICT if person is None else person)
    return SqlConnector(spec, register=register(spec), url=url)


def found(connector: SqlConnector, number: str = "1", collection: str = "person") -> Item:
    items: list[Item] = []
    connector.collect({"identity:customer_number": [Lead(number)]}, items.append)
    return next(item for item in items if item.collection == collection)


def to_change(item: Item, no: int = 1, **values: Any) -> ChangeItem:
    return ChangeItem(no, item.collection, item.locator, item.digest, values)


def changed_rows(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {t: sorted(set(after[t]) - set(before[t])) for t in after if after[t] != before[t]}


def test_a_restricted_record_is_marked_and_let_go_again_and_nothing_else_changes(url: str) -> None:
    before, connector = dump(url), crm(url)
    item = to_change(found(connector))
    (done,) = connector.restrict("r-1", 1, [item])
    assert done.outcome == "changed"
    assert changed_rows(before, dump(url)) == {"person": [(1, "Aino Esimerkki", "040", "yes", 30, None)]}
    assert done.digest == found(connector).digest != item.digest
    (free,) = connector.unrestrict("u-1", 1, [dataclasses.replace(item, digest=done.digest)])
    assert (free.outcome, free.digest) == ("changed", item.digest)
    assert dump(url) == before


def test_a_record_is_put_right_and_nothing_else_changes(url: str) -> None:
    before, connector = dump(url), crm(url)
    (done,) = connector.rectify("c-1", 1, [to_change(found(connector), name="aino Esimerkki", age="31", phone=None)])
    assert done.outcome == "changed"
    assert changed_rows(before, dump(url)) == {"person": [(1, "aino Esimerkki", None, None, 31, None)]}
    assert done.digest == found(connector).digest


def test_the_same_operation_again_answers_the_same_and_does_nothing(url: str) -> None:
    connector = crm(url)
    item = to_change(found(connector), phone="050")
    first = connector.rectify("c-1", 1, [item])
    run_sql(url, "UPDATE person SET phone = '051' WHERE id = 1")
    after = dump(url)
    (again,) = crm(url).rectify("c-1", 2, [item])
    assert again.outcome == first[0].outcome == "changed"
    assert again.digest == found(connector).digest  # as it is now, whoever changed it
    assert dump(url) == after
    with pytest.raises(Fenced):
        connector.rectify("c-1", 0, [item])


def test_what_changed_since_it_was_decided_on_is_left_alone(url: str) -> None:
    connector = crm(url)
    items = [to_change(found(connector), phone="050"), to_change(found(connector, "2"), 2, phone="052")]
    run_sql(url, "UPDATE person SET age = 33 WHERE id = 1")
    before = dump(url)
    done = connector.rectify("c-1", 1, items)
    assert [one.outcome for one in done] == ["drifted", "changed"]
    assert changed_rows(before, dump(url)) == {"person": [(2, "Bertta Esimerkki", "052", None, 40, 1)]}


def test_what_is_gone_or_as_it_should_be_already_is_told_as_such(url: str) -> None:
    connector = crm(url)
    gone, same = to_change(found(connector, "2"), phone="050"), to_change(found(connector), 2, phone="040")
    run_sql(url, "DELETE FROM person WHERE id = 2")
    before = dump(url)
    assert [one.outcome for one in connector.rectify("c-1", 1, [gone, same])] == ["absent", "as_it_was"]
    assert dump(url) == before


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"id": "7"}, "key"),
        ({"friend": "2"}, "key"),
        ({"name": None}, "not_null"),
        ({"age": "old"}, "unfit"),
        ({"phone": "0" * 21}, "unfit"),
        ({"nothing": "x"}, "unknown_field"),
        ({}, "no_values"),
    ],
)
def test_a_value_that_can_not_be_is_refused_before_anything_is_written(url: str, values, code: str) -> None:
    before, connector = dump(url), crm(url)
    (done,) = connector.rectify("c-1", 1, [to_change(found(connector), **values)])
    assert (done.outcome, done.refused) == ("refused", code)
    assert dump(url) == before


def test_a_value_that_the_database_refuses_leaves_every_record_as_it_was(url: str) -> None:
    connector = crm(url)
    items = [to_change(found(connector), phone="050"), to_change(found(connector, "2"), 2, age="200")]
    before = dump(url)
    with pytest.raises(PersonMustLook) as caught:
        connector.rectify("c-1", 1, items)
    assert caught.value.code == "check"
    assert dump(url) == before
    items[1] = dataclasses.replace(items[1], values={"age": 41})
    assert {one.outcome for one in connector.rectify("c-1", 1, items)} == {"changed"}  # and no receipt was left


def test_a_record_without_a_key_is_for_people(url: str) -> None:
    connector = crm(url)
    (done,) = connector.rectify("c-1", 1, [to_change(found(connector, collection="note"), text="x")])
    assert (done.outcome, done.refused) == ("refused", "no_key")


def test_a_source_that_names_no_column_restricts_by_hand(url: str) -> None:
    before, connector = dump(url), crm(url, {})
    with pytest.raises(PersonMustLook) as caught:
        changing.restrict(connector, "r-1", 1, items=[to_change(found(connector))])
    assert caught.value.code == "restrict_by_hand"
    assert dump(url) == before


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (changing.restrict, "restrict_by_hand"),
        (changing.unrestrict, "restrict_by_hand"),
        (changing.rectify, "rectify_by_hand"),
    ],
)
def test_a_kind_of_source_that_can_not_leaves_it_to_people(call, code: str) -> None:
    with pytest.raises(PersonMustLook) as caught:
        call(FileConnector, "r-1", 1, items=[])
    assert caught.value.code == code


def test_a_trigger_that_changes_more_undoes_all(url: str) -> None:
    if url.startswith("postgresql"):
        run_sql(
            url,
            "CREATE FUNCTION more() RETURNS trigger AS $$ BEGIN DELETE FROM note WHERE person_id = NEW.id;"
            " RETURN NEW; END $$ LANGUAGE plpgsql;\nCREATE TRIGGER t AFTER UPDATE ON person"
            " FOR EACH ROW EXECUTE FUNCTION more()",
        )
    else:
        body = "BEGIN DELETE FROM note WHERE person_id = NEW.id; END"
        run_sql(url, f"CREATE TRIGGER t AFTER UPDATE ON person {body}")
    before, connector = dump(url), crm(url)
    with pytest.raises(PersonMustLook) as caught:
        connector.rectify("c-1", 1, [to_change(found(connector), phone="050")])
    assert caught.value.code == "side_effects"
    assert dump(url) == before


def test_a_name_is_put_right_in_its_capitals_alone(url: str) -> None:
    connector = crm(url)
    (done,) = connector.rectify("c-1", 1, [to_change(found(connector), name="Aino esimerkki")])
    assert done.outcome == "changed"
    assert found(connector).fields["name"] == "Aino esimerkki"
