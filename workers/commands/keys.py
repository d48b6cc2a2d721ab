"""`vastine key`: the key file, without which nothing that is kept can be read."""

from pathlib import Path

import click
from sqlalchemy import select

from models.request import DataKey
from workers.host import runtime, settings
from workers.speech import say
from workflows.adapters.keys import create_key_file
from workflows.wiring import open_vault


@click.group()
def key() -> None:
    """The key file. Keep a copy of it apart from the database: without it nothing can be read."""


@key.command()
@click.argument("path", type=click.Path(path_type=Path))
def new(*, path: Path) -> None:
    """Make a key file that only you can read."""
    create_key_file(path)
    say(f"{path} made; keep a copy apart from the database, then set VASTINE_KEY_FILE to its path")


@key.command()
def rotate() -> None:
    """Add a master key, make it current, and wrap every request's key with it.

    Old keys stay in the file: a backup of the database needs them. Restart the processes afterwards.
    """
    vault = open_vault(settings())
    rt = runtime()
    current = vault.rotate()
    with rt.unit() as session:
        idents = session.scalars(
            select(DataKey.id).where(DataKey.wrapped.is_not(None), DataKey.master_key != current)
        ).all()
    for ident in idents:
        with rt.unit() as session:
            row = session.get_one(DataKey, ident, with_for_update=True)
            if row.wrapped is not None and row.master_key != current:
                row.wrapped, row.master_key = vault.rewrap(row.wrapped, row.master_key)
    say(f"{len(idents)} keys wrapped with the new master key {current}; restart the processes, copy the key file")
