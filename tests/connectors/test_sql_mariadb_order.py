"""What MariaDB sorts otherwise than it compares is read whole all the same."""

from typing import Any

import pytest

from tests.connectors.shop import EMAIL, KEY, collected, field, ref, seeds
from tests.connectors.test_sql_mariadb import connect, made
from workflows.connectors import sql_lookup
from workflows.rules.item_lines import Batch
from workflows.rules.items import Item


def test_of_many_records_each_comes_once_whatever_order_their_key_sorts_in(
    mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [(kind, n) for kind in ("z", "b", "a") for n in range(1, 5)]
    made(
        mariadb_url,
        "CREATE TABLE choice (person_id INTEGER, kind ENUM('z', 'b', 'a'), n INTEGER,"
        " PRIMARY KEY (person_id, kind, n), FOREIGN KEY (person_id) REFERENCES person (id))",
        "INSERT INTO choice VALUES " + ", ".join(f"(1, '{kind}', {n})" for kind, n in kinds),
    )
    monkeypatch.setattr(sql_lookup, "FEW", 1)
    monkeypatch.setattr(sql_lookup, "ROWS", 3)
    person = [field("id", KEY, primary_key=True), field("email", EMAIL, identity="email")]
    choice = [
        field("person_id", KEY, references=[ref("person.id", "from", "s")]),
        field("kind"),
        field("n"),
    ]
    connector = connect(mariadb_url, {"person": person, "choice": choice})
    given = seeds(email="one@shop.example")
    whole = [item for item in collected(connector, given) if item.collection == "choice"]
    assert sorted((i.locator["kind"], i.locator["n"]) for i in whole) == sorted(kinds)
    kept: list[Item] = []
    connector.collect_on(given, kept.append, bookmark=Forgetful())
    assert sorted(i.to_json() for i in kept if i.collection == "choice") == sorted(i.to_json() for i in whole)


class Forgetful:
    """A bookmark in which nothing is kept."""

    def after(self, collection: str, mark: Any) -> None:
        """Nothing is kept."""

    def takes(self, collection: str) -> bool:
        """Each by itself."""
        return False

    def take(self, batch: Batch) -> None:
        """Never."""
        raise AssertionError

    def reached(self, place: Any) -> None:
        """Nothing is kept."""

    def done(self) -> None:
        """Nothing is kept."""
