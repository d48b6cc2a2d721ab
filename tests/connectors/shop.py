"""A small shop, annotated for Fides and nothing more, with people whose rows touch each other.

Customer 1 and 3 share a home; customer 1 once sent a parcel to customer 2's home; employee 1 handled
the service requests of customers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from models.vocabulary import Action, Ownership
from workflows.connectors.erasing import plan_action
from workflows.connectors.sql import SqlConnector
from workflows.ports import EraseItem, Lead
from workflows.register.model import Controller, PersonSpec, Register, SourceSpec
from workflows.rules.items import Item

DDL = """
CREATE TABLE address (id INTEGER PRIMARY KEY, street VARCHAR(60), city VARCHAR(60));
CREATE TABLE customer (
  id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, name VARCHAR(60) NOT NULL,
  born DATE, seen TIMESTAMP, address_id INTEGER REFERENCES address (id));
CREATE TABLE employee (
  id INTEGER PRIMARY KEY, email VARCHAR(80), name VARCHAR(60), address_id INTEGER REFERENCES address (id),
  manager_id INTEGER REFERENCES employee (id));
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  shipping_address_id INTEGER REFERENCES address (id), total NUMERIC(10, 2), note VARCHAR(20));
CREATE TABLE order_line (
  order_id INTEGER NOT NULL REFERENCES orders (id), line_no INTEGER NOT NULL, gift_text VARCHAR(40),
  PRIMARY KEY (order_id, line_no));
CREATE TABLE shipment (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, line_no INTEGER NOT NULL, recipient VARCHAR(40),
  FOREIGN KEY (order_id, line_no) REFERENCES order_line (order_id, line_no));
CREATE TABLE service_request (
  id INTEGER PRIMARY KEY, email VARCHAR(80), alt_email VARCHAR(80), employee_id INTEGER REFERENCES employee (id),
  text VARCHAR(200));
CREATE TABLE account (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id), main_card_id INTEGER);
CREATE TABLE card (
  id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES account (id), holder VARCHAR(60));
CREATE TABLE visit (email VARCHAR(80) NOT NULL, page VARCHAR(80));
"""
ROWS = """
INSERT INTO address VALUES (1, 'Kotikatu 1', 'Seinäjoki'), (2, 'Toinen tie 2', 'Vaasa'), (3, 'Oma polku 3', 'Kokkola');
INSERT INTO customer VALUES (1, 'one@shop.example', 'Yksi Esimerkki', '1980-02-29', '2024-03-31 01:30:00', 1),
  (2, 'two@shop.example', 'Kaksi Esimerkki', NULL, NULL, 2),
  (3, 'three@shop.example', 'Kolme Esimerkki', NULL, NULL, 1),
  (4, 'four@shop.example', 'Neljä Esimerkki', NULL, NULL, 3);
INSERT INTO employee VALUES (1, 'boss@shop.example', 'Pomo', 2, NULL), (2, 'helper@shop.example', 'Apuri', 3, 1);
INSERT INTO orders VALUES (10, 1, 2, 12.50, 'first'), (11, 1, 1, 7.00, NULL), (20, 2, 2, 99.90, 'hers');
INSERT INTO order_line VALUES (10, 1, 'Onnea'), (10, 2, NULL), (11, 1, 'Kiitos'), (20, 1, 'Hers'), (20, 2, 'Hers too');
INSERT INTO shipment VALUES (100, 10, 1, 'Yksi'), (101, 10, 2, 'Yksi'), (200, 20, 1, 'Kaksi'), (201, 20, 2, 'Kaksi');
INSERT INTO service_request VALUES (1, 'one@shop.example', 'other@shop.example', 1, 'Help'),
  (2, 'two@shop.example', NULL, 1, 'Mine is broken'), (3, 'boss@shop.example', NULL, 2, 'My own');
