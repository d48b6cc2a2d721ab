"""Real PostgreSQL, MariaDB and Redis for the tests: throw-away servers on free loopback ports.

Each can be replaced by one that runs elsewhere: VASTINE_TEST_POSTGRES_URL (a user who may create databases),
VASTINE_TEST_MARIADB_URL (the same), VASTINE_TEST_REDIS_URL (which is flushed).
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import redis

from tests.processes import ServerProcess, find_program, free_port, is_root

_REMEDY = "run `make test` once, which installs it"


class PostgresServer:
    """A PostgreSQL cluster in a folder, or the one that VASTINE_TEST_POSTGRES_URL names."""

    def __init__(self, folder: Path, *, may_be_foreign: bool = False, options: Sequence[str] = ()) -> None:
        self._process: ServerProcess | None = None
        self._admin_url = os.environ.get("VASTINE_TEST_POSTGRES_URL", "") if may_be_foreign else ""
        if self._admin_url:
            return
        user = "postgres" if is_root() else ""
        self._data = folder / "data"
        self._init(folder, user=user)
        self.port = free_port()
        # Without fsync a power cut may lose data, and a kill -9 of a process never does.
        given = ["-c", "fsync=off", "-c", "synchronous_commit=on", "-c", "full_page_writes=off"]
        given += ["-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
        given += ["-c", "max_wal_size=4GB", "-c", "shared_buffers=64MB"]
        command = [_postgres_program("postgres"), "-D", str(self._data), "-k", str(folder), *given, *options]
        self._process = ServerProcess(command, log=folder / "log", as_user=user, last_signal="QUIT")
        self._admin_url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.start()

    def _init(self, folder: Path, *, user: str) -> None:
        command = [_postgres_program("initdb"), "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"]
        command += ["--locale=C.UTF-8", "-D", str(self._data)]
        if user:
            shutil.chown(folder, user)
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *command]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start, or start again after `kill`."""
        assert self._process is not None, "this server is not ours to start"
        for attempt in range(5):
            try:
                self._process.start(self._is_up)
                return
            except RuntimeError:  # after a kill -9 its children may hold the shared memory for another moment
                if attempt == 4:
                    raise
                time.sleep(0.3)

    def _is_up(self) -> bool:
        try:
            psycopg.connect(self._admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """kill -9 the postmaster; its children notice and go too."""
        assert self._process is not None, "this server is not ours to kill"
        self._process.kill()

    def stop(self) -> None:
        """End it for good."""
        if self._process is not None:
            self._process.stop()

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"vastine_test_{secrets.token_hex(6)}"
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._admin_url.rsplit("/", 1)[0] + "/" + name

    def drop_database(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        name = url.rsplit("/", 1)[1]
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _postgres_program(name: str) -> str:
    # Debian keeps the servers of several versions apart, off the PATH; the newest is as good as any.
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    return str(versions[-1]) if versions else find_program(name, remedy=_REMEDY)


class MariadbServer:
    """A MariaDB in a folder, or the one that VASTINE_TEST_MARIADB_URL names (a user who may create databases)."""

    def __init__(self, folder: Path) -> None:
        self._process: ServerProcess | None = None
        self.url = os.environ.get("VASTINE_TEST_MARIADB_URL", "")
        if self.url:
            return
        data, user = folder / "data", "mysql" if is_root() else ""
        command = [find_program("mariadb-install-db", remedy=_REMEDY), "--no-defaults", f"--datadir={data}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", *([f"--user={user}"] if user else [])]
        # Each its own: a server that starts removes what others have of temporary tables in the same folder.
        scratch = folder / "scratch"
        scratch.mkdir()
        command += [f"--tmpdir={scratch}"]
        for one in (folder, scratch) if user else ():
            shutil.chown(one, user)
        subprocess.run(command, check=True, capture_output=True, cwd="/")
        port = free_port()
        command = [find_program("mariadbd", remedy=_REMEDY), "--no-defaults", f"--datadir={data}", f"--port={port}"]
        command += [f"--tmpdir={scratch}"]
        command += ["--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin"]
        command += ["--skip-name-resolve", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]
        self.url = f"mysql://root@127.0.0.1:{port}/mysql"
        self._process = ServerProcess(command, log=folder / "log", as_user=user, last_signal="TERM")
        self._process.start(self._is_up)

    def _connect(self, url: str) -> Any:
        given = urlsplit(url)
        return pymysql.connect(
            host=given.hostname or "", port=given.port or 3306, user=given.username, password=given.password or "",
            autocommit=True,
        )  # fmt: skip

    def _is_up(self) -> bool:
        try:
            self._connect(self.url).close()
        except pymysql.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End it for good."""
        if self._process is not None:
            self._process.stop()

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"vastine_test_{secrets.token_hex(6)}"
        with self._connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return self.url.rsplit("/", 1)[0] + "/" + name

    def drop_database(self, url: str) -> None:
        """Drop it."""
        with self._connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]}")


class RedisServer:
    """A Redis, forgetful unless asked to persist, or the one that VASTINE_TEST_REDIS_URL names."""

    def __init__(self, folder: Path, *, persist: bool = False, may_be_foreign: bool = False) -> None:
        self._process: ServerProcess | None = None
        self.url = os.environ.get("VASTINE_TEST_REDIS_URL", "") if may_be_foreign else ""
        if self.url:
            return
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [find_program("redis-server", remedy=_REMEDY), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(folder), "--save", "", "--appendonly", "yes" if persist else "no"]
        self._process = ServerProcess(command, log=folder / "log", last_signal="TERM")
        self.start()

    def start(self) -> None:
        """Start, or start again after `kill` on the same port."""
        assert self._process is not None, "this server is not ours to start"
        self._process.start(self._is_up)

    def _is_up(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """FLUSHALL: everything Redis knew is gone."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def freeze(self) -> None:
        """Accepts connections, answers nothing, until `thaw`."""
        assert self._process is not None, "this server is not ours to freeze"
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self._process is not None, "this server is not ours to thaw"
        self._process.signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None, "this server is not ours to kill"
        self._process.kill()

    def stop(self) -> None:
        """End it for good."""
        if self._process is not None:
            self._process.stop()
