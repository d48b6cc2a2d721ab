"""The least register that must work: a name and one dataset that somebody annotated for Fides."""

from pathlib import Path

import pytest

from models.vocabulary import Right
from tests.story.house import TWO, House, open_house, prepare, records_of
from tests.world import fill_source
from workflows.documents.verify import verify_package
from workflows.errors import BadRegister
from workflows.register.load import load_register

SHOP = """
source: shop
kind: sql
connection: {url: {env: SHOP_URL}}
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
      - name: orders
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: note, data_categories: [user.content], fides_meta: {data_type: string}}
"""
TABLES = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80), name VARCHAR(40) NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), note VARCHAR(80));
INSERT INTO customer VALUES (1, 'jane@shop.example', 'Jane'), (2, 'bob@shop.example', 'Bob');
INSERT INTO orders VALUES (1, 1, 'hers'), (2, 1, NULL), (3, 2, 'his');
"""
JANE = {"email": "jane@shop.example"}

CONTROLLER = "name: Shop Oy\ndelivery: {objection_hours: 0}\n"


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> House:
    (tmp_path / "register" / "sources").mkdir(parents=True)
    (tmp_path / "register" / "controller.yaml").write_text(CONTROLLER, encoding="utf-8")
    (tmp_path / "register" / "sources" / "shop.yaml").write_text(SHOP, encoding="utf-8")
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    fill_source(url, TABLES)
    prepare(database_url)
    environ = {
        "VASTINE_REGISTER": str(tmp_path / "register"),
        "VASTINE_DATA_DIR": str(tmp_path / "var"),
        "VASTINE_DATABASE_URL": database_url,
        "SHOP_URL": url,
    }
    return open_house(tmp_path, {"shop": url}, environ)


def test_access_plan_and_erasure_run_on_the_least_register(shop: House) -> None:
    access = shop.ask(JANE)
    shop.work()
    assert shop.ended(access) == ("closed", "delivered")
    package = shop.file(access)
    assert verify_package(package) == []
    assert {table: len(rows) for table, rows in records_of(package).items()} == {"customer": 1, "orders": 2}
    erasure = shop.ask(JANE, Right.ERASURE)
    shop.work()
    assert {i["action"] for i in shop.plan(erasure)["items"]} <= {"mask", "keep"}
    shop.approve(erasure, *TWO)
    shop.work()
    assert shop.ended(erasure) == ("closed", "erased")
    assert shop.query("shop", "SELECT * FROM customer ORDER BY id") == [
        (1, None, "poistettu"),
        (2, "bob@shop.example", "Bob"),
    ]
    assert shop.query("shop", "SELECT * FROM orders ORDER BY id") == [(1, 1, None), (2, 1, None), (3, 2, "his")]
    assert shop.chain_is_whole()
    shop.close()


def test_asking_again_after_an_erasure_finds_nobody(shop: House) -> None:
    first = shop.ask(JANE, Right.ERASURE)
    shop.work()
    shop.approve(first, *TWO)
    shop.work()
    again = shop.ask(JANE, Right.ERASURE)
    shop.work()
    assert shop.ended(again) == ("closed", "nothing_found")
    shop.close()


def test_a_register_with_mistakes_opens_no_house_and_names_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "controller.yaml").write_text("nmae: Shop Oy\n", encoding="utf-8")
    (tmp_path / "sources" / "shop.yaml").write_text(SHOP.replace("kind: sql", "kind: sq1"), encoding="utf-8")
    with pytest.raises(BadRegister) as caught:
        load_register(tmp_path)
    told = [(fault.where.partition(":")[0], fault.remedy) for fault in caught.value.faults]
    assert {where for where, _ in told} == {"controller.yaml", "sources/shop.yaml"}
    assert all(remedy for _, remedy in told)
