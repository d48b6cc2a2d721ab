"""Settings: every mistake at once, no secret shown, and an embedded default that needs nothing."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import BadInput, Fault
from workflows.setting_values import mail_server, masked, scanner_address
from workflows.settings import Settings

SECRET = "9f2c4b7e1a6d8035c7e2f1a4b6d8093e5c7a1f2b4d6e8093"
WEBHOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def faults_of(environ: dict[str, str]) -> list[Fault]:
    with pytest.raises(BadInput) as caught:
        Settings.from_environ(environ)
    return caught.value.faults


def one_fault(environ: dict[str, str]) -> Fault:
    faults = faults_of(environ)
    assert len(faults) == 1, faults
    return faults[0]


def production(tmp_path: Path, **changes: str) -> dict[str, str]:
    environ = {
        "VASTINE_DATA_DIR": str(tmp_path / "var"),
        "VASTINE_MODE": "live",
        "VASTINE_DATABASE_URL": "postgresql://vastine:pw-of-database@db/vastine",
        "VASTINE_BROKER_URL": "redis://:pw-of-broker@redis:6379/0",
        "VASTINE_MAIL_URL": "smtp://mailer:pw-of-mail@mail.example.fi:587?tls=starttls",
        "VASTINE_MAIL_FROM": "Vastaaja <answers@example.fi>",
        "VASTINE_INBOX_URL": "imaps://inbox:pw-of-inbox@mail.example.fi/Pyynnöt",
        "VASTINE_KEY_FILE": str(tmp_path / "keys.json"),
        "VASTINE_PUBLIC_URL": "https://omat.example.fi/",
        "VASTINE_CONSOLE_URL": "https://konsoli.example.fi",
        "VASTINE_WEBHOOK_SECRET": WEBHOOK,
        "VASTINE_SECRET_KEY": SECRET,
    }
    return environ | changes


def test_nothing_set_is_the_embedded_default() -> None:
    settings = Settings.from_environ({"PATH": "/bin"})
    assert settings.mode == "trial"
    assert settings.embedded
    assert settings.may_create_keys
    assert settings.data_dir == Path("var").absolute()
    assert settings.register == Path("register").absolute()
    assert settings.database_url == f"sqlite:///{settings.data_dir}/vastine.db"
    assert settings.blobs_dir == settings.data_dir / "blobs"
    assert settings.key_file == settings.data_dir / "keys.json"
    assert settings.mail_url == "outbox://"
    assert settings.inbox_url == ()
    assert {row.origin for row in settings.origins()} == {"default"}


def test_the_data_folder_moves_all_that_lives_in_it(tmp_path: Path) -> None:
    settings = Settings.from_environ({"VASTINE_DATA_DIR": str(tmp_path)})
    for place in (settings.blobs_dir, settings.key_file, settings.outbox_dir):
        assert place.parent == tmp_path
    assert str(tmp_path) in settings.database_url


def test_a_production_environment_is_read_whole(tmp_path: Path) -> None:
    settings = Settings.from_environ(production(tmp_path))
    assert not settings.embedded
    assert not settings.may_create_keys
    assert settings.public_url == "https://omat.example.fi"
    assert settings.webhook_secret == (WEBHOOK,)
    assert settings.secret_key == SECRET


def test_empty_counts_as_not_set() -> None:
    settings = Settings.from_environ({"VASTINE_MODE": "", "VASTINE_MAIL_URL_FILE": " "})
    assert settings.mode == "trial"


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    faults = faults_of(
        {
            "VASTINE_DATABSE_URL": "sqlite:///x",
            "VASTINE_DATA_DIR": "~nobody-of-that-name",
            "VASTINE_BLOBS_URL": "s3://bucket",
            "VASTINE_BROKER_URL": "amqp://mq",
            "VASTINE_MAIL_URL": "smtp:/oops",
            "VASTINE_INBOX_URL": "pop3://host",
            "VASTINE_MODE": "production",
            "VASTINE_PUBLIC_URL": "omat.example.fi",
            "VASTINE_KEY_FILE_FILE": str(tmp_path / "none"),
            "VASTINE_SECRET_KEY": "changeme",
            "VASTINE_WEBHOOK_SECRET": "hunter2",
        }
    )
    assert {fault.where for fault in faults} == {
        "VASTINE_DATABSE_URL",
        "VASTINE_DATA_DIR",
        "VASTINE_BLOBS_URL",
        "VASTINE_BROKER_URL",
        "VASTINE_MAIL_URL",
        "VASTINE_INBOX_URL",
        "VASTINE_MODE",
        "VASTINE_PUBLIC_URL",
        "VASTINE_KEY_FILE_FILE",
        "VASTINE_SECRET_KEY",
        "VASTINE_WEBHOOK_SECRET",
    }
    assert all(fault.remedy for fault in faults)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("VASTINE_DATABSE_URL", "VASTINE_DATABASE_URL"), ("VASTINE_MAILURL", "VASTINE_MAIL_URL")],
)
def test_a_misspelt_name_is_answered_with_the_right_one(name: str, meant: str) -> None:
    assert meant in one_fault({name: "x"}).remedy


def test_secrets_of_sources_and_of_the_test_suite_are_left_alone() -> None:
    environ = {"VASTINE_SOURCE_BILLING_URL": "x", "VASTINE_TEST_REDIS_URL": "y"}
    assert Settings.from_environ(environ).environ["VASTINE_SOURCE_BILLING_URL"] == "x"


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    settings = Settings.from_environ({"VASTINE_SECRET_KEY_FILE": str(path)})
    assert settings.secret_key == SECRET
    assert ("VASTINE_SECRET_KEY", "(set)", f"file {path}") in settings.origins()


def test_the_same_setting_twice_is_a_fault(tmp_path: Path) -> None:
    fault = one_fault({"VASTINE_SECRET_KEY": SECRET, "VASTINE_SECRET_KEY_FILE": str(tmp_path / "x")})
    assert "set twice" in fault.what


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "empty"), (b"\xff\xfe\x00", "UTF-8"), (b"x" * 70_000, "too long"), (None, "read")]
)
def test_a_file_that_is_no_value_is_a_fault(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "value"
    if content is not None:
        path.write_bytes(content)
    assert what in one_fault({"VASTINE_MODE_FILE": str(path)}).what


WRONG = {
    "VASTINE_DATABASE_URL": ["mysql://h/d", "postgresql://", "postgresql://host", "sqlite://", "x", "postgres://h/d"],
    "VASTINE_BROKER_URL": ["amqp://h", "redis", "memory", "redis://h:99999"],
    "VASTINE_BLOBS_URL": ["s3://b", "blobs", "file://", "file:///", "file://host/x", "file:///x?y=1"],
    "VASTINE_MAIL_URL": [
        "http://h",
        "smtp://",
        "smtp://h?tls=perhaps",
        "smtps://h?tls=none",
        "smtp://h?colour=red",
        "smtp://h?archive=Old",
        "smtp://u:p@mail.example.fi?tls=none",
        "smtp://u:p a@h",
        "smtp://h:port",
    ],
    "VASTINE_INBOX_URL": ["imap://h", "pop://u:p@h", "imap://u:p@mail.example.fi?tls=none"],
    "VASTINE_MAIL_FROM": ["nobody", "a@b\nBcc: c@d", "<a@b>, c@d", "Name a@example.fi", "a b@c"],
    "VASTINE_MAIL_ALLOW": ["everybody", "a@b.fi, @", "*@example.fi"],
    "VASTINE_PUBLIC_URL": ["example.fi", "ftp://h", "https://u:p@h", "https://h/?x=1"],
    "VASTINE_DATA_DIR": ["a\0b", "~nobody-of-that-name/x"],
    "VASTINE_MODE": ["LIVE!", "prod"],
    "VASTINE_WEBHOOK_SECRET": ["whsec", "whsec_AAAA", "whsec_" + "A" * 44, WEBHOOK + " short", WEBHOOK[6:]],
    "VASTINE_SECRET_KEY": ["short", "a" * 64, "change-me-" * 6, "0123456789" * 5, SECRET * 20],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_a_fault_with_a_remedy(name: str, value: str) -> None:
    environ = {"VASTINE_MAIL_FROM": "a@example.fi"} | {name: value}
    fault = one_fault(environ)
    assert fault.where == name
    assert fault.remedy
    if name in {"VASTINE_SECRET_KEY", "VASTINE_WEBHOOK_SECRET"} and len(value) > 6:
        assert value not in fault.what + fault.remedy


@given(junk=st.text(max_size=80))
@pytest.mark.parametrize("name", [row.name for row in Settings.from_environ({}).origins()])
def test_any_text_is_a_value_or_a_fault_and_never_a_crash(name: str, junk: str) -> None:
    with suppress(BadInput):
        Settings.from_environ({name: junk, "VASTINE_KEY_FILE": "keys.json"})


def test_live_mode_refuses_what_would_answer_nobody(tmp_path: Path) -> None:
    assert one_fault(production(tmp_path, VASTINE_MAIL_URL="outbox://")).where == "VASTINE_MAIL_URL"


@pytest.mark.parametrize("name", ["VASTINE_PUBLIC_URL", "VASTINE_CONSOLE_URL"])
def test_live_mode_refuses_plain_http_but_on_this_machine(tmp_path: Path, name: str) -> None:
    assert one_fault(production(tmp_path, **{name: "http://omat.example.fi"})).where == name
    Settings.from_environ(production(tmp_path, **{name: "http://127.0.0.1:8080"}))


def test_several_processes_need_a_placed_key_file(tmp_path: Path) -> None:
    assert one_fault(production(tmp_path, VASTINE_KEY_FILE="")).where == "VASTINE_KEY_FILE"
    assert one_fault({"VASTINE_BROKER_URL": "redis://h"}).where == "VASTINE_KEY_FILE"


def test_sending_mail_needs_a_sender() -> None:
    assert one_fault({"VASTINE_MAIL_URL": "smtp://h"}).where == "VASTINE_MAIL_FROM"


def test_no_secret_is_shown_anywhere(tmp_path: Path) -> None:
    settings = Settings.from_environ(production(tmp_path))
    shown = repr(settings) + str(settings) + repr(settings.origins())
    for secret in ("pw-of-database", "pw-of-broker", "pw-of-mail", "pw-of-inbox", SECRET, WEBHOOK, WEBHOOK[6:]):
        assert secret not in shown
    assert "mail.example.fi:587" in shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:SECRET@h/d",
        "postgresql://u:SECRET/with/slash@h/d",
        "postgresql://u:SECRET@SECRET@h/d",
        "postgresql://h/d?password=SECRET&x=1",
        "redis://:SECRET@h",
        "smtp://u:SECRET?SECRET#SECRET@h",
    ],
)
def test_passwords_are_masked_even_in_broken_addresses(url: str) -> None:
    assert "SECRET" not in masked(url)


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = Settings.from_environ(production(tmp_path))
    with pytest.raises(AttributeError):
        settings.mode = "trial"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.environ["X"] = "y"  # type: ignore[index]


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://h", 25, "starttls"),
        ("smtp://u:p@h", 587, "starttls"),
        ("smtp://h?tls=none", 25, "none"),
        ("smtps://u:p@h", 465, "ssl"),
        ("smtp://h:2525?tls=ssl", 2525, "ssl"),
    ],
)
def test_mail_is_encrypted_unless_told_otherwise(url: str, port: int, tls: str) -> None:
    server = mail_server(url, "smtp")
    assert (server.port, server.tls) == (port, tls)


def test_a_mailbox_address_is_taken_apart() -> None:
    server = mail_server("imaps://a%40b.fi:p%2Fw@mail.fi/INBOX/Pyynn%C3%B6t?archive=Old", "imap")
    assert (server.user, server.password, server.port) == ("a@b.fi", "p/w", 993)
    assert (server.folder, server.options["archive"]) == ("INBOX/Pyynnöt", "Old")
    assert "p/w" not in repr(server)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("clamd:///run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
        ("clamd://scanner", ("scanner", 3310)),
        ("clamd://127.0.0.1:3311/", ("127.0.0.1", 3311)),
    ],
)
def test_a_scanner_is_a_socket_or_a_machine(url: str, address: object) -> None:
    settings = Settings.from_environ({"VASTINE_SCANNER_URL": url})
    assert scanner_address(settings.scanner_url) == address


@pytest.mark.parametrize("url", ["clamd://", "clamd:///", "tcp://scanner:3310", "clamd://scanner/path", "/run/x"])
def test_no_other_place_is_a_scanner(url: str) -> None:
    with pytest.raises(BadInput):
        Settings.from_environ({"VASTINE_SCANNER_URL": url})


def test_every_setting_is_in_the_reference_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(VASTINE_[A-Z_]+)` \|", text, re.MULTILINE)
    assert sorted(documented) == sorted(row.name for row in Settings.from_environ({}).origins())


def test_nothing_else_reads_the_environment() -> None:
    root = Path(__file__).parents[2]
    reading = re.compile(r"os\.environ|os\.getenv|from os import .*(environ|getenv)")
    readers = {
        path.relative_to(root).as_posix()
        for folder in ("models", "workflows", "webhooks")
        for path in (root / folder).rglob("*.py")
        if reading.search(path.read_text(encoding="utf-8"))
    }
    # It passes PATH and the like on to a child process, and takes nothing from it for itself.
    assert readers <= {"workflows/documents/pdf.py"}
