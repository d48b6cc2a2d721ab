"""Can one network that sends forms without end push others out?

BENCH_FORMS: how many it sends, 10,000 by default.
"""

import http.client
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from urllib.parse import urlencode

from bench.intake import form, portal
from bench.place import Place
from bench.report import Report
from webhooks.intake.form import SENDING
from webhooks.security import Signer

FORMS = int(os.environ.get("BENCH_FORMS", "10000"))
_FLOODERS, _OTHERS = 6, 2
_CALM_FORMS = 200
_NETWORK = "203.0.113.7"
_PAUSE = 0.02
"""Between two forms of one of the others: people do not send them back to back."""


def measure(place: Place) -> Report:
    """Forms of people elsewhere before and during the flood: how long they take, and whether any is refused."""
    here = place.behind_proxy()
    report = Report(f"{FORMS} forms from one network, as fast as six callers can, and people elsewhere meanwhile")
    flood, other = _from_one_network(here), form(here)
    with portal(here) as port:
        left = count(1)
        calm = _others(port, other, while_=lambda: next(left) <= _CALM_FORMS)
        begun = time.monotonic()
        senders = [threading.Thread(target=flood.send, args=(port,)) for _ in range(_FLOODERS)]
        for sender in senders:
            sender.start()
        busy = _others(port, other, while_=lambda: any(sender.is_alive() for sender in senders))
        for sender in senders:
            sender.join()
        seconds = time.monotonic() - begun
    told = f"median {1000 * statistics.median(busy.times):.1f} ms, before the flood {1000 * _p99(calm.times):.1f} ms"
    report.add("forms of the flood answered", flood.answers.total() / seconds, "/s", told=f"{_FLOODERS} callers")
    # an hour may end while it lasts
    report.add("of them taken in", flood.answers[303], "", aim=2 * SENDING.most, told=f"{SENDING.most} an hour")
    report.add("of them refused with words", flood.answers[429], "", aim=FORMS - 2 * SENDING.most, at_least=True)
    report.add("of them answered otherwise", flood.answers.total() - flood.answers[303] - flood.answers[429], "", aim=0)
    report.add("forms of others taken in meanwhile", len(busy.times), "", told=f"{_OTHERS} callers")
    report.add("forms of others refused", calm.refused + busy.refused, "", aim=0)
    report.add("p99 of others meanwhile", 1000 * _p99(busy.times), "ms", told=told)
    report.notes.append("one portal process of eight threads on PostgreSQL; no worker runs")
    return report


class _Flood:
    """One network that stops at nothing: a fresh form each time, of one person after the other."""

    def __init__(self, signer: Signer) -> None:
        self._signer, self._number, self._lock = signer, 0, threading.Lock()
        self.answers: Counter[int] = Counter()

    def send(self, port: int) -> None:
        """Send until all are sent, over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (number := self._next()) <= FORMS:
            person = {"right": "access", "name": f"Nobody {number}", "email": f"nobody{number}@shop.example"}
            state = self._signer.sign({"nonce": f"flood-{os.getpid()}-{number}", **person, "message": "All of it."})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": _NETWORK}
            connection.request("POST", "/en/request/check", urlencode({"state": state, "go": "next"}), headers)
            answer = connection.getresponse()
            answer.read()
            with self._lock:
                self.answers[answer.status] += 1
        connection.close()

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


def _from_one_network(place: Place) -> _Flood:
    return _Flood(Signer(place.runtime(), "portal-form"))


class _Others:
    """What became of the forms of people elsewhere."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.refused = 0


def _others(port: int, send: Callable[[http.client.HTTPConnection], None], *, while_: Callable[[], bool]) -> _Others:
    found = _Others()

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while while_():
            begun = time.monotonic()
            try:
                send(connection)
                found.times.append(time.monotonic() - begun)
            except (RuntimeError, OSError, http.client.HTTPException):
                found.refused += 1
                connection.close()
            time.sleep(_PAUSE)
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(_OTHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
