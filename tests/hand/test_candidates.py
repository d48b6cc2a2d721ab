"""What a person wrote down may be the requester's or somebody else's: its values tell, and so does who wrote it."""

from typing import Any

import pytest

from models.vocabulary import Ownership
from tests.connectors.shop import field, ref, register, source
from workflows.connectors.hand import HandConnector
from workflows.handed import HandAnswer, HandRecord
from workflows.ports import Lead
from workflows.rules.items import Item

FIELDS = [
    field("number", "user.unique_id", identity="customer_number"),
    field("email", "user.contact.email", identity="email"),
    field("name", "user.name", identity="name"),
    field("text", "user.content"),
]
MAIJA = {"identity:customer_number": [Lead("1001")], "identity:email": [Lead("maija@example.fi")]}


def judged(seeds: dict[str, list[Lead]], values: dict[str, str], whose: Ownership = Ownership.OWN) -> Ownership:
    """Whose a paper with these values is."""
    dataset = {"fides_key": "archive", "collections": [{"name": "paper", "fields": FIELDS}]}
    spec = source("archive", dataset, kind="paper")
    record = HandRecord("1", "paper", values, whose)
    items: list[Item] = []
    connector: Any = HandConnector(spec, register=register(spec)).answered(HandAnswer((record,)))
    connector.collect(seeds, items.append)
    return items[0].ownership


@pytest.mark.parametrize(
    ("seeds", "values", "whose"),
    [
        (MAIJA, {"email": "maija@example.fi"}, Ownership.OWN),
        (MAIJA, {"email": "Maija@Example.fi", "number": "1002"}, Ownership.THIRD_PARTY),
        (MAIJA, {"email": "other@example.fi", "number": "1001"}, Ownership.OWN),
        ({**MAIJA, "shared:email": [Lead("maija@example.fi")]}, {"email": "maija@example.fi"}, Ownership.CANDIDATE),
        ({**MAIJA, "shared:email": [Lead("home@example.fi")]}, {"email": "home@example.fi"}, Ownership.CANDIDATE),
        ({**MAIJA, "shared:email": [Lead("home@example.fi")]}, {"email": "no@example.fi"}, Ownership.THIRD_PARTY),
        ({"identity:name": [Lead("Anna Ahonen")]}, {"name": "Anna  Ahonen"}, Ownership.CANDIDATE),
        (MAIJA, {"text": "nobody is named"}, Ownership.OWN),
    ],
)
def test_the_values_on_a_paper_tell_whose_it_is(
    seeds: dict[str, list[Lead]], values: dict[str, str], whose: Ownership
) -> None:
    assert judged(seeds, values) is whose


def test_a_paper_of_a_joint_contract_is_shared() -> None:
    contract = {"crm:contract.id": [Lead("7")], "joint:crm:contract.id": [Lead("7")]}
    dataset = {
        "fides_key": "archive",
        "collections": [
            {"name": "paper", "fields": [field("contract", references=[ref("contract.id", dataset="crm")])]}
        ],
    }
    crm = source("crm", {"fides_key": "crm", "collections": [{"name": "contract", "fields": [field("id")]}]})
    spec = source("archive", dataset, kind="paper")
    answer = HandAnswer((HandRecord("1", "paper", {"contract": "7"}),))
    connector: Any = HandConnector(spec, register=register(spec, crm)).answered(answer)
    items: list[Item] = []
    connector.collect(contract, items.append)
    assert [i.ownership for i in items] == [Ownership.SHARED]


def test_whoever_found_a_paper_may_be_unsure_of_it() -> None:
    assert judged(MAIJA, {"number": "1001"}, Ownership.CANDIDATE) is Ownership.CANDIDATE
