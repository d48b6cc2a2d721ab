"""Looking around in MariaDB, and what its users may do."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
import sqlalchemy as sa

from tests.connectors import shop
from workflows.connectors.discovery import SqlDiscovery
from workflows.connectors.sql import SqlConnector
from workflows.rules.picture import picture_of

FIELDS = [
    shop.field("id", shop.KEY, primary_key=True),
    shop.field("email", shop.EMAIL, identity="email"),
]
Run = Callable[[str], None]
Told = Callable[[], list[tuple[str, str, str, str]]]


@pytest.fixture
def run(mariadb_url: str) -> Iterator[Run]:
    engine = sa.create_engine(mariadb_url.replace("mysql://", "mysql+pymysql://"))

    def execute(statements: str) -> None:
        with engine.begin() as connection:
            for statement in filter(str.strip, statements.split(";")):
                connection.exec_driver_sql(statement.replace("%", "%%"))

    execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80)); CREATE TABLE salary (amount INTEGER)")
    execute("INSERT INTO customer VALUES (1, 'one@mail.example')")
    yield execute
    execute("DROP USER IF EXISTS scan_reader, scan_eraser")
    engine.dispose()


@pytest.fixture
def told(run: Run, mariadb_url: str) -> Told:
    """Users whose rights are just right, and what is told of them."""
    run("CREATE USER scan_reader; CREATE USER scan_eraser; GRANT SELECT ON customer TO scan_reader")
    run(
        "CREATE TABLE vastine_receipts (op_id varchar(100), item_no integer, fence bigint NOT NULL,"
        " outcome varchar(16) NOT NULL, at varchar(40) NOT NULL, PRIMARY KEY (op_id, item_no))"
    )
    run("GRANT SELECT, UPDATE ON customer TO scan_eraser; GRANT SELECT, INSERT ON vastine_receipts TO scan_eraser")
    spec = shop.source("shop", shop.dataset({"customer": FIELDS}))

    def look() -> list[tuple[str, str, str, str]]:
        url, erase_url = (mariadb_url.replace("root@", f"{name}@") for name in ("scan_reader", "scan_eraser"))
        connector = SqlConnector(spec, register=shop.register(spec), url=url, erase_url=erase_url)
        try:
            return [(p.who, p.status, p.text, p.remedy) for p in connector.privileges()]
        finally:
            connector.dispose()

    return look


def test_a_database_is_looked_around_in(run: Run, mariadb_url: str) -> None:
    run("CREATE TABLE letter (id INTEGER PRIMARY KEY, to_no INTEGER, FOREIGN KEY (to_no) REFERENCES customer (id))")
    discovery = SqlDiscovery(mariadb_url)
    found = discovery.discover()
    picture = picture_of(discovery.look(found.tables, today=date(2026, 11, 24)))
    discovery.dispose()
    roles = {p.table.name: p.role for p in picture.tables}
    assert roles == {"customer": "people", "letter": "theirs", "salary": "left_out"}


@pytest.mark.parametrize(
    ("statement", "who", "status", "words"),
    [
        ("GRANT UPDATE ON customer TO scan_reader", "reading", "warn", "UPDATE on"),
        ("GRANT DELETE ON *.* TO scan_reader", "reading", "warn", "DELETE on *.*"),
        ("GRANT SELECT ON salary TO scan_eraser", "erasing", "warn", "SELECT on"),
        ("REVOKE UPDATE ON customer FROM scan_eraser", "erasing", "fail", "may not UPDATE"),
    ],
)
def test_what_a_user_may_do_too_much_or_too_little_is_told_with_what_to_run(
    run: Run, told: Told, statement: str, who: str, status: str, words: str
) -> None:
    assert [p[1] for p in told()] == ["ok", "ok"]
    run(statement)
    (found,) = [p for p in told() if p[1] != "ok"]
    assert found[:2] == (who, status)
    assert words in found[2]
    run(found[3])
    assert [p[1] for p in told()] == ["ok", "ok"]
