"""The bell on a real Redis: heard when it answers, harmless when it does not."""

import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker

from tests.servers import RedisServer
from workflows.adapters.broker import CeleryBell

STEP = "0190f3c2-7d1e-7a4b-9c55-2f6f1b8a0d3e"


def an_app(url: str) -> Celery:
    app = Celery("vastine", broker=url, set_as_current=False)
    app.conf.update(task_ignore_result=True, accept_content=["json"])
    return app


def waiting(url: str, queue: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.llen(queue))


def test_a_ring_is_one_json_message_in_the_queue_of_its_kind(redis_url: str) -> None:
    bell = CeleryBell(an_app(redis_url))
    bell.ring("collect", STEP)
    assert bell.flush(10)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        (message,) = client.lrange("collect", 0, -1)
    assert '"task": "vastine.collect"' in message
    assert '"content-type": "application/json"' in message
    assert waiting(redis_url, "celery") == 0


def test_a_ring_costs_one_command_once_connected(redis_url: str) -> None:
    bell = CeleryBell(an_app(redis_url))
    bell.ring("collect", STEP)
    assert bell.flush(10)
    with redis.Redis.from_url(redis_url) as client:
        client.config_resetstat()
        for _ in range(10):
            bell.ring("collect", STEP)
            assert bell.flush(10)
        calls: Any = client.info("commandstats")
    assert calls["cmdstat_lpush"]["calls"] == 10
    assert set(calls) <= {"cmdstat_lpush", "cmdstat_config|resetstat", "cmdstat_client|setinfo", "cmdstat_select"}


def test_rings_of_a_kind_in_quick_succession_are_one_and_the_last_is_never_left_out(redis_url: str) -> None:
    bell = CeleryBell(an_app(redis_url))
    with redis.Redis.from_url(redis_url) as client:
        for n in range(200):
            bell.ring("collect", str(n))
            bell.ring("erase", str(n))
        for queue in ("collect", "erase"):
            for _ in range(200):
                _, message = client.brpop([queue], 4) or ("", b"")
                assert message, "the last ring was never sent"
                if b"{'hint': '199'}" in message:
                    break
        assert client.info("commandstats")["cmdstat_lpush"]["calls"] < 40


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["memory", "redis"])
def test_a_worker_hears_it(broker: str, request: pytest.FixtureRequest) -> None:
    app = an_app("memory://" if broker == "memory" else request.getfixturevalue("redis_url"))
    heard: list[str] = []
    done = threading.Event()

    @app.task(name="vastine.collect", shared=False)
    def collect(hint: str = "") -> None:
        heard.append(hint)
        done.set()

    bell = CeleryBell(app)
    app.amqp.queues.select(["collect"])
    with start_worker(app, pool="solo", perform_ping_check=False):
        bell.ring("collect", STEP)
        assert done.wait(20)
    assert heard == [STEP]


def test_a_frozen_redis_keeps_nobody_waiting_and_silence_follows(own_redis: Callable[..., RedisServer]) -> None:
    server = own_redis()
    bell = CeleryBell(an_app(server.url), silent_seconds=3600)
    bell.ring("collect", STEP)
    assert bell.flush(10)
    server.freeze()
    for _ in range(1000):
        bell.ring("collect", STEP)  # would take 1000 time-outs if any of them waited
    assert bell.flush(20)
    server.thaw()
    bell.ring("collect", STEP)  # dropped: it is silent now
    assert bell.flush(10)
    # What was sent into the frozen server's socket may still arrive; what came after may not.
    assert waiting(server.url, "collect") <= 2


def test_a_fresh_bell_on_a_frozen_redis_gives_up(own_redis: Callable[..., RedisServer]) -> None:
    server = own_redis()
    server.freeze()
    bell = CeleryBell(an_app(server.url))
    bell.ring("collect", STEP)
    assert bell.flush(20)
    server.thaw()


def test_a_killed_redis_is_rung_again_after_the_silence(own_redis: Callable[..., RedisServer]) -> None:
    server = own_redis()
    bell = CeleryBell(an_app(server.url), silent_seconds=0)
    bell.ring("collect", STEP)
    assert bell.flush(10)
    server.kill()
    bell.ring("collect", STEP)
    assert bell.flush(20)
    server.start()
    bell.ring("collect", STEP)
    assert bell.flush(10)
    assert waiting(server.url, "collect") == 1


def _ring_in_child(bell: CeleryBell) -> None:
    bell.ring("erase", STEP)
    if not bell.flush(10):
        raise SystemExit(1)


def test_a_forked_worker_rings_with_a_connection_of_its_own(redis_url: str) -> None:
    bell = CeleryBell(an_app(redis_url))
    bell.ring("collect", STEP)
    assert bell.flush(10)
    child = multiprocessing.get_context("fork").Process(target=_ring_in_child, args=(bell,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    bell.ring("collect", STEP)
    assert bell.flush(10)
    assert (waiting(redis_url, "erase"), waiting(redis_url, "collect")) == (1, 2)


def test_a_process_that_ends_at_once_has_rung(redis_url: str) -> None:
    program = """
import sys
from celery import Celery
from workflows.adapters.broker import CeleryBell
CeleryBell(Celery("vastine", broker=sys.argv[1])).ring("collect", "1")
"""
    subprocess.run([sys.executable, "-c", program, redis_url], check=True, timeout=60)
    assert waiting(redis_url, "collect") == 1


def test_a_broker_that_does_not_exist_is_no_error() -> None:
    bell = CeleryBell(an_app("redis://127.0.0.1:1/0"))
    bell.ring("collect", STEP)
    assert bell.flush(20)
