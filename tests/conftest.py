"""Fixtures that every area shares. A server starts when the first test of a process asks for it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import compiled, effort, network_guard, press, templates
from tests.mail_servers import ImapAccount, ImapServer, SmtpSink, running_sink
from tests.processes import find_program, open_folder
from tests.servers import MariadbServer, PostgresServer, RedisServer

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30
_SERVERS = {
    "postgres_server",
    "mariadb_server",
    "own_postgres",
    "_redis_server",
    "own_redis",
    "_imap_server",
    "own_imap",
    "chromium",
    "oidc_server",
}

network_guard.raise_it()
compiled.share()
press.share()
templates.share()


def pytest_configure(config: pytest.Config) -> None:
    """Few examples for `make check`; temporary folders in memory, where a commit waits for no disk."""
    if config.getoption("markexpr") == "not slow":
        effort.spare()
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs a real server or a browser is slow: `make check` promises to start none."""
    for item in items:
        if _SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    network_guard.attempts.clear()
    yield
    if network_guard.attempts:
        pytest.fail(f"the test tried to reach {', '.join(network_guard.attempts)}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL that this process's tests share; whoever wants to kill one takes `own_postgres`."""
    with open_folder() as folder:
        server = PostgresServer(folder, may_be_foreign=True)
        yield server
        server.stop()


@pytest.fixture
def fresh_postgres(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """A function that makes a new, empty PostgreSQL database and returns its URL; dropped after the test."""
    made: list[str] = []

    def create() -> str:
        made.append(postgres_server.create_database())
        return made[-1]

    yield create
    for url in made:
        postgres_server.drop_database(url)


@pytest.fixture
def postgres_url(fresh_postgres: Callable[[], str]) -> str:
    """The URL of a new, empty PostgreSQL database."""
    return fresh_postgres()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for this test alone, to be killed and started; `create_database()` gives the URL of a new one."""
    with open_folder() as folder:
        server = PostgresServer(folder)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """The MariaDB that this process's tests share."""
    with open_folder() as folder:
        server = MariadbServer(folder)
        yield server
        server.stop()


@pytest.fixture
def mariadb_url(mariadb_server: MariadbServer) -> Iterator[str]:
    """The URL of a new, empty MariaDB database, `mysql://…`; dropped after the test."""
    url = mariadb_server.create_database()
    yield url
    mariadb_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: the test runs once on SQLite and once on PostgreSQL (slow)."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vastine.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    with open_folder() as folder:
        server = RedisServer(folder, may_be_foreign=True)
        yield server
        server.stop()


@pytest.fixture
def redis_url(_redis_server: RedisServer) -> str:
    """The URL of an empty Redis that this process's tests share one after the other."""
    _redis_server.flush()
    return _redis_server.url


@pytest.fixture
def own_redis() -> Iterator[Callable[..., RedisServer]]:
    """A function that starts a Redis for this test alone, to be frozen, flushed or killed; `persist=True` keeps."""
    with ExitStack() as stack:

        def start(*, persist: bool = False) -> RedisServer:
            server = RedisServer(stack.enter_context(open_folder()), persist=persist)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def _imap_server() -> Iterator[ImapServer]:
    with open_folder() as folder:
        server = ImapServer(folder, may_be_foreign=True)
        yield server
        server.stop()


@pytest.fixture
def imap_server(_imap_server: ImapServer) -> ImapAccount:
    """An empty account on a real IMAP server: host, port, user, password, url, append(raw), messages(folder)."""
    return _imap_server.new_account()


@pytest.fixture
def own_imap() -> Iterator[ImapServer]:
    """An IMAP server for this test alone, to be stopped and started."""
    with open_folder() as folder:
        server = ImapServer(folder)
        yield server
        server.stop()


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """An SMTP server that keeps its messages and fails on demand."""
    with running_sink() as sink:
        yield sink


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium: for playwright's `executable_path`, with `--no-sandbox` as root."""
    given = os.environ.get("VASTINE_TEST_CHROMIUM", "")
    return given or find_program("chromium", "chromium-browser", "google-chrome", remedy="run `make test` once")
