"""What the users of a source may do, proven from its catalogue, and statements that mend what is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.connectors import shop
from tests.workers.conftest import Run
from workflows.connectors.sql import SqlConnector
from workflows.errors import VastineError
from workflows.rules.privileges import Grants, Need, Privilege, erasing_faults, may_write, quoted, reading_faults

TABLES = "address, customer, employee, orders, order_line, shipment, service_request, account, card, visit"
KEEP = {"collections": {"employee": {"erase": "keep"}, "address": {"erase": "keep"}}}


class Roles:
    """A shop on PostgreSQL with a reader and an eraser whose rights are just right."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.run(
            "DROP ROLE IF EXISTS shop_reader, shop_eraser, shop_group;"
            "CREATE ROLE shop_reader LOGIN; CREATE ROLE shop_eraser LOGIN; CREATE ROLE shop_group;"
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
            f"GRANT SELECT ON {TABLES} TO shop_reader;"
            f"GRANT SELECT ON {TABLES} TO shop_eraser;"
            "GRANT UPDATE ON customer, orders, order_line, shipment, service_request, card, visit TO shop_eraser;"
            "CREATE TABLE vastine_receipts (op_id varchar(100), item_no integer, fence bigint NOT NULL,"
            " outcome varchar(16) NOT NULL, at varchar(40) NOT NULL, PRIMARY KEY (op_id, item_no));"
            "GRANT SELECT, INSERT ON vastine_receipts TO shop_eraser;"
        )

    def run(self, statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statements)

    def connector(self, reader: str = "shop_reader", eraser: str = "shop_eraser") -> SqlConnector:
        spec = shop.source("shop", shop.dataset(), person=KEEP)
        as_ = {r: self.url.replace("postgres@", f"{r}@") for r in (reader, eraser) if r}
        return SqlConnector(spec, register=shop.register(spec), url=as_[reader], erase_url=as_.get(eraser, ""))

    def told(self, reader: str = "shop_reader", eraser: str = "shop_eraser") -> list[Privilege]:
        connector = self.connector(reader, eraser)
        try:
            return connector.privileges()
        finally:
            connector.dispose()


@pytest.fixture
def roles(fresh_postgres: Callable[[], str]) -> Iterator[Roles]:
    url = fresh_postgres()
    shop.run_sql(url, shop.DDL + shop.ROWS)
    made = Roles(url)
    yield made
    made.run("DROP OWNED BY shop_reader, shop_eraser, shop_group; DROP ROLE shop_reader, shop_eraser, shop_group;")


def test_users_that_may_do_their_work_and_no_more_are_in_order(roles: Roles) -> None:
    assert [(p.who, p.status) for p in roles.told()] == [("reading", "ok"), ("erasing", "ok")]


