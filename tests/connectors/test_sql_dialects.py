"""The statements for SQL Server and Oracle, as far as they can be looked at without a server of theirs."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle

from workflows.connectors.sql_lookup import BINDS, FEW, chunks, given, holds, matches
from workflows.connectors.sql_schema import DIALECT
from workflows.connectors.sql_standing import locked

DIALECTS: dict[str, Any] = {"mssql": mssql.dialect, "oracle": oracle.dialect}
MOST_PARAMETERS = {"mssql": 2_100, "oracle": 65_535}
MOST_IN_LIST = {"mssql": 2_100, "oracle": 1_000}
SHOWN = {"render_postcompile": True}


def table_of(name: str) -> sa.Table:
    """A table of a schema, with names that must be quoted."""
    return sa.Table(
        "order",
        sa.MetaData(info={DIALECT: name}),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("Sähköposti", sa.String(80)),
        schema="crm",
    )


def text_of(statement: Any, name: str) -> str:
    return " ".join(str(statement.compile(dialect=DIALECTS[name](), compile_kwargs=SHOWN)).split())


def parameters_of(statement: Any, name: str) -> int:
    compiled = statement.compile(dialect=DIALECTS[name](), compile_kwargs=SHOWN)
    return len(compiled.positiontup or compiled.params) if name == "mssql" else len(compiled.params)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("columns", [("id",), ("id", "line"), ("Sähköposti",)])
def test_no_statement_has_more_parameters_than_the_database_takes(name: str, columns: tuple[str, ...]) -> None:
    table = table_of(name)
    values = [tuple([n] * len(columns)) for n in range(3_000)]
    for chunk in chunks(values, max(1, BINDS // len(columns))):
        statement = sa.delete(table).where(matches(table, columns, values=chunk))
        assert parameters_of(statement, name) <= MOST_PARAMETERS[name]
        lists = re.findall(r"IN \((.*?)\)", text_of(statement, name))
        assert all(part.count(",") < MOST_IN_LIST[name] for part in lists)


@pytest.mark.parametrize("name", DIALECTS)
def test_an_address_asked_for_in_two_ways_still_fits(name: str) -> None:
    table, column = table_of(name), ("Sähköposti",)
    binds = given(table, column, [(f"p{n}@shop.example",) for n in range(BINDS)], email=True)
    statement = sa.select(table).where(holds(table, column, email=True)).params(**binds)
    assert sum(map(len, binds.values())) <= MOST_PARAMETERS[name]
    assert max(map(len, binds.values())) <= MOST_IN_LIST[name]
    assert "lower(" in text_of(statement, name).lower()


@pytest.mark.parametrize(("name", "place"), [("mssql", "crm.[order]"), ("oracle", 'crm."order"')])
def test_names_are_whole_and_quoted(name: str, place: str) -> None:
    table = table_of(name)
    for statement in (sa.select(table), sa.update(table).values(id=1), sa.delete(table)):
        assert place in text_of(statement, name)


def test_sql_server_is_asked_for_composite_keys_in_so_many_words() -> None:
    table = table_of("mssql")
    text = text_of(sa.delete(table).where(matches(table, ("id", "line"), values=[(1, 2), (3, 4)])), "mssql")
    assert " IN " not in text
    assert text.count(" OR ") == 1
    assert text.count(" AND ") == 2


def test_oracle_compares_composite_keys_as_rows() -> None:
    table = table_of("oracle")
    text = text_of(sa.delete(table).where(matches(table, ("id", "line"), values=[(1, 2), (3, 4)])), "oracle")
    assert re.search(r'\(crm\."order"\.id, crm\."order"\.line\) IN \(\(', text)


@pytest.mark.parametrize(("name", "words"), [("mssql", "SELECT TOP "), ("oracle", "FETCH FIRST ")])
def test_a_first_look_is_limited_in_the_words_of_the_database(name: str, words: str) -> None:
    assert words in text_of(sa.select(table_of(name)).limit(FEW + 1), name)


@pytest.mark.parametrize(("name", "words"), [("mssql", "WITH (UPDLOCK, HOLDLOCK, ROWLOCK)"), ("oracle", "FOR UPDATE")])
def test_rows_are_held_in_the_words_of_the_database(name: str, words: str) -> None:
    table = table_of(name)
    assert words in text_of(locked(sa.select(table).order_by(table.c.id), table), name)
