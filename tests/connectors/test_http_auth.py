"""How a service lets us in: every way is in a header, tokens are kept and renewed, secrets are in no message."""

import base64
import logging
from collections.abc import Iterator

import pytest

from tests.connectors.service import TICKETS, collected, service
from tests.http_source import ANNA, HttpSource, running
from workflows.connectors.http import HttpConnector
from workflows.errors import BadInput, NeverAgain

WAYS = {
    "bearer": ({"bearer": {"token": {"env": "TOKEN"}}}, "authorization", "Bearer token-0"),
    "basic": (
        {"basic": {"user": "vastine", "password": {"env": "SECRET"}}},
        "authorization",
        "Basic " + base64.b64encode(b"vastine:s3cret").decode(),
    ),
    "api_key": ({"api_key": {"header": "X-Own-Key", "key": {"env": "KEY"}}}, "x-own-key", "k3y"),
}


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def with_tokens(source: HttpSource, **more: str) -> HttpConnector:
    oauth2 = {"token_url": f"{source.url}/token", "client_id": "vast:ine", "client_secret": {"env": "SECRET"}, **more}
    return service(source, {"tickets": TICKETS}, auth={"oauth2": oauth2})


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_is_a_header_and_never_part_of_the_url(http_source: HttpSource, way: str) -> None:
    auth, name, value = WAYS[way]
    service(http_source, auth=auth).health()
    (call,) = http_source.calls
    assert call.headers[name] == value
    assert call.query == {}


def test_a_token_is_asked_for_once_and_kept(http_source: HttpSource) -> None:
    connector = with_tokens(http_source, scope="erase", audience="house")
    assert len(collected(connector, email=ANNA)) == 3
    connector.health()
    assert http_source.tokens == 1
    (asked,) = http_source.made("POST", "/token")
    assert "grant_type=client_credentials" in asked.body
    assert "scope=erase" in asked.body
    assert "s3cret" not in asked.body
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"vast%3Aine:s3cret"


def test_the_clients_secret_may_be_wanted_in_the_form(http_source: HttpSource) -> None:
    with_tokens(http_source, client_auth="post").health()
    (asked,) = http_source.made("POST", "/token")
    assert "client_secret=s3cret" in asked.body
    assert "authorization" not in asked.headers


def test_a_token_that_was_taken_back_is_renewed_once(http_source: HttpSource) -> None:
    connector = with_tokens(http_source)
    connector.health()
    http_source.bearer = "taken back"
    connector.health()
    assert http_source.tokens == 2
    http_source.once("GET /health", lambda handler: handler.reply(401, {}), times=2)
    with pytest.raises(NeverAgain, match="not_authorised"):
        connector.health()
    assert http_source.tokens == 3


def test_a_token_that_has_ended_is_not_used(http_source: HttpSource) -> None:
    http_source.expires_in = 10
    connector = with_tokens(http_source)
    connector.health()
    connector.health()
    assert http_source.tokens == 2


@pytest.mark.parametrize(
    "told", [{}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a", "token_type": "mac"}]
)
def test_an_answer_without_a_token_is_told(http_source: HttpSource, told: dict[str, object]) -> None:
    http_source.once("POST /token", lambda handler: handler.reply(200, told))
    with pytest.raises(NeverAgain, match="no_token"):
        with_tokens(http_source).health()


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "ä", "a\x00"])
def test_a_token_that_would_break_a_header_is_not_sent(http_source: HttpSource, token: str) -> None:
    http_source.once("POST /token", lambda handler: handler.reply(200, {"access_token": token}))
    with pytest.raises(NeverAgain, match="bad_secret"):
        with_tokens(http_source).health()


def test_a_secret_that_is_not_there_is_named_when_the_source_is_made(http_source: HttpSource) -> None:
    with pytest.raises(BadInput, match="env GONE"):
        service(http_source, auth={"bearer": {"token": {"env": "GONE"}}})


def test_neither_secrets_nor_people_reach_the_log(http_source: HttpSource, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    collected(with_tokens(http_source), email=ANNA)
    said = caplog.text + repr([record.args for record in caplog.records])
    assert not any(word in said for word in ("anna", "s3cret", "token-1"))
