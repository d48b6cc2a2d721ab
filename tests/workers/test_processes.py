"""The processes: everything in one, doors alone, and what refuses to start where it makes no sense."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.migrate import upgrade
from models.session import open_engine
from tests.composed import ROOT
from tests.processes import free_port
from tests.workers.conftest import Run
from tests.world import JANE, prepare
from workers.app import Process, attach, make_app
from workers.embedded import Doors, EmbeddedWorker
from workers.host import to_be_forked
from workers.schedule import BEAT
from workflows.messages import QUEUES, task_name
from workflows.settings import Settings

VASTINE = ROOT / ".venv" / "bin" / "vastine"
PATIENCE_S = 90.0


def wait_for(what: Callable[[], bool]) -> None:
    """Return once it is so; fail after a patience that only a broken program exhausts."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as got:
            return bool(got.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running(environ: dict[str, str], log: Path, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """`vastine ARGS` as a process, killed at the end if it is still there."""
    env = {"PATH": os.environ["PATH"], "HOME": str(log.parent), **environ}
    with log.open("wb") as out:
        process = subprocess.Popen([VASTINE, *args], env=env, stdout=out, stderr=out, cwd=log.parent)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_the_schedule_rings_only_for_tasks_there_are_and_never_piles_up() -> None:
    assert {entry["task"] for entry in BEAT.values()} <= {task_name(queue) for queue in QUEUES}
    for entry in BEAT.values():
        if isinstance(entry["schedule"], float):
            assert entry["options"]["expires"] <= 2 * entry["schedule"]


def test_messages_are_json_and_never_wait_for_a_result() -> None:
    conf = make_app(Settings.from_environ({})).conf
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result is True
    assert conf.result_backend is None


def test_a_worker_or_a_schedule_of_its_own_needs_a_broker(vastine: Run) -> None:
    for command in ("worker", "beat"):
        ran = vastine(command)
        assert (ran.code, "vastine up" in ran.err) == (3, True)


def test_everything_in_one_refuses_a_broker_of_its_own(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VASTINE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VASTINE_KEY_FILE", str(Path("keys.json").absolute()))
    ran = vastine("up")
    assert (ran.code, "vastine worker" in ran.err) == (3, True)


@pytest.mark.slow
def test_a_port_that_is_taken_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "web.log"
    with socket_on(port), running(environ, log, "web", "portal", "--port", str(port)) as process:
        assert process.wait(timeout=60) == 2
    said = log.read_text()
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said


@contextmanager
def socket_on(port: int) -> Iterator[None]:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()
        yield


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_up_answers_works_a_request_and_stops_when_told(environ: dict[str, str], vastine: Run, tmp_path: Path) -> None:
    portal, console = free_port(), free_port()
    ports = ("--portal-port", str(portal), "--console-port", str(console))
    with running(environ, tmp_path / "up.log", "up", *ports) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{portal}/healthz"))
        assert answers(f"http://127.0.0.1:{console}/healthz")
        assert answers(f"http://127.0.0.1:{portal}/en/")
        ask = ("request", "open", "--right", "access", "--identity", f"email={JANE}")
        reference = vastine(*ask, "--verified-by", "desk", "--as", "cleo", "--json").json["reference"]
        # Nobody rang here: the sweep of the process that is running finds it.
        wait_for(lambda: vastine("request", "show", reference, "--json").json["state"] == "closed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert "Traceback" not in (tmp_path / "up.log").read_text()
    assert "stopped" in (tmp_path / "up.log").read_text()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_door_alone_serves_and_stops_when_told(environ: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    with running(environ, tmp_path / "web.log", "web", "console", "--port", str(port)) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


@pytest.mark.slow
def test_a_postgresql_of_another_release_is_upgraded_by_hand_only(
    postgres_url: str, vastine: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VASTINE_DATABASE_URL", postgres_url)
    before = vastine("request", "list")
    assert (before.code, "vastine db upgrade" in before.err) == (3, True)
    assert vastine("check", "-q").code == 3
    assert vastine("db", "upgrade").code == 0
    assert vastine("db", "upgrade").code == 0
    assert vastine("request", "list", "--json").json == []
    assert vastine("check", "-q").code == 0


@pytest.mark.slow
def test_the_embedded_worker_works_what_is_rung_for(tmp_path: Path) -> None:
    from tests.world import open_world
    from workflows.adapters.clock import SystemClock

    environ = prepare(tmp_path)
    upgrade(open_engine(environ["VASTINE_DATABASE_URL"]))
    worlds = []

    def make(**parts: object) -> object:
        worlds.append(open_world(environ, clock=SystemClock(), **parts))
        return worlds[-1].rt

    worker = EmbeddedWorker(make, Settings.from_environ(environ))  # type: ignore[arg-type]
    worker.start()
    try:
        (world,) = worlds
        ident = world.open()
        wait_for(lambda: world.state(ident).value == "closed")
    finally:
        worker.stop()
        world.close()


def test_two_applications_in_one_process_do_not_hear_each_others_bells() -> None:
    told = Settings.from_environ({})
    first, second = make_app(told), make_app(told)
    attach(first, Process(told, first))
    second.finalize()
    assert not {name for name in second.tasks if name.startswith("vastine.")}


def test_forked_workers_share_what_was_built_but_not_a_name_nor_a_connection(environ: dict[str, str]) -> None:
    told = Settings.from_environ(environ)
    app = make_app(told)
    parent = to_be_forked(told)
    assert parent.sessions.kw["bind"].pool.checkedin() == 0
    process = Process(told, app, parent=parent)
    answers, tell = os.pipe()
    child = os.fork()
    if child == 0:
        process.forget()
        rt = process.runtime()
        os.write(tell, f"{rt.worker} {rt.connectors is parent.connectors} {process.runtime() is rt}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(answers, 1000).decode() == f"{parent.worker.rpartition(':')[0]}:{child} True True"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_doors_in_one_service_stay_apart_whatever_the_caller_says(environ: dict[str, str], tmp_path: Path) -> None:
    portal, console = free_port(), free_port()
    arguments = ("web", "portal", "console", "--port", str(portal), "--port", str(console))
    with running(environ, tmp_path / "web.log", *arguments) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{console}/login"))
        assert answers(f"http://127.0.0.1:{portal}/fi/request")
        assert not answers(f"http://127.0.0.1:{portal}/login")
        assert not answers(f"http://127.0.0.1:{console}/fi/request")
        claimed = {"Host": f"127.0.0.1:{console}", "X-Forwarded-Port": str(console), "X-Forwarded-Host": "console"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{portal}/login", headers=claimed), timeout=5
            )
        assert refused.value.code in (400, 404)
        refused.value.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_doors_that_cannot_be_told_apart_are_refused(vastine: Run) -> None:
    assert vastine("web").code == 2
    assert vastine("web", "portal", "portal").code == 2
    assert vastine("web", "portal", "console", "--port", "9000", "--port", "9000").code == 2
    assert vastine("web", "portal", "--port", "9000", "--port", "9001").code == 2


def test_the_port_that_was_connected_to_decides_which_application_answers() -> None:
    doors = Doors({1: lambda *_: [b"portal"], 2: lambda *_: [b"console"]})
    assert doors({"SERVER_PORT": "1", "HTTP_HOST": "here:2"}, None) == [b"portal"]
    assert doors({"SERVER_PORT": "2"}, None) == [b"console"]
    with pytest.raises(KeyError):
        doors({"SERVER_PORT": "3"}, None)
