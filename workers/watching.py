"""Waiting for mail: one thread a mailbox, on a connection of its own, so that mail is read when it comes.

Nothing depends on it. The schedule reads every mailbox too; where waiting fails, mail is only read later.
"""

import random
import threading
from collections.abc import Mapping

import structlog

from workflows.adapters.mailbox import ImapInbox
from workflows.errors import TryAgain
from workflows.mailroom import poll_one
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.watching")

_WAIT_SECONDS = 1500.0  # servers may forget a connection that waits for half an hour. Source: RFC 2177
_POLL_SECONDS = 30.0
_LONGEST_PAUSE = 300.0


class Watch:
    """Threads that wait in every mailbox until they are stopped."""

    def __init__(self, rt: Runtime, inboxes: Mapping[str, ImapInbox]) -> None:
        self._rt, self._inboxes = rt, inboxes
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to wait; returns at once."""
        for n, (name, inbox) in enumerate(self._inboxes.items()):
            thread = threading.Thread(target=self._watch, args=(name, inbox), name=f"vastine-mail-{n}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop waiting; a mail that is being taken in is taken in."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)
        for inbox in self._inboxes.values():
            inbox.close()

    def _watch(self, name: str, inbox: ImapInbox) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                poll_one(self._rt, name, inbox)
                failures = 0
                if not inbox.wait(_WAIT_SECONDS, stop=self._stop.is_set):
                    self._stop.wait(_POLL_SECONDS)  # a server that can't tell us is asked
            except TryAgain:  # noted by whoever read it
                failures += 1
                self._pause(failures)
            except Exception as error:  # noqa: BLE001 - a thread that ends would leave its mailbox to the schedule alone
                failures += 1
                log.warning("watch.failed", error=type(error).__name__)
                self._pause(failures)

    def _pause(self, failures: int) -> None:
        longest = min(_LONGEST_PAUSE, 2.0**failures)
        self._stop.wait(longest * random.uniform(0.5, 1.0))  # noqa: S311  # to spread callers, nothing secret