INSERT INTO account VALUES (1, 1, 7), (2, 2, 8);
INSERT INTO card VALUES (7, 1, 'Yksi'), (8, 2, 'Kaksi'), (9, 1, 'Yksi vanha');
INSERT INTO visit VALUES ('one@shop.example', '/a'), ('one@shop.example', '/b'), ('two@shop.example', '/a');
"""


def field(name: str, *categories: str, **meta: Any) -> dict[str, Any]:
    """One field of a dataset."""
    return {"name": name, "data_categories": list(categories), "fides_meta": meta or None}


def ref(place: str, direction: str | None = "from", dataset: str = "shop") -> dict[str, Any]:
    """A reference, as `references: [...]` wants it."""
    return {"dataset": dataset, "field": place, "direction": direction}


EMAIL = "user.contact.email"
NAME = "user.name"
KEY = "user.unique_id"
SYSTEM = "system.operations"

COLLECTIONS: dict[str, list[dict[str, Any]]] = {
    "address": [
        field("id", SYSTEM, primary_key=True),
        field("street", "user.contact.address.street"),
        field("city", "user.contact.address.city"),
    ],
    "customer": [
        field("id", KEY, primary_key=True),
        field("email", EMAIL, identity="email"),
        field("name", NAME),
        field("born", "user.demographic.date_of_birth"),
        field("seen", "user.behavior"),
        field("address_id", SYSTEM, references=[ref("address.id", "to")]),
    ],
    "employee": [
        field("id", KEY, primary_key=True),
        field("email", EMAIL, identity="email"),
        field("name", NAME),
        field("address_id", SYSTEM, references=[ref("address.id", "to")]),
        field("manager_id", SYSTEM, references=[ref("employee.id")]),
    ],
    "orders": [
        field("id", SYSTEM, primary_key=True),
        field("customer_id", KEY, references=[ref("customer.id")]),
        field("shipping_address_id", SYSTEM, references=[ref("address.id", "to")]),
        field("total", "user.financial"),
        field("note", "user.content"),
    ],
    "order_line": [
        field("order_id", SYSTEM, primary_key=True, references=[ref("orders.id")]),
        field("line_no", SYSTEM, primary_key=True),
        field("gift_text", "user.content"),
    ],
    "shipment": [
        field("id", SYSTEM, primary_key=True),
        field("order_id", SYSTEM, references=[ref("order_line.order_id")]),
        field("line_no", SYSTEM, references=[ref("order_line.line_no")]),
        field("recipient", NAME),
    ],
    "service_request": [
        field("id", SYSTEM, primary_key=True),
        field("email", EMAIL, identity="email"),
        field("alt_email", EMAIL, identity="email"),
        field("employee_id", KEY, references=[ref("employee.id")]),
        field("text", "user.content"),
    ],
    "account": [
        field("id", SYSTEM, primary_key=True),
        field("customer_id", KEY, references=[ref("customer.id")]),
        field("main_card_id", SYSTEM, references=[ref("card.id", None)]),
    ],
    "card": [
        field("id", SYSTEM, primary_key=True),
        field("account_id", SYSTEM, references=[ref("account.id", None)]),
        field("holder", NAME),
    ],
    "visit": [field("email", EMAIL, identity="email"), field("page", "user.behavior")],
}


def dataset(collections: Mapping[str, Any] = COLLECTIONS, key: str = "shop", **overrides: Any) -> dict[str, Any]:
    """A dataset of these collections; `overrides` are `fides_meta` of collections."""
    return {
        "fides_key": key,
        "collections": [{"name": n, "fields": f, "fides_meta": overrides.get(n)} for n, f in collections.items()],
    }


def source(name: str, *datasets: dict[str, Any], person: Mapping[str, Any] | None = None, **more: Any) -> SourceSpec:
    """A source of these datasets."""
    return SourceSpec(
        source=name,
        kind=more.pop("kind", "sql"),
        connection=more.pop("connection", {}),
        dataset=datasets,
        person=PersonSpec.model_validate(person or {}),
        **more,
    )


def register(*sources: SourceSpec) -> Register:
    """The least register with these sources."""
    return Register(
        folder="",
        controller=Controller(name="Esimerkkikauppa"),
        categories={},
        holds=(),
        sources={s.source: s for s in sources},
        digest="",
    )


def with_driver(url: str) -> str:
    """The URL with the driver that is installed."""
    return url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")


def run_sql(url: str, script: str) -> None:
    """Run statements, one after the other."""
    engine = sa.create_engine(with_driver(url))
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()


def dump(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table except our receipts."""
    engine = sa.create_engine(with_driver(url))
    with engine.connect() as connection:
        quoted = engine.dialect.identifier_preparer.quote
        names = [n for n in sa.inspect(connection).get_table_names() if n != "vastine_receipts"]
        rows = {
            n: sorted(map(tuple, connection.execute(sa.text(f"SELECT * FROM {quoted(n)}"))), key=repr) for n in names
        }
    engine.dispose()
    return rows


def shop(url: str, person: Mapping[str, Any] | None = None, **overrides: Any) -> SqlConnector:
    """A connector to a shop that exists."""
    spec = source("shop", dataset(**overrides), person=person)
    return SqlConnector(spec, register=register(spec), url=url)


def seeds(**identities: str) -> dict[str, list[Lead]]:
    """Seeds of proven identities."""
    return {f"identity:{k}": [Lead(v)] for k, v in identities.items()}


def collected(connector: SqlConnector, given: Mapping[str, Sequence[Lead]]) -> list[Item]:
    """All items."""
    items: list[Item] = []
    connector.collect(given, items.append)
    return items


def marks(items: Sequence[Item]) -> dict[str, str]:
    """ "collection/key" to ownership, with a star where others point at it."""
    return {
        f"{i.collection}/{'-'.join(str(v) for v in i.locator.values())}": i.ownership.value + "*" * i.referenced
        for i in items
    }


def to_erase(items: Sequence[Item], connector: SqlConnector) -> list[EraseItem]:
    """The plan without holds: what is the person's own and not pointed at by others."""
    plan = []
    for item in items:
        action, fields = plan_action(connector._register, item)
        if item.ownership is Ownership.OWN and not item.referenced and action in (Action.DELETE, Action.MASK):
            plan.append(EraseItem(len(plan), item.collection, item.locator, action, fields, item.digest))
    return plan