@pytest.mark.parametrize(
    ("statement", "who", "status", "words", "remedy"),
    [
        ("GRANT UPDATE ON customer TO shop_reader", "reading", "warn", "UPDATE on public.customer",
         "REVOKE UPDATE ON public.customer FROM shop_reader;"),
        ("GRANT UPDATE (note) ON orders TO shop_reader", "reading", "warn", "UPDATE on public.orders",
         "REVOKE UPDATE ON public.orders FROM shop_reader;"),
        ("GRANT DELETE, TRUNCATE ON visit TO PUBLIC", "reading", "warn", "DELETE, TRUNCATE on public.visit",
         "REVOKE DELETE, TRUNCATE ON public.visit FROM PUBLIC;"),
        ("GRANT INSERT ON card TO shop_group; GRANT shop_group TO shop_reader", "reading", "warn", "INSERT on",
         "REVOKE INSERT ON public.card FROM shop_group;"),
        ("GRANT CREATE ON SCHEMA public TO shop_reader", "reading", "warn", "may create tables",
         "REVOKE CREATE ON SCHEMA public FROM PUBLIC, shop_reader;"),
        ('CREATE TABLE "Odd ""Name" (a int); GRANT INSERT ON "Odd ""Name" TO shop_reader', "reading", "warn", "INSERT",
         'REVOKE INSERT ON public."Odd ""Name" FROM shop_reader;'),
        ("CREATE TABLE salary (a int); GRANT SELECT ON salary TO shop_eraser", "erasing", "warn", "SELECT on",
         "REVOKE SELECT ON public.salary FROM shop_eraser;"),
        ("CREATE TABLE salary (a int, b int); GRANT SELECT (b) ON salary TO shop_eraser", "erasing", "warn", "salary",
         "REVOKE SELECT ON public.salary FROM shop_eraser;"),
        ("GRANT DELETE ON employee TO shop_eraser", "erasing", "warn", "DELETE on public.employee",
         "REVOKE DELETE ON public.employee FROM shop_eraser;"),
        ("REVOKE UPDATE ON customer FROM shop_eraser", "erasing", "fail", "may not UPDATE on public.customer",
         "GRANT UPDATE ON public.customer TO shop_eraser;"),
        ("REVOKE SELECT ON orders FROM shop_eraser", "erasing", "fail", "may not SELECT on public.orders",
         "GRANT SELECT ON public.orders TO shop_eraser;"),
        ("REVOKE INSERT ON vastine_receipts FROM shop_eraser", "erasing", "warn", "can keep no receipts",
         "GRANT SELECT, INSERT ON public.vastine_receipts TO shop_eraser;"),
        ("ALTER TABLE visit OWNER TO shop_reader", "reading", "warn", "owns public.visit",
         "CREATE ROLE vastine_reader"),
    ],
)  # fmt: skip
def test_what_a_user_may_do_too_much_or_too_little_is_told_with_what_to_run(
    roles: Roles, statement: str, who: str, status: str, words: str, remedy: str
) -> None:
    roles.run(statement)
    found = [p for p in roles.told() if p.who == who and p.status == status]
    assert len(found) == 1, found
    assert words in found[0].text
    assert found[0].remedy.startswith(remedy) or remedy in found[0].remedy
    if remedy.startswith(("REVOKE", "GRANT")):
        roles.run(found[0].remedy)
        assert [p.status for p in roles.told()] == ["ok", "ok"]


def test_a_missing_table_of_receipts_is_told_with_a_statement_that_makes_the_right_one(roles: Roles) -> None:
    roles.run("DROP TABLE vastine_receipts")
    (found,) = [p for p in roles.told() if p.status == "warn"]
    roles.run(found.remedy)
    assert [p.status for p in roles.told()] == ["ok", "ok"]
    connector = roles.connector()
    assert connector.guarantee == "A"
    items = shop.collected(connector, shop.seeds(email="one@shop.example"))
    chosen = [i for i in shop.to_erase(items, connector) if i.collection in ("customer", "visit")]
    done = connector.erase("op", 1, chosen)
    connector.dispose()
    assert {d.outcome.value for d in done} <= {"masked", "erased", "refused"}
    assert any(d.outcome.value == "masked" for d in done)


def test_the_users_really_can_do_only_their_own_half(roles: Roles) -> None:
    only_reader = roles.connector(eraser="")
    items = shop.collected(only_reader, shop.seeds(email="one@shop.example"))
    chosen = [i for i in shop.to_erase(items, only_reader) if i.collection == "visit"]
    before = shop.dump(roles.url)
    with pytest.raises(VastineError):
        only_reader.erase("op", 1, chosen)
    only_reader.dispose()
    assert shop.dump(roles.url) == before
    both = roles.connector()
    both.erase("op", 1, chosen)
    both.dispose()
    changed = {name for name, rows in shop.dump(roles.url).items() if rows != before[name]}
    assert changed == {"visit"}


def test_one_user_for_both_is_told_and_one_that_may_never_write_too(roles: Roles) -> None:
    first = roles.told(reader="shop_eraser", eraser="")[0]
    assert (first.status, "one user searches and erases" in first.text) == ("warn", True)
    told = roles.told(reader="shop_reader", eraser="")
    assert [(p.who, p.status) for p in told] == [("reading", "ok"), ("erasing", "warn")]
    assert "connection.erase" in told[1].remedy


def test_a_superuser_is_told_once_and_not_table_by_table(roles: Roles) -> None:
    found = [p for p in roles.told(reader="postgres") if p.who == "reading"]
    assert len(found) == 1
    assert "superuser" in found[0].text


