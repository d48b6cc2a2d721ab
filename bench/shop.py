"""A customer of seven tables and 774 rows, as many as one likes, and the register that describes them.

The shape of the nearest product's own example: customer, addresses, orders, their lines, payments, service
tickets, log-ins. Filled inside the database, so that a thousand customers are there in seconds.
"""

from collections.abc import Mapping
from pathlib import Path

import psycopg

ROWS = {"customer": 1, "address": 3, "orders": 100, "order_line": 400, "payment": 100, "ticket": 50, "login": 120}
"""Rows of one customer in each table."""

ROWS_OF_ONE = sum(ROWS.values())

FEW = {"customer": 1, "address": 2, "orders": 4, "order_line": 8, "payment": 4, "ticket": 2, "login": 4}
"""The same for a register of many people, each of few rows."""

_DDL = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, name VARCHAR(60) NOT NULL,
  phone VARCHAR(30), created_at TIMESTAMP NOT NULL);
CREATE TABLE address (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  street VARCHAR(60), city VARCHAR(60), zip VARCHAR(10));
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  ordered_at TIMESTAMP NOT NULL, total NUMERIC(10, 2) NOT NULL, note VARCHAR(80));
CREATE TABLE order_line (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id),
  product VARCHAR(60) NOT NULL, amount INTEGER NOT NULL, price NUMERIC(10, 2) NOT NULL);
CREATE TABLE payment (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id),
  card VARCHAR(20) NOT NULL, payer VARCHAR(60) NOT NULL, paid_at TIMESTAMP);
CREATE TABLE ticket (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  opened_on DATE NOT NULL, said VARCHAR(200));
CREATE TABLE login (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer (id),
  at TIMESTAMP NOT NULL, device VARCHAR(60))
"""

_FILL = {
    "customer": "SELECT {c}, 'person' || {c} || '@shop.example', 'Person ' || {c}, '+35840' || {c},"
    " timestamp '2020-01-01' + {c} * interval '1 minute'",
    "address": "SELECT {c} * 1000 + i, {c}, 'Street ' || i, 'Seinäjoki', '60100'",
    "orders": "SELECT {c} * 1000 + i, {c}, timestamp '2023-01-01' + i * interval '1 day', i * 1.25, 'note ' || i",
    "order_line": "SELECT {c} * 1000 + i, {c} * 1000 + 1 + i % 100, 'product ' || i, 1 + i % 5, i * 0.5",
    "payment": "SELECT {c} * 1000 + i, {c} * 1000 + 1 + i % 100, '**** 1234', 'Person ' || {c},"
    " timestamp '2023-01-02' + i * interval '1 day'",
    "ticket": "SELECT {c} * 1000 + i, {c}, date '2024-01-01' + i, 'My order ' || i || ' has not arrived yet'",
    "login": "SELECT {c} * 1000 + i, {c}, timestamp '2024-06-01' + i * interval '1 hour', 'Phone ' || i % 3",
}

_ANY_ORDER = "1 + i % 100"

_BY_CUSTOMER = ("address", "orders", "ticket", "login")
_BY_ORDER = ("order_line", "payment")

_PLACE = """
      - name: {name}
        fides_meta: {{masking_strategy_override: {{strategy: delete}}}}
        fields:
          - {{name: id, data_categories: [system.operations], fides_meta: {{primary_key: true, data_type: integer}}}}
"""
_REFERENCE = """\
          - name: {column}
            data_categories: [user.unique_id]
            fides_meta: {{data_type: integer, references: [{{dataset: shop, field: {to}.id, direction: from}}]}}
