"""Looking rows up by their values. Statements are built once for a table and kept with it, since to build
and to compile one takes longer than the database needs to answer it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from workflows.connectors.sql_mysql import MYSQL
from workflows.connectors.sql_schema import DIALECT, names_of

BINDS = 500
"""Values asked for in one statement."""
ROWS = 1_000
FEW = 500
"""Rows that come in one go; more come through a cursor of the server, which takes four more round trips."""

FOLDING = frozenset({"mysql", "mariadb", "mssql"})
"""Databases in which texts that differ in case, accents or spaces at the end may be equal."""

ORDERED = frozenset({"postgresql", "mysql", "mariadb", "sqlite"})
"""Databases in which a row of values can be compared with a row of columns, in the order they sort by."""

T = TypeVar("T")
Row = Mapping[str, Any]
Value = tuple[Any, ...]
Tuples = Sequence[Sequence[Any]]
_LIST = "{%s}"


def kept_with(table: sa.Table, key: tuple[object, ...], make: Callable[[], T]) -> T:
    """What `make` made the first time it was asked for this key of this table."""
    known: dict[tuple[object, ...], T] = table.info.setdefault("lookups", {})
    if key not in known:
        known[key] = make()
    return known[key]


def picker(columns: Sequence[str]) -> Callable[[Row], Value]:
    """Picks the values of these columns out of a row."""
    if len(columns) == 1:
        (column,) = columns
        return lambda row: (row[column],)
    return lambda row: tuple([row[c] for c in columns])


def holds(table: sa.Table, columns: tuple[str, ...], *, email: bool = False) -> sa.ColumnElement[bool]:
    """The condition that these columns hold one of the values that `given` gives; an e-mail address in any case."""
    return _condition(table, columns, sa.bindparam, email=email)


def matches(table: sa.Table, columns: tuple[str, ...], *, values: Sequence[Value]) -> sa.ColumnElement[bool]:
    """The condition that these columns hold one of these values, for a statement that is built to be used once."""
    if spelled_out(table, columns):
        rows = (zip(columns, value, strict=True) for value in values)
        return sa.or_(*(sa.and_(*(table.c[c] == v for c, v in row)) for row in rows))
    binds = given(table, columns, values)
    return _condition(table, columns, lambda name, **how: sa.bindparam(None, binds[name], unique=True, **how))


def _condition(
    table: sa.Table, columns: tuple[str, ...], bind: Callable[..., sa.BindParameter[Any]], *, email: bool = False
) -> sa.ColumnElement[bool]:
    if len(columns) > 1:
        return sa.tuple_(*(table.c[c] for c in columns)).in_(bind("values", expanding=True))
    column = table.c[columns[0]]
    if _in_array(table, columns):
        # One value however many there are: one statement to prepare, not one for each number of them.
        return column == sa.any_(sa.cast(bind("values", type_=sa.String), postgresql.ARRAY(sa.BigInteger)))
    plain = column.in_(bind("values", expanding=True))
    return sa.or_(sa.func.lower(column).in_(bind("lowered", expanding=True)), plain) if email else plain


def given(table: sa.Table, columns: tuple[str, ...], values: Sequence[Value], *, email: bool = False) -> dict[str, Any]:
    """The parameters of a statement with `holds`."""
    if len(columns) > 1:
        return {"values": list(values)}
    plain = [v[0] for v in values]
    if _in_array(table, columns):
        return {"values": _LIST % ",".join(map(str, plain))}
    return {"values": plain, "lowered": [str(v).lower() for v in plain]} if email else {"values": plain}


def spelled_out(table: sa.Table, columns: tuple[str, ...]) -> bool:
    """Whether each row must be asked for in so many words: SQL Server compares no rows with rows."""
    return len(columns) > 1 and table.metadata.info.get(DIALECT) == "mssql"


def _in_array(table: sa.Table, columns: tuple[str, ...]) -> bool:
    whole = len(columns) == 1 and isinstance(table.c[columns[0]].type, sa.Integer)
    return whole and table.metadata.info.get(DIALECT) == "postgresql"


def rows_with(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    email: bool = False,
) -> Iterator[dict[str, Any]]:
    """Stream the rows of a table that carry one of these values in these columns, as plain dictionaries."""
    return chain.from_iterable(batches_with(connection, table, columns, values=values, email=email))


def batches_with(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    email: bool = False,
) -> Iterator[list[dict[str, Any]]]:
    """The same, some at a time."""
    names = names_of(table.columns)
    for batch in tuples_with(connection, table, columns, values=values, email=email):
        yield [dict(zip(names, row, strict=False)) for row in batch]


def tuples_with(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    email: bool = False,
) -> Iterator[Tuples]:
    """The same as they come: the values of each row in the order of the table's columns."""
    whole, limited = statements(table, columns, email=email)
    batches = _batches(connection, table, columns, values=values, email=email, whole=whole, limited=limited)
    as_written = written(connection, table, columns, values=values, email=email)
    yield from map(as_written, batches) if as_written else batches


def written(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    email: bool = False,
) -> Callable[[Tuples], Tuples] | None:
    """Drops the rows that only the database takes for equal; None where it takes none for that."""
    if connection.dialect.name not in FOLDING or not any(isinstance(table.c[c].type, sa.String) for c in columns):
        return None
    wanted = {_written(value, email=email) for value in values}
    names = names_of(table.columns)
    places = [names.index(c) for c in columns]
    return lambda rows: [row for row in rows if _written(tuple(row[i] for i in places), email=email) in wanted]


