"""The schema's revisions: what the code calls the last one is it, and it makes the tables that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from models import Base
from models.migrate import HEAD, config, is_current, upgrade
from models.session import open_engine


def test_the_revision_called_the_last_is_the_last() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == HEAD


def test_a_database_is_current_once_it_was_brought_up_to_date_and_only_then(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        assert not is_current(engine)
        assert upgrade(engine) == HEAD
        assert is_current(engine)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'another'"))
        assert not is_current(engine)
    finally:
        engine.dispose()


@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_the_migrations_make_exactly_the_tables_and_indexes_of_the_models(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        upgrade(engine)
        with engine.connect() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
            indexes = {
                str(index["name"]) for name in Base.metadata.tables for index in inspect(connection).get_indexes(name)
            }
        described = {str(index.name) for table in Base.metadata.tables.values() for index in table.indexes}
        assert described <= indexes
        # What an index is over is not compared where that is an expression: it seems added, or removed.
        vague = {"ix_steps_ready"}
        assert [d for d in differences if not (d[0].endswith("_index") and d[1].name in vague)] == []
    finally:
        engine.dispose()
