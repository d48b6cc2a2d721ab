"""One small demo register for all tests here; nobody writes to it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workflows.demo.build import DemoFiles, build_demo

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo(demo_folder: Path) -> DemoFiles:
    return build_demo(demo_folder, people=1000, metering_days=1)


@pytest.fixture
def ask(demo: DemoFiles, demo_folder: Path) -> Ask:
    def query(source: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(demo_folder / f"{source}.db")) as db:
            return db.execute(statement, values).fetchall()

    return query
