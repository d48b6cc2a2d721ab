"""An event goes out signed, to an encrypted address or this machine, and never elsewhere."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from standardwebhooks.webhooks import Webhook

from workflows.connectors.hooks import SignedHooks
from workflows.errors import NeverAgain, SourceDown
from workflows.register.model import Secret
from workflows.register.recipients import Hook

SECRET = "whsec_c2VjcmV0LW9mLTMyLWJ5dGVzLXdpdGgtZW50cm9weSEh"
BODY = json.dumps({"type": "erasure.notice"}).encode()


class Taker:
    """A recipient's program on this machine."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taker.taken.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(taker.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def taker():
    made = Taker()
    yield made
    made.server.shutdown()
    made.server.server_close()


def hook(url, **more):
    return Hook(url=url, secret=Secret(env="HOOK_SECRET"), allow_private=True, **more)


def post(url, environ=None, **more):
    now = datetime.now(UTC)
    SignedHooks({"HOOK_SECRET": SECRET} if environ is None else environ).post(
        hook(url, **more), ident="n-1", at=now, body=BODY
    )


def test_an_event_carries_a_signature_that_the_standards_library_accepts(taker):
    post(taker.url)
    ((headers, body),) = taker.taken
    assert Webhook(SECRET).verify(body.decode(), headers) == {"type": "erasure.notice"}
    assert headers["webhook-id"] == "n-1"
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(body.decode() + " ", headers)


@pytest.mark.parametrize(("status", "error"), [(500, SourceDown), (400, NeverAgain), (302, NeverAgain)])
def test_what_a_recipient_does_not_take_is_told_as_such(taker, status, error):
    taker.status = status
    with pytest.raises(error):
        post(taker.url)


@pytest.mark.parametrize("environ", [{}, {"HOOK_SECRET": "whsec_YWFh"}, {"HOOK_SECRET": "plain"}])
def test_without_a_strong_secret_nothing_leaves(taker, environ):
    with pytest.raises(NeverAgain, match="hook_secret"):
        post(taker.url, environ)
    assert taker.taken == []


def test_nothing_goes_out_unencrypted_or_to_a_private_network_nobody_allowed():
    with pytest.raises(NeverAgain, match="not_encrypted"):
        post("http://agency.example/hook")
    private = Hook(url="https://127.0.0.1:1/hook", secret=Secret(env="HOOK_SECRET"))
    with pytest.raises(NeverAgain, match="private_address"):
        SignedHooks({"HOOK_SECRET": SECRET}).post(private, ident="n-1", at=datetime.now(UTC), body=BODY)
