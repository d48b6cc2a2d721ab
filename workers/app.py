"""The Celery application: JSON bells, one queue a kind of work, nothing else in the broker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from workers.queues import LIMITS
from workers.schedule import BEAT
from workflows.adapters.broker import CeleryBell
from workflows.messages import QUEUES, task_name
from workflows.runtime import Runtime
from workflows.settings import Settings
from workflows.wiring import build, process_name


class Process:
    """This process's runtime, had when the first task needs it: built then, or what `parent` left to its children."""

    def __init__(
        self,
        settings: Settings,
        app: Celery,
        make: Callable[..., Runtime] = build,
        *,
        parent: Runtime | None = None,
    ) -> None:
        self._settings, self._app, self._make, self._parent = settings, app, make, parent
        self._runtime: Runtime | None = None
        self.kinds: tuple[str, ...] = ()

    def runtime(self) -> Runtime:
        """The runtime of this process."""
        if self._runtime is None and self._parent is not None:
            self._runtime = replace(self._parent, worker=process_name())
        elif self._runtime is None:
            self._runtime = self._make(self._settings, bell=CeleryBell(self._app))
        return self._runtime

    def forget(self, **_: Any) -> None:
        """After a fork: what the parent opened is the parent's, and so is its name."""
        self._runtime = None

    def use(self, runtime: Runtime) -> None:
        """Share a runtime that exists already: the embedded worker is a thread of the same process."""
        self._runtime = runtime


def make_app(settings: Settings) -> Celery:
    """A Celery application for these settings; its tasks are in `workers.tasks`."""
    app = Celery("vastine", broker=settings.broker_url)
    embedded = settings.embedded
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,  # a bell is disposable: one that is lost is rung again by the sweep
        task_publish_retry=False,
        task_create_missing_queues=True,
        task_default_queue="sweep",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_max_tasks_per_child=None if embedded else 500,
        worker_max_memory_per_child=None if embedded else 600_000,
        worker_soft_shutdown_timeout=20,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"polling_interval": 0.02}
        if embedded
        else {
            "socket_timeout": 30,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "global_keyprefix": "vastine:",
        },
        task_routes={task_name(queue): {"queue": queue} for queue in QUEUES},
        task_annotations={
            task_name(queue): {
                "soft_time_limit": None if embedded else limits.soft_seconds,
                "time_limit": None if embedded else limits.hard_seconds,
                "rate_limit": limits.rate,
            }
            for queue, limits in LIMITS.items()
        },
        beat_schedule=BEAT,
        timezone="UTC",
    )
    return app


def attach(app: Celery, process: Process) -> None:
    """Register the tasks of this application on this process."""
    from workers.tasks import register_tasks  # noqa: PLC0415  # tasks need the application they belong to

    register_tasks(app, process)
    worker_process_init.connect(process.forget, weak=False)
