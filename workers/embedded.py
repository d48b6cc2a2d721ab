"""The embedded edition: portal, console, Celery worker and schedule as threads of one process."""

import signal
import threading
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

import structlog
from celery import Celery
from celery.exceptions import SecurityWarning

from workers.app import Process, attach, make_app
from workers.schedule import BEAT
from workers.serving import WsgiApp
from workflows.adapters.broker import CeleryBell
from workflows.messages import QUEUES
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.embedded")


def web_app(name: str, rt: Runtime) -> WsgiApp:
    """The portal or the console, by the name it is registered under: workers know no web framework."""
    return load_web(name)(rt)


def load_web(name: str) -> Callable[[Runtime], WsgiApp]:
    """What makes the portal or the console; everything it needs is imported now."""
    (found,) = entry_points(group="vastine.apps", name=name)
    maker: Callable[[Runtime], WsgiApp] = found.load()
    return maker


class Doors:
    """One application for each port. The address that was connected to decides, nothing that a caller may say."""

    def __init__(self, apps: Mapping[int, WsgiApp]) -> None:
        self._apps = {str(port): app for port, app in apps.items()}

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer with the application of this port."""
        return self._apps[environ["SERVER_PORT"]](environ, start_response)


class EmbeddedWorker:
    """A Celery worker on `memory://` in threads of this process, and a thread that keeps the schedule."""

    def __init__(self, make_runtime: Callable[..., Runtime], settings: Any) -> None:
        self.app: Celery = make_app(settings)
        self.runtime = make_runtime(bell=CeleryBell(self.app))
        process = Process(settings, self.app)
        process.use(self.runtime)
        attach(self.app, process)
        self._stop = threading.Event()
        self._worker: Any = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start working; returns at once."""
        # Celery's warning is meant for workers that unpickle; ours read JSON, and this one nobody else can reach.
        warnings.filterwarnings("ignore", category=SecurityWarning, module="celery.platforms")
        self._worker = self.app.Worker(
            pool="threads",
            concurrency=2,
            queues=list(QUEUES),
            loglevel="ERROR",
            without_heartbeat=True,
            without_gossip=True,
            without_mingle=True,
            quiet=True,
        )
        self._go(self._worker.start, "vastine-worker")
        self._go(self._keep_time, "vastine-schedule")

    def _go(self, work: Callable[[], Any], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _keep_time(self) -> None:
        # A plain loop: the schedule only rings, and what it rings for looks at the database.
        every: Mapping[str, float] = {
            str(entry["task"]): float(entry["schedule"])
            for entry in BEAT.values()
            if isinstance(entry["schedule"], float | int)
        }
        nightly = [str(entry["task"]) for entry in BEAT.values() if not isinstance(entry["schedule"], float | int)]
        waited = dict.fromkeys(every, 0.0)
        last_night = None
        while not self._stop.is_set():
            for task, seconds in every.items():
                if waited[task] <= 0:
                    self.runtime.bell.ring(task.partition(".")[2], "")
                    waited[task] = seconds
                waited[task] -= 1
            today = self.runtime.today()
            if last_night is not None and last_night != today:
                for task in nightly:
                    self.runtime.bell.ring(task.partition(".")[2], "")
            last_night = today
            self._stop.wait(1.0)

    def stop(self) -> None:
        """Stop taking new work; what is running keeps its lease and is taken up again at the next start."""
        self._stop.set()
        if self._worker is not None:
            self._worker.stop()


def wait_for_the_end() -> None:
    """Block until SIGTERM or Ctrl-C."""
    ended = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ended.set())
    ended.wait()
