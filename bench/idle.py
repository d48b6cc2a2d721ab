"""How much memory do the web processes and two workers take while nothing happens?"""

import socket
import time
import urllib.request
from contextlib import suppress

from bench.place import Place, memory_mb
from bench.report import Report
from tests.processes import free_port


def measure(place: Place) -> Report:
    """Portal, console, worker with two processes; resident megabytes."""
    report = Report("Memory while nothing happens")
    ports = {"portal": free_port(), "console": free_port()}
    running = {name: place.vastine("web", name, "--port", str(port)) for name, port in ports.items()}
    running["worker"] = place.vastine("worker", "-c", "2")
    place.wait_for_worker(running["worker"])
    for port in ports.values():
        _visit(port)
    time.sleep(2)
    total, proportional = 0.0, 0.0
    for name, process in running.items():
        if process.poll() is not None:
            report.notes.append(f"✖ {name} does not run: left out of the sums")
            continue
        resident, shared = memory_mb(process.pid)
        report.add(f"{name}, resident", resident, "MB", told=f"proportional {shared:.0f} MB")
        total, proportional = total + resident, proportional + shared
    report.add("web and two workers, pages they share counted once", proportional, "MB", aim=350)
    report.add("web and two workers, sum of resident", total, "MB")
    for process in running.values():
        place.end(process)
    return report


def _visit(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.05)
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        answer.read()
