"""Whatever a service sends, the search ends with everything or with a code that says why not: never with a part."""

import gzip
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.service import PAGES, TICKETS, collected, service
from tests.http_source import ANNA, Handler, HttpSource, running
from workflows.connectors import http_addresses
from workflows.connectors.http_addresses import is_allowed
from workflows.errors import BadInput, NeverAgain, SourceDown, TryAgain, VastineError

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ONE = {**TICKETS, "find": [{"path": "/tickets?requester={identity:email}", "records": "items"}]}
PAGED = {**TICKETS, "find": [{**ONE["find"][0], "page": PAGES["cursor"]}]}


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def body(text: str | bytes, head: str = HEAD) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def packed(data: bytes, *, cut: int = 0) -> bytes:
    content = gzip.compress(data)
    return body(content[: len(content) - cut], HEAD + "Content-Encoding: gzip\r\n")


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in parts) + end


def empty_of(key: str) -> str:
    return json.dumps({key: []})


ANSWERS: dict[str, tuple[bytes, type[VastineError], str]] = {
    "html with a 200": (body("<html>log in", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), TryAgain, "not_json"),
    "html that says it is json": (body("<html>log in"), TryAgain, "bad_json"),
    "no type at all": (body(empty_of("items"), "HTTP/1.1 200 OK\r\n"), TryAgain, "not_json"),
    "nothing": (body(""), TryAgain, "empty_answer"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", TryAgain, "empty_answer"),
    "less than announced": (f"{HEAD}Content-Length: 999\r\n\r\n".encode() + b'{"items": [', TryAgain, "bad_http"),
    "half of it until the line is cut": (f"{HEAD}\r\n".encode() + b'{"items": [', TryAgain, "bad_json"),
    "chunks without an end": (chunked(b'{"items": []}', end=b""), TryAgain, "bad_http"),
    "a chunk of nonsense": (f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(), TryAgain, "bad_http"),
    "no http": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", TryAgain, "bad_http"),
    "silence": (b"", TryAgain, "bad_http"),
    "latin-1": (body('{"items": [{"id": "ä"}]}'.encode("latin-1")), NeverAgain, "charset"),
    "latin-1 as it says": (
        body("{}", "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=iso-8859-1\r\n"),
        NeverAgain,
        "charset",
    ),
    "utf-16": (body('{"items": []}'.encode("utf-16")), NeverAgain, "charset"),
    "half a character": (body('{"items": [{"id": "\\ud800"}]}'), NeverAgain, "bad_text"),
    "a name twice": (body('{"items": [], "items": [1]}'), NeverAgain, "duplicate_name"),
    "a number that is none": (body('{"items": [NaN]}'), NeverAgain, "bad_number"),
    "deeply nested": (body('{"items": ' + "[" * 100 + "]" * 100 + "}"), NeverAgain, "too_deep"),
    "too deep to parse": (body("[" * 100_000), NeverAgain, "too_deep"),
    "no list where it should be": (body('{"data": []}'), NeverAgain, "schema_changed"),
    "something else than objects": (body('{"items": [1, 2]}'), NeverAgain, "schema_changed"),
    "a record without its key": (body(json.dumps({"items": [{"requester": {"email": ANNA}}]})), NeverAgain, "bad_key"),
    "a large answer": (body(b" " * 200_000 + b"{}"), NeverAgain, "too_large"),
    "a large answer in chunks": (chunked(*[b" " * 50_000] * 6), NeverAgain, "too_large"),
    "a gzip bomb": (packed(b" " * 50_000_000), NeverAgain, "too_large"),
    "gzip that breaks off": (packed(b'{"items": []}', cut=9), TryAgain, "bad_gzip"),
    "gzip that is none": (body("nonsense", HEAD + "Content-Encoding: gzip\r\n"), TryAgain, "bad_gzip"),
    "packed in a way nobody asked for": (body("x", HEAD + "Content-Encoding: br\r\n"), NeverAgain, "encoding"),
    "a flood of headers": (
        HEAD.encode() + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 100) for n in range(5_000)) + b"\r\n",
        TryAgain,
        "bad_http",
    ),
    "401": (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", NeverAgain, "not_authorised"),
    "403": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", NeverAgain, "forbidden"),
    "404 for a list": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NeverAgain, "not_found"),
    "400": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", NeverAgain, "http_400"),
    "500": (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", SourceDown, "http_500"),
    "408": (b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", SourceDown, "http_408"),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", NeverAgain, "http_304"),
    "to the cloud's secrets": (
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
        NeverAgain,
        "redirect",
    ),
    "to a file": (
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        NeverAgain,
        "redirect",
    ),
    "to itself": (b"HTTP/1.1 307 Again\r\nLocation: /tickets\r\nContent-Length: 0\r\n\r\n", NeverAgain, "redirect"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_answer_is_told_by_its_code_and_gives_no_record(http_source: HttpSource, name: str) -> None:
    answer, kind, code = ANSWERS[name]
    http_source.once("GET /tickets", lambda handler: handler.raw(answer))
    connector = service(http_source, {"tickets": ONE}, limits={"answer_mb": 0.15})
    with pytest.raises(VastineError) as caught:
        collected(connector, email=ANNA)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert ANNA not in str(caught.value)


@pytest.mark.parametrize("name", ["to the cloud's secrets", "to a file"])
def test_where_redirects_are_allowed_they_stay_with_the_service(http_source: HttpSource, name: str) -> None:
    http_source.once("GET /tickets", lambda handler: handler.raw(ANSWERS[name][0]))
    with pytest.raises(NeverAgain, match="redirect"):
        collected(service(http_source, {"tickets": ONE}, redirects=3), email=ANNA)


def test_a_redirect_of_the_same_service_is_followed_where_allowed_and_not_for_ever(http_source: HttpSource) -> None:
    def away(handler: Handler) -> None:
        handler.reply(307, None, Location=handler.path)

    http_source.page_size = 9
    http_source.once("GET /tickets", away)
    assert len(collected(service(http_source, {"tickets": ONE}, redirects=1), email=ANNA)) == 3
    http_source.once("GET /tickets", away, times=5)
    with pytest.raises(NeverAgain, match="redirect"):
        collected(service(http_source, {"tickets": ONE}, redirects=2), email=ANNA)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("0", 1), ("1000000000", 86_400), ("Mon, 01 Jan 2001 00:00:00 GMT", 1), ("soon", None), ("-5", None)],
)
def test_retry_after_is_honoured_and_clamped(http_source: HttpSource, said: str, seconds: float | None) -> None:
    http_source.once("GET /tickets", lambda handler: handler.reply(429, {}, Retry_After=said))
    with pytest.raises(TryAgain) as caught:
        collected(service(http_source, {"tickets": ONE}), email=ANNA)
    assert (caught.value.code, caught.value.after_seconds) == ("rate_limited", seconds)


