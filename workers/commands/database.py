"""`vastine db upgrade`."""

import click

from models.migrate import upgrade as migrate
from models.session import open_engine
from workers.host import quiet, settings
from workers.speech import say


@click.group()
def db() -> None:
    """Vastine's own database."""


@db.command()
def upgrade() -> None:
    """Bring the database to this release's schema; safe to run again."""
    quiet()
    told = settings()
    told.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(told.database_url)
    try:
        say(f"schema {migrate(engine)}")
    finally:
        engine.dispose()
