"""The commands of docker-compose.yml, started as local processes against real PostgreSQL and Redis, do a request."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.composed import OURS, ROOT, Service, here, read_services
from tests.processes import ServerProcess, free_port
from workflows.adapters.keys import create_key_file

VASTINE = ROOT / ".venv" / "bin" / "vastine"
PATIENCE_S = 90

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONTROLLER = "name: Esimerkki Oy\n"
SHOP = """
source: shop
kind: sql
connection: {url: {env: VASTINE_SOURCE_SHOP}}
dataset:
  - fides_key: shop
    name: shop
    collections:
      - name: customer
        fields:
          - name: id
            data_categories: [user.unique_id]
            fides_meta: {primary_key: true}
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {identity: email}
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the processes share: every command as the file has it, in this machine's terms."""

    commands: Mapping[str, list[str]]
    environments: Mapping[str, dict[str, str]]
    addresses: Mapping[str, str]

    def run(self, service: str, *arguments: str) -> str:
        """Run one `vastine` command to its end as this service would, and return what it printed."""
        return run([str(VASTINE), *arguments], self.environments[service])


def run(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120, cwd="/")
    assert result.returncode == 0, f"{command[1:]} ended {result.returncode}: {result.stderr[-2000:]}"
    return result.stdout


def make_register(folder: Path) -> str:
    """The least register with one person in its only source; returns the source's URL."""
    (folder / "sources").mkdir(parents=True)
    (folder / "controller.yaml").write_text(CONTROLLER, encoding="utf-8")
    (folder / "sources" / "shop.yaml").write_text(SHOP, encoding="utf-8")
    url = f"sqlite:///{folder / 'shop.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT)"))
        connection.execute(text("INSERT INTO customer VALUES (1, 'aino@posti.example')"))
    engine.dispose()
    return url


def install(folder: Path, *, database_url: str, broker_url: str) -> Installation:
    services: dict[str, Service] = {name: service for name, service in read_services().items() if name in OURS}
    (folder / "secrets").mkdir()
    (folder / "secrets" / "database_url").write_text(database_url, encoding="utf-8")
    (folder / "secrets" / "broker_url").write_text(broker_url, encoding="utf-8")
    create_key_file(folder / "secrets" / "keys")
    shop_url = make_register(folder / "register")
    portal, console = str(free_port()), str(free_port())
    terms = {
        "/run/secrets": str(folder / "secrets"),
        "/etc/vastine/register": str(folder / "register"),
        "/var/lib/vastine": str(folder / "data"),
        "0.0.0.0": "127.0.0.1",
        "smtp://mail:1025": f"smtp://127.0.0.1:{free_port()}",
        "8000": portal,
        "8001": console,
    }
    kept = {"PATH": f"{VASTINE.parent}:{os.environ['PATH']}", "HOME": str(folder), "VASTINE_SOURCE_SHOP": shop_url}
    environments = {
        name: kept | dict(zip(service.environment, here(service.environment.values(), terms), strict=True))
        for name, service in services.items()
    }
    commands = {name: here(service.command, terms) for name, service in services.items()}
    assert all(command[0] == "vastine" for command in commands.values())
    commands = {name: [str(VASTINE), *command[1:]] for name, command in commands.items()}
    addresses = {name: here([services[name].health_address], terms)[0] for name in ("portal", "console")}
    return Installation(commands, environments, addresses)


def is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def installation(
    tmp_path: Path, fresh_postgres: Callable[[], str], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    for name in [name for name in os.environ if name.startswith("VASTINE_")]:
        monkeypatch.delenv(name)
    made = install(tmp_path, database_url=fresh_postgres(), broker_url=redis_url)
    run(made.commands["upgrade"], made.environments["upgrade"])
    with ExitStack() as stack:
        for name in ("portal", "console", "worker", "beat"):
            command = ["env", *[f"{key}={value}" for key, value in made.environments[name].items()]]
            process = ServerProcess(command + made.commands[name], log=tmp_path / f"{name}.log", last_signal="TERM")
            stack.callback(process.stop)
            address = made.addresses.get(name)
            process.start(lambda address=address: address is None or is_healthy(address))
        yield made


def wait_for(what: Callable[[], Any], *, until: str) -> Any:
    give_up_at = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < give_up_at, f"gave up waiting until {until}"
        time.sleep(0.5)
    return found


def test_the_composed_processes_are_healthy_and_a_worker_does_a_request(installation: Installation) -> None:
    installation.run("console", "user", "add", "testaaja", "--role", "caseworker")
    opened = installation.run(
        "console", "request", "open", "--right", "access", "--identity", "email=aino@posti.example",
        "--channel", "desk", "--verified-by", "desk", "--as", "testaaja", "--json",
    )  # fmt: skip
    reference = json.loads(opened)["reference"]

    def searched() -> list[dict[str, Any]]:
        shown = json.loads(installation.run("console", "request", "show", reference, "--json"))
        return [source for source in shown["sources"] if source["result"] == "found"]

    (source,) = wait_for(searched, until="a worker has searched the source")
    assert (source["source"], source["collections"]) == ("shop", {"customer": 1})
    assert all(is_healthy(address) for address in installation.addresses.values())
