"""Every kind of source is held to the same sentences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.contract import (
    Contract,
    World,
    csv_world,
    file_world,
    hand_world,
    http_world,
    parquet_world,
    running,
    server_world,
    sql_world,
)

KINDS: tuple[Any, ...] = (
    "sql",
    pytest.param("postgresql", marks=pytest.mark.slow),
    pytest.param("mariadb", marks=pytest.mark.slow),
    "csv",
    "csv read only",
    "file",
    "http",
    "http read only",
    "parquet",
    "parquet in one file",
    "manual",
    "paper",
)


class TestEveryKind(Contract):
    """The sentences, for each."""

    @pytest.fixture(params=KINDS)
    def world(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
        """A world of this kind."""
        match request.param:
            case "sql":
                yield sql_world(tmp_path)
            case "postgresql":
                yield server_world(request.getfixturevalue("postgres_url"))
            case "mariadb":
                yield server_world(request.getfixturevalue("mariadb_url"))
            case "csv" | "csv read only":
                yield csv_world(tmp_path, writable=request.param == "csv")
            case "file":
                yield file_world(tmp_path)
            case "parquet" | "parquet in one file":
                yield parquet_world(tmp_path, files=2 if request.param == "parquet" else 1)
            case "manual" | "paper":
                yield hand_world(request.param)
            case _:
                with running() as service:
                    yield http_world(service, reads_only=request.param != "http")
