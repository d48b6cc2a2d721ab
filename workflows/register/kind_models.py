"""The kinds of source that come with the product."""

from collections.abc import Sequence

from workflows.register.check_flat import file_faults, sql_faults
from workflows.register.kinds import SourceKind
from workflows.register.model import Secret, Strict


class SqlConnection(Strict):
    """A database: its SQLAlchemy URL, and the password beside it where it is not in a secret URL."""

    url: str | Secret
    password: Secret | None = None


class FileConnection(Strict):
    """One delimited file."""

    path: str | Secret
    delimiter: str = "|"
    encoding: str = "utf-8"
    header: bool = True


KINDS: Sequence[SourceKind] = (
    SourceKind("sql", SqlConnection, sql_faults),
    SourceKind("file", FileConnection, file_faults),
)