def test_asking_changes_nothing(roles: Roles) -> None:
    before = shop.dump(roles.url)
    roles.told()
    assert shop.dump(roles.url) == before


def test_a_file_that_is_opened_for_reading_is_proof_enough_and_one_that_is_not_is_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    shop.run_sql(f"sqlite:///{path}", shop.DDL + shop.ROWS)
    spec = shop.source("shop", shop.dataset())
    ways = {
        (f"sqlite:///file:{path}?mode=ro&uri=true", f"sqlite:///{path}"): ["ok", "ok"],
        (f"sqlite:///{path}?timeout=5", f"sqlite:///{path}"): ["warn", "ok"],
        (f"sqlite:///{path}", f"sqlite:///file:{path}?mode=ro&uri=true"): ["warn", "fail"],
        (f"sqlite:///{path}", ""): ["ok"],
    }
    for (url, erase_url), wanted in ways.items():
        connector = SqlConnector(spec, register=shop.register(spec), url=url, erase_url=erase_url)
        assert [p.status for p in connector.privileges()] == wanted
        connector.dispose()


def test_check_online_tells_of_both_users(vastine: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path("world/register/sources/shop.yaml")
    text = source.read_text()
    assert "connection: {url: {env: SHOP_URL}}" in text
    source.write_text(
        text.replace(
            "connection: {url: {env: SHOP_URL}}",
            "connection: {url: {env: SHOP_URL}, erase: {url: {env: SHOP_ERASE_URL}}}",
        )
    )
    path = Path("world/shop.db").absolute()
    assert vastine("check", "-q").code == 3
    monkeypatch.setenv("SHOP_ERASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("SHOP_URL", f"sqlite:///file:{path}?mode=ro&uri=true")
    ran = vastine("check", "--online", "--json")
    found = {line["name"]: line["status"] for line in ran.json if line["area"] == "privileges"}
    assert found == {"billing reading": "ok", "shop reading": "ok", "shop erasing": "ok"}
    told = {(line["area"], line["name"]): line["status"] for line in ran.json}
    assert told["online", "shop"] == "ok"
    assert not [line for line in ran.json if line["status"] == "fail" and "shop" in line["name"]]


def test_a_right_that_two_ways_give_is_taken_from_both() -> None:
    place = ("public", "visit")
    grants = Grants("r", tables={place: frozenset({"SELECT", "UPDATE"})},
                    through={(place, "UPDATE"): frozenset({"r", "PUBLIC"})})  # fmt: skip
    (found,) = reading_faults(grants)
    assert found.remedy == "REVOKE UPDATE ON public.visit FROM PUBLIC, r;"
    assert may_write(grants)
    assert not may_write(Grants("r", tables={place: frozenset({"SELECT"})}))


def test_of_a_superuser_no_single_right_is_told() -> None:
    rights = {("public", "visit"): frozenset({"SELECT", "UPDATE", "DELETE"})}
    (found,) = reading_faults(Grants("root", superuser=True, tables=rights, creates_in=frozenset({"public"})))
    assert "superuser" in found.text


def test_many_tables_are_one_line_with_one_statement() -> None:
    tables = {("public", f"t{n:02d}"): frozenset({"SELECT", "DELETE"}) for n in range(40)}
    (found,) = reading_faults(Grants("r", tables=tables))
    assert "and 35 more" in found.text
    assert found.remedy.count("public.") == 40


def test_who_lacks_nothing_and_has_nothing_more_is_said_to_be_right() -> None:
    need = Need({("public", "visit"): frozenset({"SELECT", "UPDATE"})}, ("public", "vastine_receipts"), True)
    rights = {("public", "visit"): frozenset({"SELECT", "UPDATE"}),
              ("public", "vastine_receipts"): frozenset({"SELECT", "INSERT"})}  # fmt: skip
    (found,) = erasing_faults(Grants("e", tables=rights), need)
    assert found.status == "ok"


@pytest.mark.parametrize(
    ("name", "wanted"), [("visit", "visit"), ("Visit", '"Visit"'), ('a"b', '"a""b"'), ("1a", '"1a"')]
)
def test_names_in_statements_are_quoted_where_the_database_needs_it(name: str, wanted: str) -> None:
    assert quoted(name) == wanted
