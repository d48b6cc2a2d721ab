"""A household on a database: two people with one e-mail address, a telephone number that changed hands, homonyms.

Maija (1) and Matti (2) Meikäläinen share an address and an e-mail address. Number 0401234567 was Maija's until
2020 and is Liisa's (3) since. Anna (4) and another Anna (5) have one name and birthday.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa

from tests.connectors.shop import EMAIL, KEY, NAME, SYSTEM, dataset, field, ref, register, source
from workflows.connectors.dataset import Node, build_graph
from workflows.connectors.records import Record, Wanted
from workflows.connectors.records_search import RecordSearch
from workflows.connectors.sql import SqlConnector
from workflows.ports import Lead
from workflows.register.model import Register, SourceSpec

SHARED_MAIL, OLD_PHONE = "perhe@example.fi", "+358401234567"
DDL = """
CREATE TABLE person (
  id INTEGER PRIMARY KEY, number VARCHAR(10) NOT NULL, hetu VARCHAR(11), name VARCHAR(40), born VARCHAR(10),
  email VARCHAR(60));
CREATE TABLE phone (
  id INTEGER PRIMARY KEY, number VARCHAR(10) NOT NULL, phone VARCHAR(20), since DATE, until DATE);
CREATE TABLE ticket (
  id INTEGER PRIMARY KEY, email VARCHAR(60), number VARCHAR(10), text VARCHAR(200), opened DATE);
CREATE TABLE reply (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES ticket (id), text VARCHAR(200));
CREATE TABLE call (id INTEGER PRIMARY KEY, phone VARCHAR(20), at DATE, note VARCHAR(80));
CREATE TABLE letter (id INTEGER PRIMARY KEY, name VARCHAR(40), text VARCHAR(80));
"""
ROWS = """
INSERT INTO person VALUES
  (1, '1001', '010180-9026', 'Maija Meikäläinen', '1980-01-01', 'perhe@example.fi'),
  (2, '1002', '020281-935Y', 'Matti Meikäläinen', '1981-02-02', 'Perhe@example.fi'),
  (3, '1003', '030382-902F', 'Liisa Lahtinen', '1982-03-03', 'liisa@example.fi'),
  (4, '1004', '040483-904U', 'Anna Ahonen', '1983-04-04', 'anna@example.fi'),
  (5, '1005', '040483-942W', 'Anna Ahonen', '1983-04-04', 'toinen.anna@example.fi');
INSERT INTO phone VALUES
  (1, '1001', '+358401234567', '2015-01-01', '2020-01-01'),
  (2, '1003', '+358401234567', '2020-06-01', NULL);
INSERT INTO ticket VALUES
  (10, 'perhe@example.fi', NULL, 'Jompikumpi meistä', '2024-01-01'),
  (11, 'perhe@example.fi', '1001', 'Maijan asia', '2024-01-02'),
  (12, 'perhe@example.fi', '1002', 'Matin asia', '2024-01-03'),
  (13, 'liisa@example.fi', NULL, 'Liisan asia', '2024-01-04');
INSERT INTO reply VALUES (100, 10, 'Vastaus'), (110, 11, 'Vastaus Maijalle'), (120, 12, 'Vastaus Matille');
INSERT INTO call VALUES
  (20, '+358401234567', '2019-12-31', 'Maijan aikaan'), (21, '+358401234567', '2020-01-01', 'Ei enää Maijan'),
  (22, '+358401234567', NULL, 'Milloin lie');
INSERT INTO letter VALUES (30, 'Anna Ahonen', 'Kumman Annan?');
"""

COLLECTIONS: dict[str, list[dict[str, Any]]] = {
    "person": [
        field("id", SYSTEM, primary_key=True),
        field("number", KEY, identity="customer_number"),
        field("hetu", "user.government_id", identity="national_id"),
        field("name", NAME, identity="name"),
        field("born", "user.demographic.date_of_birth"),
        field("email", EMAIL, identity="email"),
    ],
    "phone": [
        field("id", SYSTEM, primary_key=True),
        field("number", KEY, references=[ref("person.number")]),
        field("phone", "user.contact.phone_number", identity="phone_number"),
        field("since", "user.behavior"),
        field("until", "user.behavior"),
    ],
    "ticket": [
        field("id", SYSTEM, primary_key=True),
        field("email", EMAIL, identity="email"),
        field("number", KEY, identity="customer_number"),
        field("text", "user.content"),
        field("opened", "user.behavior"),
    ],
    "reply": [
        field("id", SYSTEM, primary_key=True),
        field("ticket_id", SYSTEM, references=[ref("ticket.id")]),
        field("text", "user.content"),
    ],
    "call": [
        field("id", SYSTEM, primary_key=True),
        field("phone", "user.contact.phone_number", identity="phone_number"),
        field("at", "user.behavior"),
        field("note", "user.content"),
    ],
    "letter": [
        field("id", SYSTEM, primary_key=True),
        field("name", NAME, identity="name"),
        field("text", "user.content"),
    ],
}
PERSON: dict[str, Any] = {
    "subject": {"collection": "person", "key": "number", "email": "email", "name": ["name"]},
    "collections": {
        "phone": {"owner": ["number"], "windows": {"phone": {"start": "since", "end": "until"}}},
        "call": {"on": "at"},
    },
}


def household_in_database(url: str, **person: Any) -> SqlConnector:
    """A connector to it."""
    spec = source("shop", dataset(COLLECTIONS), person={**PERSON, **person})
    return SqlConnector(spec, register=register(spec), url=url)


class _Rows:
    """The rows of a database as records of a source that can only be read from beginning to end."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rows(self, node: Node, wanted: Wanted | None) -> Iterator[Record]:
        engine = sa.create_engine(self._url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            for row in connection.execute(sa.text(f'SELECT * FROM "{node.name}" ORDER BY id')).mappings():
                content = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
                yield Record({"id": row["id"]}, content)
        engine.dispose()

    def once(self, node: Node) -> bool:
        return True


def records_of(url: str, spec: SourceSpec, whole: Register) -> RecordSearch:
    """A source of records made of the tables of a database."""
    return RecordSearch(_Rows(url), build_graph(spec, whole), spec=spec, register=whole)


def household_as_records(url: str, **person: Any) -> RecordSearch:
    """The same as a source of records."""
    spec = source("shop", dataset(COLLECTIONS), person={**PERSON, **person})
    return records_of(url, spec, register(spec))


def maija(**more: str) -> dict[str, list[Lead]]:
    """What was proven of Maija, and more."""
    known = {"customer_number": "1001", "email": SHARED_MAIL, **more}
    return {f"identity:{k}": [Lead(v)] for k, v in known.items()}
