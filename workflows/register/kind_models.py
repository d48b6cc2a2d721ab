"""The kinds of source that come with the product."""

from collections.abc import Sequence

from workflows.register.check_flat import EraseConnection, file_faults, sql_faults
from workflows.register.check_http import http_faults
from workflows.register.csv_connection import CsvConnection, csv_faults
from workflows.register.hand_connection import ByHand, ManualConnection, PaperConnection, hand_faults
from workflows.register.http_connection import HttpConnection
from workflows.register.kinds import SourceKind
from workflows.register.mailbox_connection import MailboxConnection, mailbox_faults
from workflows.register.model import Secret, Strict
from workflows.register.parquet_connection import ParquetConnection, parquet_faults


class SqlConnection(Strict):
    """A database: its SQLAlchemy URL, and the password beside it where it is not in a secret URL."""

    url: str | Secret
    password: Secret | None = None
    erase: EraseConnection | None = None
    side_tables: tuple[str, ...] = ()  # that triggers write without keeping a copy of a record
    by_hand: ByHand | None = None


class FileConnection(Strict):
    """One delimited file."""

    path: str | Secret
    delimiter: str = "|"
    encoding: str = "utf-8"
    header: bool = True
    by_hand: ByHand | None = None


KINDS: Sequence[SourceKind] = (
    SourceKind("sql", SqlConnection, sql_faults),
    SourceKind("file", FileConnection, file_faults),
    SourceKind("csv", CsvConnection, csv_faults),
    SourceKind("parquet", ParquetConnection, parquet_faults),
    SourceKind("manual", ManualConnection, hand_faults),
    SourceKind("paper", PaperConnection, hand_faults),
    SourceKind("mailbox", MailboxConnection, mailbox_faults),
    SourceKind("http", HttpConnection, http_faults, nested=True),
)