"""
_COLUMNS = {
    "customer": "email:user.contact.email name:user.name phone:user.contact.phone_number created_at:system.operations",
    "address": "street:user.contact.address.street city:user.contact.address.city zip:user.contact.address.postal_code",
    "orders": "ordered_at:user.behavior total:user.financial note:user.content",
    "order_line": "product:user.behavior amount:user.behavior price:user.financial",
    "payment": "card:user.financial payer:user.name paid_at:user.financial",
    "ticket": "opened_on:user.content said:user.content",
    "login": "at:user.behavior device:user.device",
}


def fill(url: str, customers: int, *, first: int = 1, rows: Mapping[str, int] = ROWS) -> None:
    """Add customers numbered from `first`, each of so many `rows`; make the tables before the first one."""
    with psycopg.connect(url) as connection:
        if first == 1:
            connection.execute(_DDL)
        for table, select in _FILL.items():
            numbers = f"generate_series({first}, {first + customers - 1}) AS c"
            source = f"{numbers}, generate_series(1, {rows[table]}) AS i"
            orders = f"1 + i % {rows['orders']}"
            connection.execute(f"INSERT INTO {table} {select.format(c='c').replace(_ANY_ORDER, orders)} FROM {source}")
        if first == 1:
            for table, column in (
                *((t, "customer_id") for t in _BY_CUSTOMER),
                *((t, "order_id") for t in _BY_ORDER),
            ):
                connection.execute(f"CREATE INDEX ON {table} ({column})")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def email(customer: int) -> str:
    """The address of a customer."""
    return f"person{customer}@shop.example"


def write_register(folder: Path, *, sources: dict[str, str] | None = None) -> Path:
    """A register of this one source, or of `sources` (file name to text)."""
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    (folder / "controller.yaml").write_text(
        "{name: Bench Oy, email: office@shop.example, dpo: {name: Anna, email: dpo@shop.example},"
        " delivery: {objection_hours: 0}}\n",
        encoding="utf-8",
    )
    for name, text in (sources or {"shop": source_yaml()}).items():
        (folder / "sources" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def source_yaml() -> str:
    """The source file, annotated as for Fides and nothing more."""
    parts = ["source: shop\nkind: sql\nconnection: {url: {env: SHOP_URL}}\ndataset:\n"]
    parts.append("  - fides_key: shop\n    collections:")
    for table, columns in _COLUMNS.items():
        parts.append(_PLACE.format(name=table))
        if table in _BY_CUSTOMER:
            parts.append(_REFERENCE.format(column="customer_id", to="customer"))
        if table in _BY_ORDER:
            parts.append(_REFERENCE.format(column="order_id", to="orders"))
        for column, category in (entry.split(":") for entry in columns.split()):
            meta = ", fides_meta: {identity: email}" if (table, column) == ("customer", "email") else ""
            parts.append(f"          - {{name: {column}, data_categories: [{category}]{meta}}}\n")
    return "".join(parts)


def statements(customer: int) -> list[tuple[str, tuple[object, ...]]]:
    """The seven SELECTs that a driver alone would need to read one customer."""
    by_order = "SELECT t.* FROM {} t JOIN orders o ON o.id = t.order_id WHERE o.customer_id = %s"
    found: list[tuple[str, tuple[object, ...]]] = [("SELECT * FROM customer WHERE email = %s", (email(customer),))]
    found += [(f"SELECT * FROM {table} WHERE customer_id = %s", (customer,)) for table in _BY_CUSTOMER]
    found += [(by_order.format(table), (customer,)) for table in _BY_ORDER]
    return found


def deletions(customer: int) -> list[tuple[str, tuple[object, ...]]]:
    """The seven DELETEs that a driver alone would need to erase one customer, in an order that keys allow."""
    by_order = "DELETE FROM {} WHERE order_id IN (SELECT id FROM orders WHERE customer_id = %s)"
    found: list[tuple[str, tuple[object, ...]]] = [(by_order.format(table), (customer,)) for table in _BY_ORDER]
    found += [(f"DELETE FROM {table} WHERE customer_id = %s", (customer,)) for table in _BY_CUSTOMER]
    found.append(("DELETE FROM customer WHERE id = %s", (customer,)))
    return found