def statements(
    table: sa.Table, columns: tuple[str, ...], *, email: bool = False
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Those that select the rows with `holds`: all of them, and no more than tell whether they are few."""

    def make() -> tuple[sa.Select[Any], sa.Select[Any]]:
        whole = sa.select(table).where(holds(table, columns, email=email))
        return whole, whole.limit(FEW + 1)

    return kept_with(table, ("rows", columns, email, FEW), make)


def _written(value: Value, *, email: bool) -> Value:
    """What must be the same to the letter, whatever the database takes for equal; an address in any case."""
    return tuple(v.lower() if email and isinstance(v, str) else v for v in value)


def _batches(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    *,
    values: Sequence[Value],
    email: bool,
    whole: sa.Select[Any],
    limited: sa.Select[Any],
) -> Iterator[Tuples]:
    for chunk in chunks(values, max(1, BINDS // len(columns))):
        binds = given(table, columns, chunk, email=email)
        if spelled_out(table, columns):
            binds, whole = {}, sa.select(table).where(matches(table, columns, values=chunk))
            limited = whole.limit(FEW + 1)
        if connection.dialect.name != "sqlite":
            few = connection.execute(limited, binds).all()
            if len(few) <= FEW:
                yield few
                continue
        if connection.dialect.name in MYSQL and _paged(table):
            yield from pages(connection, table, whole, binds=binds)
        else:
            yield from streamed(connection, table, whole, binds=binds)


def streamed(
    connection: sa.Connection, table: sa.Table, statement: sa.Select[Any], *, binds: Mapping[str, Any]
) -> Iterator[Tuples]:
    """The rows of a statement over all columns of a table, some at a time, through a cursor of the server.

    Where no value has to be converted they are the driver's own: to make a row object of each costs as much as
    to read it.
    """
    result = connection.execute(statement, binds, execution_options={"stream_results": True})
    dialect, told = connection.dialect, result.cursor.description if result.cursor else ()
    as_they_are = all(
        column.type.dialect_impl(dialect).result_processor(dialect, of[1]) is None
        for column, of in zip(table.columns, told or (), strict=True)
    )
    return as_driven(connection, result, size=ROWS) if as_they_are else result.partitions(ROWS)


def as_driven(connection: sa.Connection, result: sa.CursorResult[Any], *, size: int) -> Iterator[Tuples]:
    """The driver's own tuples, so many at a time; nothing converts their values."""
    first = result.fetchone()  # read ahead when the statement began: of that alone the cursor knows no more
    if first is None:
        return
    cursor, base = result.cursor, connection.dialect.loaded_dbapi.Error
    try:
        part: Tuples = [tuple(first), *(cursor.fetchmany(size - 1) if size > 1 else ())]
        while part:
            yield part
            part = cursor.fetchmany(size)
    except base as error:
        raise sa.exc.DBAPIError.instance("", None, error, base, hide_parameters=True) from None
    finally:
        result.close()


def _paged(table: sa.Table) -> bool:
    """Whether there is a key whose values, as we read them, can be compared with those that are stored."""
    key = list(table.primary_key.columns)
    return bool(key) and not any(isinstance(c.type, (mysql.SET, mysql.BIT, sa.FLOAT)) for c in key)


def pages(
    connection: sa.Connection, table: sa.Table, whole: sa.Select[Any], *, binds: Mapping[str, Any]
) -> Iterator[Tuples]:
    """In the order of the key, page after page: a stream would be lost with the next question."""
    key = list(table.primary_key.columns)
    places = [list(table.columns).index(c) for c in key]
    page = ordered = whole.order_by(*key).limit(ROWS)
    while rows := connection.execute(page, binds).all():
        yield rows
        if len(rows) < ROWS:
            return
        page = ordered.where(beyond(table, [rows[-1][i] for i in places]))


def beyond(table: sa.Table, last: Sequence[Any]) -> sa.ColumnElement[bool]:
    """The condition that a row comes after this key in the order of the primary key."""
    pairs = [_comparable(c, v) for c, v in zip(table.primary_key.columns, last, strict=True)]
    here, there = zip(*pairs, strict=True)
    return sa.tuple_(*here) > sa.tuple_(*there) if len(pairs) > 1 else here[0] > there[0]


def _comparable(column: sa.Column[Any], value: Any) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """A column and a value in the order that the column sorts in: MySQL sorts an ENUM by number and compares its name.

    What is none of its names has the number 0 there.
    """
    if isinstance(column.type, mysql.ENUM):
        names = column.type.enums
        number = names.index(value) + 1 if value in names else 0
        return sa.type_coerce(column, sa.Integer) + 0, sa.literal(number)
    return column, sa.literal(value, column.type)


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def another_text(value: Value, wanted: Iterable[Value]) -> bool:
    """Whether a database that cares less about case found a text that is not one of those looked for.

    Only the spaces that CHAR columns are filled up with do not count.
    """
    if not all(isinstance(part, str) for part in value):
        return False
    plain = tuple(part.rstrip(" ") for part in value)
    return plain not in {tuple(str(part).rstrip(" ") for part in one) for one in wanted}
