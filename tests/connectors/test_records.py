"""Records of any source are searched, judged and shown by the rules that a database is."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from models.vocabulary import Ownership
from tests.connectors import shop
from tests.connectors.shop import dataset, field, marks, ref, register, source
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.records import Record, Wanted, locator_of
from workflows.connectors.records_paths import text_of, values_at
from workflows.connectors.records_search import RecordSearch
from workflows.errors import NeverAgain, TryAgain
from workflows.ports import Lead
from workflows.register import kinds as kinds_of
from workflows.register.kinds import SourceKind
from workflows.register.model import SourceSpec, Strict
from workflows.rules.items import Item

PEOPLE = ["one@shop.example", "two@shop.example", "three@shop.example", "boss@shop.example", "nobody@shop.example"]


def ours(items: list[Item]) -> dict[str, str]:
    """As `shop.marks`, the parts of a key in the order of their names."""
    return marks([replaced(item) for item in items])


def replaced(item: Item) -> Item:
    return Item(
        source=item.source,
        collection=item.collection,
        locator=dict(sorted(item.locator.items())),
        category=item.category,
        ownership=item.ownership,
        digest=item.digest,
        fields=item.fields,
        referenced=item.referenced,
    )


class Memory:
    """Records in memory; by value it gives every record once for each value it carries, as a service would."""

    def __init__(self, content: Mapping[str, list[dict[str, Any]]], *, by_value: bool) -> None:
        self.content, self.by_value, self.readings = content, by_value, 0

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        self.readings += 1
        for number, row in enumerate(self.content.get(node.collection, [])):
            carried = [c for c, values in (wanted or {}).items() for v in values_at(row, c) if text_of(v) in values]
            lower = [
                c for c, values in (wanted or {}).items() for v in values_at(row, c) if text_of(v).lower() in values
            ]
            times = len({*carried, *lower}) if self.by_value and wanted is not None else 1
            for _ in range(times):
                yield Record(locator_of(node, row) or {"line": number}, row)

    def once(self, node: Node) -> bool:
        return not self.by_value


def search(memory: Memory, spec: SourceSpec, *others: SourceSpec) -> RecordSearch:
    whole = register(spec, *others)
    return RecordSearch(memory, build_graph(spec, whole), spec=spec, register=whole)


def collected(one: RecordSearch, given: Mapping[str, list[Lead]]) -> list[Item]:
    items: list[Item] = []
    one.collect(given, items.append)
    return items


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind whose records nest."""

    class Nothing(Strict):
        pass

    known = {**kinds_of.kinds(), "documents": SourceKind("documents", Nothing, nested=True)}
    monkeypatch.setattr("workflows.connectors.dataset.kinds", lambda: known)


@pytest.mark.parametrize("by_value", [True, False], ids=["looked up", "scanned"])
@pytest.mark.parametrize("email", PEOPLE)
def test_what_a_database_says_of_a_shop_its_records_say(tmp_path: Any, email: str, by_value: bool) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    shop.run_sql(url, shop.DDL + shop.ROWS)
    with sa.create_engine(url).connect() as connection:
        content = {
            name: [dict(row._mapping) for row in connection.execute(sa.text(f"SELECT * FROM {name}"))]
            for name in shop.COLLECTIONS
        }
    spec = source("shop", dataset())
    found = collected(search(Memory(content, by_value=by_value), spec), shop.seeds(email=email))
    expected = shop.collected(shop.shop(url), shop.seeds(email=email))
    plain = [i for i in found if i.collection != "visit"]  # which has no key
    assert ours(plain) == ours([i for i in expected if i.collection != "visit"])
    assert len(found) == len(expected)


TICKETS = [
    field("id", "system.operations", primary_key=True),
    {
        "name": "customer",
        "fields": [field("number", "user.unique_id", identity="customer_no"), field("name", "user.name")],
    },
    {
        "name": "messages",
        "fields": [
            {
                "name": "author",
                "fields": [field("email", "user.contact.email", identity="email"), field("name", "user.name")],
            },
            field("body", "user.content"),
        ],
    },
    field("tags", "user.content"),
    field("opened", "user.behavior"),
]
TICKET = {
    "id": 1,
    "customer": {"number": 1001.0, "name": "Yksi"},
    "messages": [
        {"author": {"email": "One@shop.example", "name": "Yksi"}, "body": "Apua"},
        {"author": {"email": "two@shop.example", "name": "Kaksi"}, "body": "Minäkin"},
        {"author": {"name": "Kone"}, "body": "Vastaanotettu"},
    ],
    "tags": ["a", "b"],
    "opened": "2024-03-31",
}


def tickets(content: list[dict[str, Any]], fields: list[dict[str, Any]] = TICKETS, **person: Any) -> RecordSearch:
    spec = source("desk", dataset({"ticket": fields}, key="desk"), kind="documents", person=person or None)
    return search(Memory({"ticket": content}, by_value=False), spec)


@pytest.mark.usefixtures("documents")
def test_elements_of_an_array_that_are_somebody_elses_are_taken_out() -> None:
    (item,) = collected(tickets([TICKET]), {"identity:email": [Lead("one@SHOP.example")]})
    assert item.fields["messages.body"] == ["Apua", "Vastaanotettu"]
    assert item.fields["messages.author.email"] == ["One@shop.example", None]
    assert item.fields["customer.number"] == 1001.0
    assert item.ownership is Ownership.SHARED


@pytest.mark.usefixtures("documents")
def test_all_elements_stay_where_the_dataset_says_so() -> None:
    fields = [
        {**f, "fides_meta": {"data_type": "object[]", "return_all_elements": True}} if f["name"] == "messages" else f
        for f in TICKETS
    ]
    (item,) = collected(tickets([TICKET], fields), {"identity:email": [Lead("one@shop.example")]})
    assert item.fields["messages.body"] == ["Apua", "Minäkin", "Vastaanotettu"]
    assert item.ownership is Ownership.OWN


