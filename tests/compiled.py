"""Statements that one test compiled are not compiled again for the next test's database, though each has its engine.

SQLAlchemy keeps compiled statements by dialect object, and every engine has one of its own. All engines of ours on
one kind of database are set up alike, so what was compiled for one serves them all.
"""

import importlib
import pkgutil
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

import models
from models import session as sessions
from models.base import Base


class _ByKind(LRUCache[Any, Any]):
    """Keeps by the dialect's name instead of the dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


def share() -> None:
    """From now on engines that `open_engine` makes share what is compiled; before anybody imports that by name."""
    shared, open_engine = _ByKind(2000), sessions.open_engine

    def with_shared_statements(url: str, **options: Any) -> Engine:
        engine = open_engine(url, **options)
        engine.update_execution_options(compiled_cache=shared)
        return engine

    sessions.open_engine = with_shared_statements
    for found in pkgutil.iter_modules(models.__path__):
        if not found.ispkg:
            importlib.import_module(f"models.{found.name}")
    for mapper in Base.registry.mappers:
        mapper._compiled_cache = _ByKind(200)