def test_a_service_that_says_when_it_is_back_is_asked_then(http_source: HttpSource) -> None:
    http_source.once("GET /tickets", lambda handler: handler.reply(503, {}, Retry_After="120"))
    with pytest.raises(TryAgain) as caught:
        collected(service(http_source, {"tickets": ONE}), email=ANNA)
    assert (caught.value.code, caught.value.after_seconds) == ("busy", 120)


def drip(handler: Handler) -> None:
    """A byte at a time, for as long as anybody listens."""
    stop = threading.Event()
    try:
        for byte in HEAD.encode() * 50:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            stop.wait(0.05)
    except OSError:
        handler.close_connection = True


def test_a_service_that_drips_is_given_up_in_time(http_source: HttpSource) -> None:
    http_source.once("GET /tickets", drip)
    with pytest.raises(SourceDown, match="timeout"):
        collected(service(http_source, {"tickets": ONE}, timeout_seconds=1), email=ANNA)


def test_nobody_at_home_is_a_source_that_is_down(http_source: HttpSource) -> None:
    connector = service(http_source, {"tickets": ONE}, base_url="http://127.0.0.1:1")
    with pytest.raises(SourceDown, match="source_down"):
        connector.health()


def test_pages_that_never_end_are_given_up(http_source: HttpSource) -> None:
    def again(handler: Handler) -> None:
        handler.reply(200, {"items": http_source.data["tickets"][:1], "meta": {"next": str(len(http_source.calls))}})

    http_source.once("GET /tickets", again, times=9)
    with pytest.raises(NeverAgain, match="paging_loop"):
        collected(service(http_source, {"tickets": PAGED}), email=ANNA)


def test_pages_that_are_always_new_are_given_up_at_the_limit(http_source: HttpSource) -> None:
    def more(handler: Handler) -> None:
        number = len(http_source.calls)
        ticket = {**http_source.data["tickets"][0], "id": number}
        handler.reply(200, {"items": [ticket], "meta": {"next": str(number)}})

    http_source.once("GET /tickets", more, times=99)
    with pytest.raises(NeverAgain, match="too_many_pages"):
        collected(service(http_source, {"tickets": PAGED}, limits={"pages": 5}), email=ANNA)
    with pytest.raises(NeverAgain, match="too_many_calls"):
        collected(service(http_source, {"tickets": PAGED}, limits={"calls": 3}), email=ANNA)


@pytest.mark.parametrize("there", ["https://evil.example/next", "//evil.example/x", "http://127.0.0.1:1/", "file:///x"])
@pytest.mark.parametrize("style", ["next_url", "link_header"])
def test_a_next_page_elsewhere_is_not_asked_for(http_source: HttpSource, there: str, style: str) -> None:
    def lead_away(handler: Handler) -> None:
        items = http_source.data["tickets"][:1]
        handler.reply(200, {"items": items, "meta": {"url": there}}, Link=f'<{there}>; rel="next"')

    http_source.once("GET /tickets", lead_away)
    tickets = {**TICKETS, "find": [{**ONE["find"][0], "page": PAGES[style]}]}
    with pytest.raises(NeverAgain, match="other_service"):
        collected(service(http_source, {"tickets": tickets}), email=ANNA)


