"""Is a form taken in as fast with Redis dead and no worker, and at a third of the speed of a bare commit?

BENCH_SECONDS: how long each is measured, 10 by default; 60 is what is promised.
"""

import http.client
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import urlencode

from bench.place import Place
from bench.report import Report
from models.migrate import upgrade
from models.session import open_engine
from tests.processes import free_port
from webhooks.security import Signer

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
_WARM_SECONDS = 2.0
_CALM, _BUSY = 2, 8
_NUMBERS = count(1)
Send = Callable[[http.client.HTTPConnection], None]


def measure(place: Place) -> Report:
    """p99 of a form with all alive and with Redis dead and no worker, in turns; then throughput beside a bare route."""
    report = Report("Forms taken in: the portal beside a bare Flask route that commits one row, one process each")
    for name, here in (("PostgreSQL", place.behind_proxy()), ("SQLite", _on_sqlite(place))):
        alive, dead = _latencies(here)
        report.add(f"p99 with all alive, {name}", 1000 * _p99(alive), "ms", told=_told(alive))
        report.add(f"p99 with Redis dead and no worker, {name}", 1000 * _p99(dead), "ms", told=_told(dead))
        report.add(f"the second ÷ the first, {name}", _p99(dead) / _p99(alive), "×", aim=1.2)
        bare, forms = _rates(here)
        report.add(f"bare commits, {name}", bare, "/s", told=f"{_BUSY} callers, {SECONDS:.0f} s")
        report.add(f"forms, {name}", forms, "/s", told="Redis alive, no worker")
        report.add(f"forms ÷ bare commits, {name}", forms / bare, "×", aim=1 / 3, at_least=True)
    report.notes.append(f"{SECONDS:.0f} s each; preliminary below 60 s or on a machine that others use")
    return report


def _on_sqlite(place: Place) -> Place:
    url = f"sqlite:///{place.folder / 'intake.db'}"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    here = place.behind_proxy()
    return replace(here, environ={**here.environ, "VASTINE_DATABASE_URL": url})


def _latencies(place: Place) -> tuple[list[float], list[float]]:
    """Seconds of each form with all alive, and with Redis dead and no worker; two turns of each."""
    found: dict[bool, list[float]] = {True: [], False: []}
    send = form(place)
    for alive in (True, False, True, False):
        place.empty_broker()  # of the turn before: a worker that is behind does not listen
        worker = place.vastine("worker", "-c", "1") if alive else None
        if worker is not None:
            place.wait_for_worker(worker, children=1)
        else:
            place.redis.stop()
        with portal(place) as port:
            found[alive] += _load(port, send, callers=_CALM, seconds=SECONDS / 2)
        if worker is not None:
            place.end(worker)
        else:
            place.redis.start()
    return found[True], found[False]


def _rates(place: Place) -> tuple[float, float]:
    """Bare commits and forms a second, from as many callers as there are threads."""
    port = free_port()
    bare = place.start("-m", "bench.bare", str(port), place.database_url)
    _wait_for(port)
    commits = _load(port, _bare, callers=_BUSY, seconds=SECONDS)
    place.end(bare)
    with portal(place) as port:
        forms = _load(port, form(place), callers=_BUSY, seconds=SECONDS)
    return len(commits) / SECONDS, len(forms) / SECONDS


@contextmanager
def portal(place: Place) -> Iterator[int]:
    """The portal in a process of its own; its port."""
    port = free_port()
    process = place.vastine("web", "portal", "--port", str(port))
    _wait_for(port)
    yield port
    place.end(process)


def _wait_for(port: int) -> None:
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("nobody listens")


def form(place: Place) -> Send:
    """Send one form, as its last page does: signed by the portal's own key, each of another person elsewhere."""
    rt = place.runtime()
    signer = Signer(rt, "portal-form")

    def send(connection: http.client.HTTPConnection) -> None:
        n = next(_NUMBERS)
        person = {"right": "access", "name": f"Person {n}", "email": f"person{n}@shop.example"}
        state = signer.sign({"nonce": f"bench-{os.getpid()}-{n}", **person, "message": "All of it."})
        address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        _post(connection, "/en/request/check", {"state": state, "go": "next"}, {"X-Forwarded-For": address})

    return send


def _bare(connection: http.client.HTTPConnection) -> None:
    _post(connection, "/", {"message": "All of it."}, {})


def _post(connection: http.client.HTTPConnection, path: str, fields: dict[str, str], headers: dict[str, str]) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, urlencode(fields), {**kind, **headers})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 303:
        raise RuntimeError(f"not taken: {answer.status}")


def _load(port: int, send: Send, *, callers: int, seconds: float) -> list[float]:
    """Seconds that each call took; what was sent to warm up does not count."""
    start = time.monotonic() + _WARM_SECONDS
    end = start + seconds
    found: list[list[float]] = [[] for _ in range(callers)]
    failed: list[Any] = []

    def call(mine: list[float]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            while (begun := time.monotonic()) < end:
                send(connection)
                if begun >= start:
                    mine.append(time.monotonic() - begun)
        except Exception as error:  # noqa: BLE001 - told by whoever started it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return [one for mine in found for one in mine]


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _told(values: list[float]) -> str:
    return f"{len(values)} forms, median {1000 * statistics.median(values):.1f} ms, {_CALM} callers"
