"""A runtime for a command: settings from the environment, the database at the present schema."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

import click
import structlog
from sqlalchemy import Engine

from models.migrate import is_current, upgrade
from workflows.errors import BadInput, Fault
from workflows.ports import Bell
from workflows.runtime import Runtime
from workflows.settings import Settings


class _Stderr:
    """Standard error as it is when something is written, not as it was when logging was set up."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def quiet() -> None:
    """Logs are JSON lines on stderr, and only what needs attention."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("alembic").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process."""
    return Settings.from_environ(os.environ if environ is None else environ)


def runtime(*, bell: Bell | None = None, given: Settings | None = None, **parts: Any) -> Runtime:
    """A runtime over an up-to-date database.

    The embedded database is brought up to date here; a PostgreSQL one by `vastine db upgrade` alone,
    because other processes may be using it.
    """
    from workflows.trial import take_side  # noqa: PLC0415
    from workflows.wiring import build  # noqa: PLC0415  # loads everything

    quiet()
    told = given or settings()
    rt = build(told, bell=bell or _bell(told), **parts)
    engine = rt.sessions.kw["bind"]
    if (command := click.get_current_context(silent=True)) is not None:
        command.call_on_close(engine.dispose)  # a connection that is left to the end is closed rudely
    if not is_current(engine):
        _bring_up(told, engine)
    take_side(rt)
    return rt


def _bring_up(told: Settings, engine: Engine) -> None:
    if told.database_url.startswith("sqlite"):
        upgrade(engine)
    else:
        remedy = "run `vastine db upgrade` once"
        raise BadInput([Fault("VASTINE_DATABASE_URL", "the database has another schema", remedy)], "schema_old")


def to_be_forked(told: Settings, *, bell: Bell | None = None) -> Runtime:
    """A runtime for the children of this process to share; nothing is open in it that they must not inherit.

    It says now what is wrong with register, keys or database; and what is built once is in memory once.
    """
    rt = runtime(given=told, bell=bell)
    rt.sessions.kw["bind"].dispose()
    return rt


def _bell(told: Settings) -> Bell | None:
    """A command rings like any door; in the embedded default it works itself, and nobody listens."""
    if told.embedded:
        return None
    from workers.app import make_app  # noqa: PLC0415
    from workflows.adapters.broker import CeleryBell  # noqa: PLC0415

    return CeleryBell(make_app(told))
