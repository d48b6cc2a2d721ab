"""Bring a database to the present schema: `vastine db upgrade`, and on its own in the embedded default."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x5641535444


def config(connection: object = None) -> Config:
    """Alembic's configuration, in code."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(engine: Engine) -> str:
    """Run what is missing, one process at a time; the revision reached."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Waiting for another process that migrates is right; waiting for readers for ever is not.
            connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _LOCK})
        command.upgrade(config(connection), "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def is_current(engine: Engine) -> bool:
    """Whether the database has this release's schema."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
