"""A server of this process: what it was answering is answered, and nothing of it stays."""

import http.client
import threading
from typing import Any

import pytest
from flask import Request

from webhooks.security import client_network
from workers.serving import Server
from workflows.errors import BadInput


def hello(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def asked(server: Server) -> http.client.HTTPConnection:
    """A connection that has asked and not read its answer yet; browsers keep such a line open."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    line.request("GET", "/")
    return line


def test_what_is_being_answered_ends_before_the_server_does() -> None:
    came, may_end = threading.Event(), threading.Event()

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        came.set()
        may_end.wait(timeout=20)
        return hello(environ, start_response)

    server = Server(slow, host="127.0.0.1", port=0).start()
    line = asked(server)
    assert came.wait(timeout=20)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    may_end.set()
    assert line.getresponse().read() == b"hello"
    stopping.join(timeout=20)
    assert not stopping.is_alive()
    line.close()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_stopping_breaks_no_thread_and_leaves_none() -> None:
    before = set(threading.enumerate())
    for _ in range(20):
        server = Server(hello, host="127.0.0.1", port=0, threads=2).start()
        line = asked(server)
        assert line.getresponse().read() == b"hello"
        server.stop()
        line.close()
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(timeout=20)
    assert not [thread for thread in left if thread.is_alive()]


def test_people_behind_a_proxy_are_told_apart() -> None:
    seen: list[str] = []

    def whose(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(client_network(Request(environ), "https://portal.example"))
        return hello(environ, start_response)

    server = Server(whose, host="127.0.0.1", port=0).start()
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for address in ("203.0.113.7", "198.51.100.9"):
        line.request("GET", "/", headers={"X-Forwarded-For": address})
        line.getresponse().read()
    line.close()
    server.stop()
    assert seen == ["203.0.113.7", "198.51.100.9"]


def test_nobody_is_let_in_after_the_end() -> None:
    server = Server(hello, host="127.0.0.1", port=0).start()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        asked(server)


def test_a_port_that_is_taken_is_told_at_once() -> None:
    server = Server(hello, host="127.0.0.1", port=0).start()
    with pytest.raises(BadInput, match="nobody can listen"):
        Server(hello, host="127.0.0.1", port=server.port)
    server.stop()
