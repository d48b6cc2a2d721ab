"""How much memory do the web processes and two workers take while nothing happens?"""

import socket
import time
import urllib.request
from contextlib import suppress

from bench.place import Place, memory_mb
from bench.report import Report
from tests.processes import free_port


def measure(place: Place) -> Report:
    """Both doors and a worker with two processes, at rest; then each door as a service of its own. In megabytes."""
    report = Report("Memory while nothing happens")
    both = _at_rest(place, {"web": ("portal", "console")})
    report.add("web (portal and console) and two workers, pages they share counted once", sum(both[1]), "MB", aim=350)
    report.add("the same, sum of resident", sum(both[0]), "MB")
    apart = _at_rest(place, {"portal": ("portal",), "console": ("console",)})
    report.add("portal, console and worker as three services, pages they share counted once", sum(apart[1]), "MB")
    for name, resident, shared in zip(("portal", "console", "worker"), *apart, strict=True):
        report.add(f"{name}, resident", resident, "MB", told=f"proportional {shared:.0f} MB")
    return report


def _at_rest(place: Place, services: dict[str, tuple[str, ...]]) -> tuple[list[float], list[float]]:
    """(resident, proportional) of each service, and of the worker last."""
    running, ports = [], []
    for doors in services.values():
        own = [free_port() for _ in doors]
        running.append(place.vastine("web", *doors, *(a for port in own for a in ("--port", str(port)))))
        ports += own
    running.append(place.vastine("worker", "-c", "2"))
    place.wait_for_worker(running[-1])
    for port in ports:
        _visit(port)
    time.sleep(2)
    assert all(process.poll() is None for process in running), "a service does not run"
    found = [memory_mb(process.pid) for process in running]
    for process in running:
        place.end(process)
    return [resident for resident, _ in found], [shared for _, shared in found]


def _visit(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.05)
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        answer.read()
