"""The servers that other tests rely on are real and fail when asked to."""

import smtplib
import socket
from collections.abc import Callable

import psycopg
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests import network_guard
from tests.mail_servers import ImapAccount, ImapServer, SmtpSink
from tests.servers import PostgresServer, RedisServer

pytest_plugins = ["pytester"]

MAIL = b"From: a@lahettaja.example\r\nTo: b@vastaaja.example\r\nSubject: hei\r\n\r\nPyynt\xc3\xb6\r\n"


@pytest.mark.slow
def test_two_fresh_postgres_databases_know_nothing_of_each_other(fresh_postgres: Callable[[], str]) -> None:
    first, second = fresh_postgres(), fresh_postgres()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE only_here (id int)")
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)


@pytest.mark.slow
def test_a_killed_postgres_comes_back_with_what_was_committed(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_database_url_is_empty_and_usable(database_url: str) -> None:
    from sqlalchemy import create_engine, inspect

    engine = create_engine(database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("_turn", [1, 2])
def test_the_shared_redis_is_empty_for_each_test(redis_url: str, _turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


@pytest.mark.slow
def test_a_frozen_redis_accepts_and_says_nothing_until_thawed(own_redis: Callable[..., RedisServer]) -> None:
    server = own_redis()
    with redis.Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client:
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.thaw()
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()


@pytest.mark.slow
@pytest.mark.parametrize("persist", [True, False])
def test_a_killed_redis_remembers_only_if_it_persists(own_redis: Callable[..., RedisServer], persist: bool) -> None:
    server = own_redis(persist=persist)
    with redis.Redis.from_url(server.url) as client:
        client.set("a", "b")
    server.kill()
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.exists("a") == int(persist)


@pytest.mark.slow
def test_an_appended_message_is_in_the_inbox_of_that_account_alone(imap_server: ImapAccount) -> None:
    imap_server.append(MAIL)
    assert [message.split(b"\n\n")[-1].strip() for message in imap_server.messages()] == ["Pyyntö".encode()]
    imap_server.empty()
    assert imap_server.messages() == []


@pytest.mark.slow
def test_an_imap_server_keeps_its_messages_over_a_restart(own_imap: ImapServer) -> None:
    account = own_imap.new_account()
    account.append(MAIL)
    own_imap.stop()
    with pytest.raises(ConnectionRefusedError):
        account.messages()
    own_imap.start()
    assert len(account.messages()) == 1


def send(sink: SmtpSink) -> None:
    with smtplib.SMTP(sink.host, sink.port, timeout=5) as client:
        client.sendmail("a@lahettaja.example", ["b@vastaaja.example"], MAIL)


def test_the_sink_keeps_the_envelope_and_the_very_bytes(smtp_sink: SmtpSink) -> None:
    send(smtp_sink)
    (got,) = smtp_sink.messages
    assert (got.sender, got.recipients) == ("a@lahettaja.example", ("b@vastaaja.example",))
    assert got.content.endswith(b"Pyynt\xc3\xb6\r\n")


def test_the_sink_refuses_a_recipient_for_now_or_for_good(smtp_sink: SmtpSink) -> None:
    for answer, code in (("451 4.7.1 later", 451), ("550 5.1.1 nobody", 550)):
        smtp_sink.recipient_answer = answer
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(smtp_sink)
        assert refused.value.recipients["b@vastaaja.example"][0] == code
    assert smtp_sink.messages == []


def test_the_sink_refuses_the_message_itself(smtp_sink: SmtpSink) -> None:
    smtp_sink.data_answer = "554 5.7.1 no"
    with pytest.raises(smtplib.SMTPDataError):
        send(smtp_sink)
    assert smtp_sink.messages == []


def test_the_sink_hangs_up_after_the_data_and_has_the_message(smtp_sink: SmtpSink) -> None:
    smtp_sink.drop_after_data = True
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_sink)
    assert len(smtp_sink.messages) == 1


def test_a_connection_to_elsewhere_is_refused_and_noticed() -> None:
    with pytest.raises(ConnectionRefusedError), socket.socket() as outward:
        outward.connect(("192.0.2.1", 80))
    assert network_guard.attempts == ["192.0.2.1:80"]
    network_guard.attempts.clear()  # else this very test would fail, as the next one shows


def test_a_test_that_swallows_the_refusal_fails_all_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        conftest="from tests.conftest import *\nfrom tests.conftest import _stays_on_this_machine",
        test_outward="""
            import contextlib, socket
            def test_outward():
                with contextlib.suppress(OSError), socket.socket() as outward:
                    outward.connect(("192.0.2.1", 80))
        """,
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    network_guard.attempts.clear()


def test_names_are_not_looked_up() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("vastine.example", 443)


@given(number=st.integers())
def test_the_guard_does_not_disturb_generated_examples(number: int) -> None:
    assert network_guard.attempts == []