def test_fewer_records_than_the_service_says_there_are_is_not_all(http_source: HttpSource) -> None:
    def short(handler: Handler) -> None:
        handler.reply(200, {"items": [], "meta": {"total": 3}})

    http_source.once("GET /tickets", short)
    tickets = {**TICKETS, "find": [{**ONE["find"][0], "page": PAGES["offset"]}]}
    with pytest.raises(TryAgain, match="incomplete"):
        collected(service(http_source, {"tickets": tickets}), email=ANNA)


def test_a_page_smaller_than_asked_for_is_no_end(http_source: HttpSource) -> None:
    http_source.page_size = 1
    by_offset = {"offset": {"param": "offset", "size_param": "size", "size": 100}}
    tickets = {**TICKETS, "find": [{**ONE["find"][0], "page": by_offset}]}
    assert len(collected(service(http_source, {"tickets": tickets}), email=ANNA)) == 3


def test_large_numbers_stay_exact(http_source: HttpSource) -> None:
    big = 9_007_199_254_740_993_000_001
    http_source.data["tickets"][1] |= {"id": big, "requester": {"email": ANNA, "name": "N"}}
    http_source.page_size = 9
    found = collected(service(http_source, {"tickets": ONE}), email=ANNA)
    assert big in [item.locator["id"] for item in found]


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
    ],
)
def test_no_call_goes_to_an_address_that_is_not_public(address: str) -> None:
    assert not is_allowed(address, private=False)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0"]
)
def test_what_clouds_keep_their_secrets_at_is_refused_even_on_the_own_network(address: str) -> None:
    assert not is_allowed(address, private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "[::1]"])
def test_a_host_on_this_machine_is_not_called_unless_it_is_listed(http_source: HttpSource, host: str) -> None:
    port = http_source.url.rpartition(":")[2]
    connector = service(http_source, {"tickets": ONE}, base_url=f"https://{host}:{port}", allow_private=[])
    with pytest.raises((NeverAgain, SourceDown)) as caught:
        connector.health()
    assert caught.value.code in ("private_address", "name_unknown")
    assert http_source.calls == []


def test_a_name_that_changes_its_address_gains_nothing(http_source: HttpSource, monkeypatch) -> None:
    asked: list[str] = []

    def rebinding(host, port, **_):
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    connected: list[str] = []

    class Plain:
        def connect_tcp(self, host, port, timeout, local_address, options):
            connected.append(host)
            raise http_addresses.httpcore.ConnectError

    monkeypatch.setattr(http_addresses.socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(http_addresses.httpcore, "SyncBackend", Plain)
    connector = service(http_source, {"tickets": ONE}, base_url="https://rebinding.example", allow_private=[])
    with pytest.raises(SourceDown):
        connector.health()
    assert (asked, connected) == (["rebinding.example"], ["8.8.8.8"])


def test_one_private_address_among_public_ones_is_enough_to_refuse(http_source: HttpSource, monkeypatch) -> None:
    both = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(http_addresses.socket, "getaddrinfo", lambda *_, **__: both)
    connector = service(http_source, {"tickets": ONE}, base_url="https://two.example", allow_private=[])
    with pytest.raises(NeverAgain, match="private_address"):
        connector.health()


def test_a_proxy_of_the_environment_is_not_used(http_source: HttpSource, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    service(http_source, {"tickets": ONE}).health()


def test_an_address_without_encryption_needs_a_host_that_is_listed(http_source: HttpSource) -> None:
    with pytest.raises(BadInput, match="not encrypted"):
        service(http_source, {"tickets": ONE}, base_url="http://far.example")


# --- certificates ------------------------------------------------------------------------------


def certificate(folder: Path, *, days: int, host: str = "IP:127.0.0.1") -> tuple[str, str]:
    key, made = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(made)]
    command += ["-subj", "/CN=service", "-addext", f"subjectAltName={host}", "-days", str(days)]
    subprocess.run(command, check=True, capture_output=True)
    return str(made), str(key)


def expired(folder: Path) -> tuple[str, str]:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "service")])
    then = datetime.now(UTC) - timedelta(days=9)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, then, then + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*encoding))
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_a_certificate_of_the_own_authority_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    pair = certificate(tmp_path, days=2)
    with running(certificate=pair) as source:
        service(source, {"tickets": ONE}, ca_file=pair[0]).health()
        with pytest.raises(SourceDown, match="certificate"):
            service(source, {"tickets": ONE}).health()


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    pair = expired(tmp_path)
    with running(certificate=pair) as source, pytest.raises(SourceDown, match="certificate"):
        service(source, {"tickets": ONE}, ca_file=pair[0]).health()


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    pair = certificate(tmp_path, days=2, host="DNS:other.example")
    with running(certificate=pair) as source, pytest.raises(SourceDown, match="certificate"):
        service(source, {"tickets": ONE}, ca_file=pair[0]).health()


def test_plain_http_behind_https_is_no_connection(http_source: HttpSource) -> None:
    assert ssl.OPENSSL_VERSION
    connector = service(http_source, {"tickets": ONE}, base_url=http_source.url.replace("http:", "https:"))
    with pytest.raises(SourceDown, match="tls"):
        connector.health()
