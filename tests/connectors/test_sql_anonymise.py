"""A record is made anonymous by an approved recipe only, and only where ten households look the same."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from models.vocabulary import Action, ReceiptOutcome
from tests.connectors.answers import FIELDS, RECIPE
from tests.connectors.shop import collected, dataset, dump, register, run_sql, seeds, source
from tests.connectors.test_sql_rehearsal import differences, told
from workflows.connectors.erasing import ErasureKinds, plan_action
from workflows.connectors.sql import SqlConnector
from workflows.errors import NeverAgain
from workflows.planning import Planned, _previewed
from workflows.ports import EraseItem
from workflows.register.recipes import Recipe
from workflows.rules.items import Verdict
from workflows.runtime import Runtime


def survey(url: str, *more: str, recipe: Recipe = RECIPE, alike: int = 10) -> SqlConnector:
    """Answers of so many households that gave the same rating in the same area, and one that gave another."""
    rows = [f"({n}, {n}, 'p{n}@shop.example', 5, '60100', 'text {n}')" for n in range(1, alike + 1)]
    rows.append("(99, 99, 'p99@shop.example', 1, '60100', 'odd')")
    run_sql(
        url,
        ";\n".join([
            "CREATE TABLE answer (id INTEGER PRIMARY KEY, customer_id INTEGER, email VARCHAR(80), rating INTEGER,"
            " postcode VARCHAR(5), text VARCHAR(200) NOT NULL)",
            f"INSERT INTO answer VALUES {', '.join(rows)}",
            *more,
        ]),
    )  # fmt: skip
    spec = source("s", dataset({"answer": FIELDS}, key="s"))
    whole = register(spec).model_copy(update={"recipes": (recipe,)})
    return SqlConnector(spec, register=whole, url=url)


def plan_of(connector: SqlConnector, who: str = "p1@shop.example") -> list[EraseItem]:
    (item,) = collected(connector, seeds(email=who))
    action, fields = plan_action(connector._register, item)
    return [EraseItem(0, item.collection, item.locator, action, fields, item.digest)]


def test_what_stays_of_a_record_is_what_ten_households_share(database_url: str) -> None:
    connector = survey(database_url)
    plan = plan_of(connector)
    assert (plan[0].action, plan[0].fields) == (Action.ANONYMISE, ("customer_id", "email", "text"))
    assert told(database_url, connector, plan) == [""]
    before = dump(database_url)
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.MASKED]
    changed = differences(before, dump(database_url))["answer"]
    assert changed == ([(1, 1, "p1@shop.example", 5, "60100", "text 1")], [(1, None, None, 5, "60100", "poistettu")])
    assert collected(connector, seeds(email="p1@shop.example")) == []


@pytest.mark.parametrize(("who", "alike"), [("p99@shop.example", 10), ("p1@shop.example", 9)])
def test_a_record_that_too_few_share_is_not_anonymous(database_url: str, who: str, alike: int) -> None:
    connector = survey(database_url, alike=alike)
    plan = plan_of(connector, who)
    before = dump(database_url)
    assert told(database_url, connector, plan) == ["too_few_alike"]
    assert [e.outcome for e in connector.erase("op", 1, plan)] == [ReceiptOutcome.REFUSED]
    assert dump(database_url) == before


def test_ten_records_of_one_household_are_one_household(database_url: str) -> None:
    connector = survey(database_url, "UPDATE answer SET customer_id = 1")
    assert told(database_url, connector, plan_of(connector)) == ["too_few_alike"]


def test_others_who_are_anonymous_already_are_not_counted_twice(database_url: str) -> None:
    connector = survey(database_url)
    connector.erase("op-1", 1, plan_of(connector))
    assert told(database_url, connector, plan_of(connector, "p2@shop.example")) == ["too_few_alike"]


@pytest.mark.parametrize("change", [{"approved_by": ""}, {"approved_on": None}, {"source": "other"}])
def test_a_recipe_that_nobody_approved_or_that_is_for_another_source_makes_nothing_anonymous(
    database_url: str, change: dict[str, Any]
) -> None:
    connector = survey(database_url, recipe=RECIPE.model_copy(update=change))
    assert plan_of(connector)[0].action is Action.MASK


def test_a_recipe_that_changed_after_the_approval_is_another_recipe(database_url: str) -> None:
    plan = plan_of(survey(database_url))
    spec = source("s", dataset({"answer": FIELDS}, key="s"))
    newer = RECIPE.model_copy(update={"version": 2, "keeps": ("rating", "postcode", "text")})
    connector = SqlConnector(spec, register=register(spec).model_copy(update={"recipes": (newer,)}), url=database_url)
    assert told(database_url, connector, plan) == ["no_recipe"]


def test_a_column_that_nobody_spoke_of_stops_it(database_url: str) -> None:
    connector = survey(database_url, "ALTER TABLE answer ADD COLUMN phone VARCHAR(20)")
    assert told(database_url, connector, plan_of(connector)) == ["no_recipe"]


def test_a_record_that_other_rows_point_at_still_tells_of_somebody(database_url: str) -> None:
    connector = survey(
        database_url,
        "CREATE TABLE call (id INTEGER PRIMARY KEY, answer_id INTEGER REFERENCES answer (id), phone VARCHAR(20))",
        "INSERT INTO call VALUES (1, 1, '040')",
    )
    assert told(database_url, connector, plan_of(connector)) == ["referenced"]


def test_what_would_still_tell_of_one_household_is_deleted_instead(database_url: str) -> None:
    connector = survey(database_url)
    rt = cast(Runtime, SimpleNamespace(connectors={"s": connector}))
    items = []
    for who in ("p1@shop.example", "p99@shop.example"):
        (item,) = collected(connector, seeds(email=who))
        action, fields = plan_action(connector._register, item)
        verdict = Verdict(action, fields, (), "no_hold", None)
        items.append(
            Planned("s", "answer", item.locator, item.category, item.ownership, item.digest, verdict, None, ())
        )
    plan = _previewed(rt, "s", items)
    assert [(p.verdict.action, p.verdict.fields) for p in plan] == [
        (Action.ANONYMISE, ("customer_id", "email", "text")),
        (Action.DELETE, ()),
    ]


def test_what_erasing_means_is_told_apart_by_collection_and_key(tmp_path: Path) -> None:
    connector = survey(f"sqlite:///{tmp_path / 's.db'}")
    (item,) = collected(connector, seeds(email="p1@shop.example"))
    told_once = ErasureKinds(connector._register)
    other_key = replace(item, locator={"email": "p1@shop.example"})
    for one in (item, other_key, item):
        assert told_once(one) == plan_action(connector._register, one)
    assert told_once(item) != told_once(other_key)
    for _ in range(2):
        with pytest.raises(NeverAgain):
            told_once(replace(item, collection="gone"))