@pytest.mark.usefixtures("documents")
def test_a_number_that_became_a_float_is_still_the_number() -> None:
    (item,) = collected(tickets([TICKET]), {"identity:customer_no": [Lead("1001")]})
    assert item.locator == {"id": 1}
    assert collected(tickets([TICKET]), {"identity:customer_no": [Lead("01001")]}) == []


@pytest.mark.usefixtures("documents")
def test_a_change_of_another_persons_element_is_a_change_of_the_record() -> None:
    changed = {**TICKET, "messages": [*TICKET["messages"][:1], {"body": "Toisin"}]}
    seeds = {"identity:customer_no": [Lead("1001")]}
    (one,), (other,) = collected(tickets([TICKET]), seeds), collected(tickets([changed]), seeds)
    assert one.digest != other.digest


@pytest.mark.usefixtures("documents")
def test_references_lead_through_nested_fields_and_arrays_both_ways() -> None:
    order = [
        field("no", "system.operations", primary_key=True),
        {"name": "buyer", "fields": [field("email", "user.contact.email", identity="email")]},
        {"name": "lines", "fields": [field("product", "system.operations"), field("text", "user.content")]},
    ]
    note = [
        field("id", "system.operations", primary_key=True),
        {"name": "about", "fields": [field("product", "user.content", references=[ref("order.lines.product")])]},
        field("text", "user.content"),
    ]
    spec = source("desk", dataset({"order": order, "note": note}), kind="documents")
    content = {
        "order": [
            {"no": 1, "buyer": {"email": "one@x.example"}, "lines": [{"product": 7, "text": "a"}, {"product": 8}]},
            {"no": 2, "buyer": {"email": "two@x.example"}, "lines": [{"product": 9}]},
        ],
        "note": [{"id": n, "about": {"product": n}, "text": "t"} for n in (7, 8, 9)],
    }
    found = collected(search(Memory(content, by_value=True), spec), shop.seeds(email="one@x.example"))
    assert sorted(marks(found)) == ["note/7", "note/8", "order/1"]


@pytest.mark.usefixtures("documents")
def test_nested_values_lead_on_to_other_sources_within_their_windows() -> None:
    deal = [
        field("id", "system.operations", primary_key=True),
        {"name": "buyer", "fields": [field("no", "user.unique_id", identity="customer_no")]},
        {
            "name": "place",
            "fields": [field("gsrn", "user.unique_id"), field("from", "user.behavior"), field("to", "user.behavior")],
        },
    ]
    person = {"collections": {"deal": {"windows": {"place.gsrn": {"start": "place.from", "end": "place.to"}}}}}
    spec = source("crm", dataset({"deal": deal}, key="crm"), kind="documents", person=person)
    reading = [
        field("gsrn", "user.unique_id", references=[ref("deal.place.gsrn", dataset="crm")]),
        field("kwh", "user.behavior"),
    ]
    meters = source("meters", dataset({"reading": reading}, key="meters"), kind="sql")
    content = {
        "deal": [
            {"id": 1, "buyer": {"no": "5"}, "place": {"gsrn": "64", "from": "2024-01-01", "to": "2024-06-01"}},
            {"id": 2, "buyer": {"no": "6"}, "place": {"gsrn": "65", "from": "2024-01-01", "to": None}},
        ]
    }
    one = search(Memory(content, by_value=False), spec, meters)
    assert one.collect({"identity:customer_no": [Lead("5")]}, lambda item: None) == {
        "crm:deal.place.gsrn": [Lead("64", date(2024, 1, 1), date(2024, 6, 1))]
    }
    assert build_graph(meters, register(spec, meters)).entries() == {"crm:deal.place.gsrn", "joint:crm:deal.place.gsrn"}


@pytest.mark.usefixtures("documents")
def test_a_record_without_a_key_or_two_with_one_are_refused() -> None:
    seeds = {"identity:customer_no": [Lead("1001")]}
    with pytest.raises(NeverAgain, match="bad_key"):
        collected(tickets([{**TICKET, "id": None}]), seeds)
    twin = {**TICKET, "opened": "2024-04-01"}
    with pytest.raises(TryAgain, match="key_not_unique"):
        collected(tickets([TICKET, twin], subject={"collection": "ticket", "key": "customer.number"}), seeds)


@pytest.mark.usefixtures("documents")
def test_people_are_found_by_nested_identifiers() -> None:
    subject = {"collection": "ticket", "key": "customer.number", "name": ["customer.name"]}
    people = tickets([TICKET], subject=subject).find({"customer_no": "1001"})
    assert [(p.key, p.contact.name, p.path) for p in people] == [
        ("1001", "Yksi", "ticket.customer.number = customer_no")
    ]


def test_records_that_lead_nowhere_are_never_kept() -> None:
    """Only keys of records may be held; of a million that lead nowhere not even those."""
    fields = [
        field("id", "system.operations", primary_key=True),
        field("email", "user.contact.email", identity="email"),
    ]
    spec = source("log", dataset({"line": fields}, key="log"))

    class Endless(Memory):
        def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
            for n in range(3_000):
                alive.append(n)
                yield Record({"id": n}, {"id": n, "email": "one@x.example"})

    alive: list[int] = []
    seen: list[int] = []
    search(Endless({}, by_value=False), spec).collect(
        shop.seeds(email="one@x.example"), lambda item: seen.append(len(alive))
    )
    assert seen == list(range(1, 3_001))  # each is emitted before the next is read
