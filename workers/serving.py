"""A web server of this process, in threads of its own, that ends without cutting anybody off."""

import socket
import threading
from collections.abc import Callable
from typing import Any

from waitress.server import create_server

from workflows.errors import BadInput, Fault

WsgiApp = Callable[[Any, Any], Any]

#: The largest body that is read: a form with its attachments.
LARGEST_BODY = 30_000_000

#: How much of an answer waits in memory for a slow reader; the rest is not made before there is room for it.
MOST_WAITING = 1 << 20


class Server:
    """Waitress on one port. It listens from the start, so a port that is taken is told at once: raises `BadInput`."""

    def __init__(self, app: WsgiApp, *, host: str, port: int, threads: int = 8) -> None:
        try:
            listening = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024
            )
        except OSError as error:
            what = f"nobody can listen on {host}:{port} ({error.strerror})"
            raise BadInput([Fault("--port", what, "stop what listens there, or name another port")]) from None
        self._server = create_server(
            app,
            sockets=[listening],
            threads=threads,
            ident=None,
            # Whose word for a caller's address counts, the applications decide; without the header behind a proxy all
            # people would be one network, whose pace the first of them uses up.
            clear_untrusted_proxy_headers=False,
            max_request_body_size=LARGEST_BODY,
            outbuf_high_watermark=MOST_WAITING,
            outbuf_overflow=1 << 40,  # never: what overflows goes to a file, and answers hold people's data
        )
        self._loop = threading.Thread(target=self._server.run, daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on: the one asked for, or the free one that was found for 0."""
        return int(self._server.effective_port)

    def start(self) -> "Server":
        """Answer from now on, until `stop`."""
        self._loop.start()
        return self

    def stop(self) -> None:
        """Take no new work, let what is being answered end within 5 s, and close. Call it once."""
        # The sockets belong to the loop: closed from another thread they break the loop's select().
        self._in_the_loop(self._stop_listening)
        self._server.task_dispatcher.shutdown()
        self._in_the_loop(lambda: self._server.asyncore.close_all(self._server._map))  # noqa: SLF001  # it has no other door
        self._loop.join(timeout=10)

    def _stop_listening(self) -> None:
        self._server.del_channel()
        self._server.socket.close()

    def _in_the_loop(self, act: Callable[[], object]) -> None:
        done = threading.Event()

        def acted() -> None:
            try:
                act()
            finally:
                done.set()

        self._server.trigger.pull_trigger(acted)
        done.wait(timeout=10)
