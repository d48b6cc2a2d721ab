"""Bring a database to the present schema: `vastine db upgrade`, and on its own in the embedded default."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The last revision: said here, since to ask Alembic takes longer, and more memory, than all else a start does."""
FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x5641535444


def config(connection: object = None) -> "Config":
    """Alembic's configuration, in code."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(engine: Engine) -> str:
    """Run what is missing, one process at a time; the revision reached."""
    from alembic import command  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Waiting for another process that migrates is right; waiting for readers for ever is not.
            connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _LOCK})
        command.upgrade(config(connection), "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def is_current(engine: Engine) -> bool:
    """Whether the database has this release's schema."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [HEAD]
