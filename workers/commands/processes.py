"""`vastine up`, `web`, `worker`, `beat`: the processes."""

import gc
import os
from typing import Any

import click

from workers.host import runtime, settings, to_be_forked
from workers.speech import say
from workflows.errors import BadInput, Fault
from workflows.messages import QUEUES, WORK
from workflows.settings import Settings

PORTS = {"portal": 8080, "console": 8081}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--portal-port", default=8080, show_default=True)
@click.option("--console-port", default=8081, show_default=True)
def up(*, host: str, portal_port: int, console_port: int) -> None:
    """Portal, console, worker and schedule in one process: the embedded default."""
    from workers.embedded import EmbeddedWorker, wait_for_the_end, web_app  # noqa: PLC0415
    from workers.serving import Server  # noqa: PLC0415
    from workers.watching import Watch  # noqa: PLC0415
    from workflows.wiring import inboxes_of  # noqa: PLC0415

    told = _with_addresses(host, portal_port=portal_port, console_port=console_port)
    if not told.embedded:
        remedy = "use `vastine web`, `vastine worker` and `vastine beat`, or unset it"
        raise BadInput([Fault("VASTINE_BROKER_URL", "`up` is for the embedded default", remedy)], "bad_settings")
    worker = EmbeddedWorker(lambda **parts: runtime(given=told, **parts), told)
    servers = [
        Server(web_app("portal", worker.runtime), host=host, port=portal_port),
        Server(web_app("console", worker.runtime), host=host, port=console_port),
    ]
    for server in servers:
        server.start()
    worker.start()
    waiting = Watch(worker.runtime, inboxes_of(told))
    waiting.start()
    say(f"portal http://{host}:{portal_port}/   console http://{host}:{console_port}/   (stop with Ctrl-C)")
    wait_for_the_end()
    for server in servers:
        server.stop()
    waiting.stop()
    worker.stop()
    say("stopped")


def _with_addresses(host: str, *, portal_port: int, console_port: int) -> Settings:
    """The settings, with the addresses that are served here where no others are set: links in mails must work."""
    near = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104  # compared, not bound
    own = {"VASTINE_PUBLIC_URL": portal_port, "VASTINE_CONSOLE_URL": console_port}
    unset = {n: f"http://{near}:{port}" for n, port in own.items() if not {n, f"{n}_FILE"} & os.environ.keys()}
    return settings({**os.environ, **unset})


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(list(PORTS)))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", "ports", type=int, multiple=True, help="8080 for the portal, 8081 for the console; as named.")
@click.option("--processes", default=1, show_default=True)
@click.option("--threads", default=8, show_default=True)
def web(*, names: tuple[str, ...], host: str, ports: tuple[int, ...], processes: int, threads: int) -> None:
    """Serve portal, console or both, for production behind a proxy that speaks TLS.

    With a broker gunicorn does it; in the embedded default a single process that only this machine reaches.
    """
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415

    from workers.app import make_app  # noqa: PLC0415
    from workers.embedded import Doors, web_app  # noqa: PLC0415
    from workflows.adapters.broker import CeleryBell  # noqa: PLC0415

    told = settings()
    doors = _ports_of(names, ports)
    if told.embedded:
        _serve_here(doors, told, host=host)
        return
    options = {
        "bind": [f"{host}:{port}" for port in doors.values()],
        "workers": processes,
        "threads": threads,
        "worker_class": "gthread",
        "timeout": 60,
        "accesslog": None,
        "loglevel": "warning",
        "proc_name": f"vastine-{'-'.join(doors)}",
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: PTH112, S108
        "control_socket_disable": True,
    }
    rt = to_be_forked(told, bell=CeleryBell(make_app(told)))
    app = Doors({port: web_app(name, rt) for name, port in doors.items()})
    share_memory()

    class Served(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in options.items():
                if key in self.cfg.settings:
                    self.cfg.set(key, value)

        def load(self) -> Any:
            return app

    for name, port in doors.items():
        say(f"{name} on http://{host}:{port}/")
    Served().run()


def _ports_of(names: tuple[str, ...], ports: tuple[int, ...]) -> dict[str, int]:
    """The port of each door, in the order in which they were named. Raises `BadInput`."""
    if len(ports) > len(names):
        raise BadInput([Fault("--port", "there are more ports than names", "give one for each name, in order")])
    doors = {name: PORTS[name] for name in names} | dict(zip(names, ports, strict=False))
    if len(set(doors.values())) < len(names):
        raise BadInput([Fault("--port", "two doors can't share a port", "name each door once, each with its own port")])
    return doors


@click.command()
@click.option("-Q", "--queues", default=",".join(QUEUES), help="Which kinds of work, by comma.")
@click.option("-c", "--concurrency", default=2, show_default=True)
def worker(*, queues: str, concurrency: int) -> None:
    """A Celery worker: does the work the database says is due, whenever a bell rings."""
    from workers.app import Process, attach, make_app  # noqa: PLC0415
    from workflows.adapters.broker import CeleryBell  # noqa: PLC0415

    told = settings()
    _needs_broker(told)
    chosen = tuple(q.strip() for q in queues.split(",") if q.strip())
    unknown = [q for q in chosen if q not in QUEUES]
    if unknown:
        raise BadInput([Fault("-Q", f"no such queue: {', '.join(unknown)}", f"choose from {', '.join(QUEUES)}")])
    app = make_app(told)
    process = Process(told, app, parent=to_be_forked(told, bell=CeleryBell(app)))
    process.kinds = tuple(q for q in chosen if q in WORK)
    attach(app, process)
    share_memory()
    say(f"worker on {', '.join(chosen)}")
    app.worker_main(
        [
            "worker",
            "-Q",
            ",".join(chosen),
            "-c",
            str(concurrency),
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


@click.command()
def beat() -> None:
    """The schedule: rings for the sweeps. Two of them do no harm, none only delays."""
    from workers.app import make_app  # noqa: PLC0415

    told = settings()
    _needs_broker(told)
    app = make_app(told)
    told.data_dir.mkdir(parents=True, exist_ok=True)
    say("schedule running")
    app.start(["beat", "--loglevel", "WARNING", "-s", str(told.data_dir / "beat-schedule"), "--pidfile", ""])


def _serve_here(doors: dict[str, int], told: Any, *, host: str) -> None:
    """Doors in this process alone: another process of this machine does the work, such as `vastine work`."""
    from workers.embedded import wait_for_the_end, web_app  # noqa: PLC0415
    from workers.serving import Server  # noqa: PLC0415

    rt = runtime(given=told)
    servers = [Server(web_app(name, rt), host=host, port=port) for name, port in doors.items()]
    for server in servers:
        server.start()
    for name, port in doors.items():
        say(f"{name} on http://{host}:{port}/")
    say("(stop with Ctrl-C)")
    wait_for_the_end()
    for server in servers:
        server.stop()
    say("stopped")


def share_memory() -> None:
    """Before a fork: what is loaded by now is never looked through again, so that the children go on sharing it."""
    gc.collect()
    gc.freeze()


def _needs_broker(told: Any) -> None:
    if told.embedded:
        remedy = "set it to redis://…, or use `vastine up`"
        raise BadInput([Fault("VASTINE_BROKER_URL", "a worker of its own needs a broker", remedy)], "bad_settings")
