"""Where it is measured: a PostgreSQL that syncs, a Redis that persists, and the processes of Vastine themselves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import redis

from bench import shop
from models.migrate import upgrade
from models.session import open_engine
from tests.processes import open_folder
from tests.servers import PostgresServer, RedisServer
from workflows.adapters.keys import create_key_file
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.wiring import build

ROOT = Path(__file__).parents[1]
DURABLE = ("-c", "fsync=on", "-c", "full_page_writes=on", "-c", "shared_buffers=128MB")
"""A power cut loses nothing: what is measured is what is promised."""


@dataclass(slots=True)
class Place:
    """One controller on its servers."""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer
    shop_url: str
    environ: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def settings(self) -> Settings:
        """As every process reads them."""
        return Settings.from_environ(self.environ)

    def runtime(self, **parts: Any) -> Runtime:
        """A runtime in this process, with no bell unless one is given."""
        return build(self.settings(), **parts)

    def behind_proxy(self) -> "Place":
        """The same behind a proxy, whose word for the caller's address counts: limits are by address."""
        return replace(self, environ={**self.environ, "VASTINE_PUBLIC_URL": "https://portal.example"})

    @property
    def database_url(self) -> str:
        """Vastine's own database."""
        return self.environ["VASTINE_DATABASE_URL"]

    def scalar(self, statement: str, *values: object) -> Any:
        """One value from Vastine's own database."""
        return self.scalar_of(self.database_url, statement, *values)

    def scalar_of(self, url: str, statement: str, *values: object) -> Any:
        """One value from a database, over a connection of its own."""
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(statement, values or None).fetchone()
            return row[0] if row else None

    def answer_of(self, module: str, *, environ: dict[str, str]) -> dict[str, float]:
        """What the module's `answer` says in a fresh process with these settings."""
        program = f"import json, os; from {module} import answer; print(json.dumps(answer(dict(os.environ))))"
        path = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**path, **self.environ, **environ},
            stdout=subprocess.PIPE,
            cwd=self.folder,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def empty_broker(self) -> None:
        """Forget all bells."""
        self.redis.flush()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one Python process of ours, in a group of its own; its talk goes to a file."""
        log = (self.folder / "processes.log").open("ab")
        path = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**path, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=self.folder,
        )
        log.close()
        self.started.append(process)
        return process

    def vastine(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`vastine …`, the same command as in production."""
        return self.start("-m", "bench.vastine", *arguments)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End a process and its children."""
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process in self.started:
            self.started.remove(process)

    def wait_for_worker(self, process: subprocess.Popen[bytes], children: int = 2) -> None:
        """Return once the worker has its children and listens."""
        with redis.Redis.from_url(self.redis.url) as client:
            for _ in range(600):
                if process.poll() is not None:
                    log = (self.folder / "processes.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the worker did not start:\n{log}")
                blocked = int(client.info("clients")["blocked_clients"])
                if blocked and len(family(process.pid)) > children:
                    return
                time.sleep(0.05)
        raise RuntimeError("the worker does not listen")

    def new_database(self) -> str:
        """Another empty database on the same server."""
        return self.postgres.create_database()


@contextmanager
def open_place(*, customers: int, register: dict[str, str] | None = None) -> Iterator[Place]:
    """Servers, register, filled source and schema; everything is gone at the end."""
    with open_folder() as folder:
        for name in ("postgres", "redis"):
            (folder / name).mkdir()
        postgres = PostgresServer(folder / "postgres", options=DURABLE)
        broker = RedisServer(folder / "redis", persist=True)
        shop_url, own = postgres.create_database(), postgres.create_database()
        key_file = folder / "keys.json"
        create_key_file(key_file)
        environ = {
            "VASTINE_REGISTER": str(shop.write_register(folder / "register", sources=register)),
            "VASTINE_DATA_DIR": str(folder / "var"),
            "VASTINE_DATABASE_URL": own,
            "VASTINE_BROKER_URL": broker.url,
            "VASTINE_KEY_FILE": str(key_file),
            "SHOP_URL": shop_url,
        }
        place = Place(folder, postgres, broker, shop_url, environ)
        try:
            if customers:
                shop.fill(shop_url, customers)
            engine = open_engine(own)
            upgrade(engine)
            engine.dispose()
            yield place
        finally:
            for process in list(place.started):
                place.end(process)
            broker.stop()
            postgres.stop()


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        with suppress(FileNotFoundError, ProcessLookupError):
            waiting += [int(n) for n in Path(f"/proc/{current}/task/{current}/children").read_text().split()]
            found.append(current)
    return found


def memory_mb(pid: int) -> tuple[float, float]:
    """(resident, proportional) megabytes of a process and its children; shared pages count once in the second."""
    resident = shared = 0.0
    for one in family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    resident += float(line.split()[1]) / 1024
                if line.startswith("Pss:"):
                    shared += float(line.split()[1]) / 1024
    return resident, shared


def high_water_mb(pid: str) -> float:
    """The most megabytes that a process was resident with since its program began."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell it")


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its children so far."""
    ticks = 0
    for one in family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(n) for n in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")
