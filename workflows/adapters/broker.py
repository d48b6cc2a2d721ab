"""The bell: a Celery message that says "there is work of this kind", sent by a thread of its own.

Whoever rings never waits for the broker, frozen or gone; what could not be sent is the sweep's to find.
"""

import atexit
import os
import threading
import time
from typing import Any

import structlog
from celery import Celery
from kombu import Connection

_SILENT_SECONDS = 5.0
_SOCKET_SECONDS = 1.0
_PAUSE_SECONDS = 0.1

_log = structlog.get_logger("vastine.bell")


class NullBell:
    """`Bell` where nobody listens: the sweep finds the work."""

    def ring(self, kind: str, step_id: str) -> None:
        """Nothing."""


class CeleryBell:
    """`Bell` over Celery: task `vastine.<kind>` on queue `<kind>`, with the step's id as a hint and nothing else.

    Whoever hears a ring does all that is due, so rings of a kind in quick succession are one: the first goes out
    at once, those after it together as soon as the pause is over, none is left out. After a failure it stays
    silent for some seconds, so that a broker in trouble is not knocked at for each step.
    """

    def __init__(self, app: Celery, *, silent_seconds: float = _SILENT_SECONDS) -> None:
        self._app = app
        self._silent_seconds = silent_seconds
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: dict[str, str] = {}  # kind → step's id
        self._rung_at: dict[str, float] = {}
        self._sending = False
        self._hurried = 0  # how many wait for all to be sent
        self._thread: threading.Thread | None = None
        self._silent_until = 0.0
        self._producer: Any = None
        # Not connected yet; but its transport is imported now, which a process that is ending can't do.
        self._connection: Connection | None = self._new_connection()

    def ring(self, kind: str, step_id: str) -> None:
        """Note the ring and return at once; never raises."""
        if self._pid != os.getpid():
            self._forget_parent()
        if time.monotonic() < self._silent_until:
            return
        with self._changed:
            self._waiting[kind] = step_id
            if self._thread is None:
                self._thread = threading.Thread(target=self._publish, name="vastine-bell", daemon=True)
                self._thread.start()
                atexit.register(self.flush)  # a command that ends at once still rings
            self._changed.notify_all()

    def flush(self, timeout_seconds: float = 1.0) -> bool:
        """Wait until all rings are sent or given up, at most so long; done by itself when a process ends."""
        if self._pid != os.getpid():
            return True
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not (self._waiting or self._sending), timeout_seconds)
            finally:
                self._hurried -= 1

    def _forget_parent(self) -> None:
        """A forked worker has the parent's memory, but neither its thread nor the right to its socket."""
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting, self._rung_at, self._sending, self._hurried = {}, {}, False, 0
        self._thread = self._producer = self._connection = None
        self._silent_until = 0.0

    def _publish(self) -> None:
        while True:
            with self._changed:
                while (kind := self._next()) is None:
                    self._changed.wait(self._pause())
                step_id, self._sending = self._waiting.pop(kind), True
            try:
                self._send(kind, step_id)
            except Exception as error:  # noqa: BLE001  # whatever it is, losing a ring loses nothing
                self._give_up(error)
                continue
            with self._changed:
                self._rung_at[kind], self._sending = time.monotonic(), False
                self._changed.notify_all()

    def _next(self) -> str | None:
        """The kind to ring for now, the one that waits longest first."""
        over = time.monotonic() - _PAUSE_SECONDS
        return next((k for k in self._waiting if self._hurried or self._rung_at.get(k, over) <= over), None)

    def _pause(self) -> float | None:
        """Seconds until one that waits may be rung for; None while none waits."""
        due = [self._rung_at[k] + _PAUSE_SECONDS for k in self._waiting]
        return max(min(due) - time.monotonic(), 0) if due else None

    def _send(self, kind: str, step_id: str) -> None:
        if self._producer is None:
            self._connection = self._connection or self._new_connection()
            self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)
        self._app.send_task(
            f"vastine.{kind}",
            kwargs={"hint": step_id},
            # Named by its queue alone, a message goes through the nameless exchange: one command and no look-up.
            queue=kind,
            producer=self._producer,
            serializer="json",
            retry=False,
            ignore_result=True,
        )

    def _new_connection(self) -> Connection:
        conf = self._app.conf
        return Connection(
            conf.broker_write_url or conf.broker_url,
            ssl=conf.broker_use_ssl,
            connect_timeout=_SOCKET_SECONDS,
            transport_options=dict(conf.broker_transport_options or {}) | _bounded(),
        )

    def _give_up(self, error: Exception) -> None:
        """Drop what waits and be silent for a while."""
        _log.warning("bell_not_rung", error=type(error).__name__)
        connection, self._connection, self._producer = self._connection, None, None
        with self._changed:
            self._silent_until = time.monotonic() + self._silent_seconds
            self._waiting.clear()
            self._sending = False
            self._changed.notify_all()
        if connection is not None:
            try:
                connection.release()
            except Exception as closing:  # noqa: BLE001  # a broken connection may break again when closed
                _log.debug("bell_not_closed", error=type(closing).__name__)


def _bounded() -> dict[str, Any]:
    """Options of the Redis transport: no wait without an end, nothing tried twice."""
    return {
        "socket_timeout": _SOCKET_SECONDS,
        "socket_connect_timeout": _SOCKET_SECONDS,
        "retry_on_timeout": False,
        "max_retries": 0,
    }


__all__ = ["CeleryBell", "NullBell"]
