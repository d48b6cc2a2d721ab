"""The receipts table in a source: with it, an erasure and the proof of it are one transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql

from models.vocabulary import ReceiptOutcome
from workflows.connectors.sql_mysql import MYSQL, may_create
from workflows.connectors.sql_schema import RECEIPTS
from workflows.connectors.sql_source import is_writable_file
from workflows.errors import Fenced

TABLE = sa.Table(
    RECEIPTS,
    sa.MetaData(),
    sa.Column("op_id", sa.String(100), primary_key=True),
    sa.Column("item_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    mysql_engine="InnoDB",
    mariadb_engine="InnoDB",
)
_GUARD = -1
"""Number of the line that MariaDB and MySQL lock for each operation; it is no item."""


def may_keep(connection: sa.Connection) -> bool:
    """Whether receipts can be kept in this source; asks, and changes nothing."""
    exists = sa.inspect(connection).has_table(RECEIPTS)
    if connection.dialect.name == "sqlite":
        return is_writable_file(connection)
    if connection.dialect.name == "postgresql":
        if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
            return False
        if exists:
            question = sa.text("SELECT has_table_privilege(CAST(:name AS text), 'SELECT, INSERT')")
            return bool(connection.execute(question, {"name": RECEIPTS}).scalar_one())
        question = sa.text("SELECT has_schema_privilege(current_schema(), 'CREATE')")
        return bool(connection.execute(question).scalar_one())
    if connection.dialect.name in MYSQL:
        return may_create(connection)
    return exists


def make_table(connection: sa.Connection) -> None:
    """Create the table if it is not there; two workers may try at once."""
    if sa.inspect(connection).has_table(RECEIPTS):
        return
    if connection.dialect.name in MYSQL:  # it ends the transaction, in which nothing has happened yet
        TABLE.create(connection, checkfirst=True)
        return
    try:
        with connection.begin_nested():
            TABLE.create(connection, checkfirst=True)
    except (exc.IntegrityError, exc.ProgrammingError):
        if not sa.inspect(connection).has_table(RECEIPTS):
            raise


def kept(connection: sa.Connection, op_id: str, *, fence: int) -> Mapping[int, ReceiptOutcome]:
    """What earlier calls with this operation erased or not; as `words`."""
    return {item_no: ReceiptOutcome(word) for item_no, word in words(connection, op_id, fence=fence).items()}


def words(connection: sa.Connection, op_id: str, *, fence: int) -> Mapping[int, str]:
    """What earlier calls with this operation did. Raises `Fenced` if one of them had a higher fence.

    Whoever asks is alone with the operation until the transaction ends.
    """
    if connection.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE has done as much
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:op, 0))"), {"op": op_id})
    elif connection.dialect.name in MYSQL:
        guard = {"op_id": op_id, "item_no": _GUARD, "fence": 0, "outcome": "", "at": ""}
        connection.execute(sa.insert(TABLE).prefix_with("IGNORE"), guard)
        connection.execute(sa.select(TABLE.c.fence).where(TABLE.c.op_id == op_id).with_for_update()).all()
    rows = connection.execute(sa.select(TABLE.c.item_no, TABLE.c.outcome, TABLE.c.fence).where(TABLE.c.op_id == op_id))
    receipts = {}
    for item_no, outcome, recorded in rows:
        if item_no == _GUARD:
            continue
        if recorded > fence:
            raise Fenced("fenced")
        receipts[item_no] = outcome
    return receipts


def keep(connection: sa.Connection, op_id: str, *, fence: int, outcomes: Mapping[int, str]) -> None:
    """Write the receipts."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    if connection.dialect.name == "postgresql":
        texts_of = [str(outcome) for outcome in outcomes.values()]
        numbers, texts = postgresql.ARRAY(sa.Integer), postgresql.ARRAY(sa.String)
        pairs = (
            sa.func.unnest(sa.literal(list(outcomes), numbers), sa.literal(texts_of, texts))
            .table_valued("no", "word")
            .render_derived()
        )
        whole = sa.select(sa.literal(op_id), pairs.c.no, sa.literal(fence, sa.BigInteger), pairs.c.word, sa.literal(at))
        connection.execute(sa.insert(TABLE).from_select(["op_id", "item_no", "fence", "outcome", "at"], whole))
        return
    rows = [
        {"op_id": op_id, "item_no": no, "fence": fence, "outcome": str(outcome), "at": at}
        for no, outcome in outcomes.items()
    ]
    if rows:
        connection.execute(sa.insert(TABLE), rows)
