"""Every bell has a task that hears it, a queue it travels on and a limit; and nothing else is in the tables."""

import inspect

import pytest
from celery import Celery

from workers.app import Process, attach, make_app
from workers.queues import LIMITS
from workflows.messages import QUEUES, task_name
from workflows.settings import Settings


@pytest.fixture(scope="module")
def app() -> Celery:
    settings = Settings.from_environ({})
    made = make_app(settings)
    attach(made, Process(settings, made))
    made.finalize()
    return made


def ours(app: Celery) -> set[str]:
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_every_queue_has_its_task_and_every_task_its_queue(app: Celery) -> None:
    assert ours(app) == {task_name(queue) for queue in QUEUES}
    assert {name: route["queue"] for name, route in app.conf.task_routes.items()} == {
        task_name(queue): queue for queue in QUEUES
    }


def test_every_task_is_named_vastine(app: Celery) -> None:
    assert all(name.startswith("vastine.") for name in ours(app))


def test_every_queue_has_limits_and_the_soft_one_comes_first() -> None:
    assert set(LIMITS) == set(QUEUES)
    assert all(limits.soft_seconds < limits.hard_seconds for limits in LIMITS.values())


def test_what_beat_rings_is_heard(app: Celery) -> None:
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= ours(app)


def test_redis_carries_json_and_no_results(app: Celery) -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_ignore_result
    assert app.conf.result_backend is None
    assert app.conf.worker_enable_remote_control is False


def test_a_bell_rung_by_name_alone_is_answered(app: Celery) -> None:
    # A bell may carry a hint or nothing: no task may need an argument.
    for name in ours(app):
        parameters = inspect.signature(app.tasks[name].run).parameters.values()
        assert [parameter.kind for parameter in parameters] == [inspect.Parameter.VAR_KEYWORD]
