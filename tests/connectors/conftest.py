"""The shop on a real database."""

import pytest

from tests.connectors import shop


@pytest.fixture
def shop_url(database_url: str) -> str:
    """A shop full of people, on SQLite and on PostgreSQL."""
    shop.run_sql(database_url, shop.DDL + shop.ROWS)
    return database_url
