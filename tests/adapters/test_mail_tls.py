"""Mail over TLS: a certificate that nobody vouches for is refused, a vouched one is not."""

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes import SettableClock
from tests.mail_servers import SmtpSink
from tests.processes import free_port
from workflows.adapters.mail import SmtpMailer
from workflows.errors import TryAgain
from workflows.ports import OutgoingMail
from workflows.setting_values import mail_server

MAIL = OutgoingMail(message_id="<1@example.fi>", to="aino@example.org", subject="x", body="x", language="en")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(params=["starttls", "ssl"])
def sink(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[SmtpSink, str]]:
    """A sink that speaks TLS, and its mail URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    sink = SmtpSink(port=free_port())
    secure = {"ssl_context": context} if request.param == "ssl" else {"tls_context": context, "require_starttls": True}
    controller = Controller(sink, hostname=sink.host, port=sink.port, **secure)
    controller.start()
    yield sink, f"smtp://{sink.host}:{sink.port}?tls={request.param}"
    controller.stop(no_assert=True)


def test_a_certificate_nobody_vouches_for_gets_no_mail(sink: tuple[SmtpSink, str]) -> None:
    server, url = sink
    with pytest.raises(TryAgain, match="mail_tls"):
        SmtpMailer(mail_server(url, "smtp"), "a@example.fi", clock=SettableClock()).send(MAIL)
    assert server.messages == []


def test_a_certificate_that_the_machine_trusts_gets_the_mail(
    sink: tuple[SmtpSink, str], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = sink
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    SmtpMailer(mail_server(url, "smtp"), "a@example.fi", clock=SettableClock()).send(MAIL)
    assert len(server.messages) == 1
