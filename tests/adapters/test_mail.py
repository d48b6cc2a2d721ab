"""Mail on its way out: what is on the wire, and which answer of the server means what."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import SettableClock
from tests.mail_servers import SmtpSink
from workflows.adapters.mail import FolderMailer, SmtpMailer, compose, kept_mails, recipient
from workflows.errors import NeverAgain, PersonMustLook, TryAgain, VastineError
from workflows.ports import OutgoingMail
from workflows.setting_values import mail_server

SENDER = "Lakeuden Esimerkkisähkö <answers@example.fi>"
CLOCK = SettableClock()


def a_mail(**changes: object) -> OutgoingMail:
    facts: dict[str, object] = {
        "message_id": "<4711.1@example.fi>",
        "to": "aino@example.org",
        "subject": "Pyyntösi TP-2026-7K4M on saapunut — vastaamme pian",
        "body": "Hei!\n\n.piste rivin alussa\nhttps://omat.example.fi/" + "x" * 120 + "\n",
        "language": "fi",
    }
    return OutgoingMail(**(facts | changes))  # type: ignore[arg-type]


def mailer(url: str, *, allow: tuple[str, ...] | None = None) -> SmtpMailer:
    return SmtpMailer(mail_server(url, "smtp"), SENDER, clock=CLOCK, allow=allow)


def test_what_arrives_is_what_was_sent(smtp_sink: SmtpSink) -> None:
    mailer(smtp_sink.url).send(a_mail(headers={"In-Reply-To": "<" + "a" * 90 + "@outlook.example>"}))
    got = smtp_sink.messages[0]
    assert (got.sender, got.recipients) == ("answers@example.fi", ("aino@example.org",))
    message = message_from_bytes(got.content, policy=policy.default)
    assert message["Subject"] == a_mail().subject
    assert message["From"] == SENDER
    assert message["Message-ID"] == "<4711.1@example.fi>"
    assert message["In-Reply-To"] == "<" + "a" * 90 + "@outlook.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fi"
    assert message["Date"].datetime == CLOCK.now()
    body = message.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == a_mail().body
    assert got.content.isascii()


def test_trying_again_sends_the_same_message_id(smtp_sink: SmtpSink) -> None:
    post = mailer(smtp_sink.url)
    post.send(a_mail())
    CLOCK.advance(hours=1)
    post.send(a_mail())
    ids = {message_from_bytes(got.content)["Message-ID"] for got in smtp_sink.messages}
    assert ids == {"<4711.1@example.fi>"}


@pytest.mark.parametrize("where", ["recipient_answer", "data_answer"])
def test_a_4xx_answer_is_tried_again_after_a_quarter_of_an_hour(smtp_sink: SmtpSink, where: str) -> None:
    setattr(smtp_sink, where, "451 4.7.1 come back later, aino@example.org")
    with pytest.raises(TryAgain) as caught:
        mailer(smtp_sink.url).send(a_mail())
    assert caught.value.code == "mail_deferred"
    assert (caught.value.after_seconds or 0) >= 900
    assert "aino" not in str(caught.value)


@pytest.mark.parametrize("where", ["recipient_answer", "data_answer"])
def test_a_5xx_answer_is_final(smtp_sink: SmtpSink, where: str) -> None:
    setattr(smtp_sink, where, "550 5.1.1 nobody called aino@example.org here")
    with pytest.raises(NeverAgain) as caught:
        mailer(smtp_sink.url).send(a_mail())
    assert caught.value.code == "mail_refused"
    assert "aino" not in str(caught.value)


def test_a_connection_cut_after_the_text_is_a_persons_to_judge(smtp_sink: SmtpSink) -> None:
    smtp_sink.drop_after_data = True
    with pytest.raises(PersonMustLook, match="mail_unknown"):
        mailer(smtp_sink.url).send(a_mail())
    assert len(smtp_sink.messages) == 1


@contextmanager
def talking(*answers: bytes) -> Iterator[str]:
    """A server that gives these answers, one to each line it gets, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(10)
                for answer in answers:
                    connection.sendall(answer)
                    in_text = answer.startswith(b"354")
                    while (line := lines.readline()) and in_text and line != b".\r\n":
                        pass

        thread = threading.Thread(target=talk)
        thread.start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}?tls=none"
        thread.join(10)


HELLO = (b"220 hello\r\n", b"250 hello\r\n")
TALKS: dict[str, tuple[tuple[bytes, ...], type[VastineError], str]] = {
    "hangs up at once": ((), TryAgain, "mail_down"),
    "busy": ((b"421 too busy\r\n",), TryAgain, "mail_down"),
    "no mail server": ((b"HTTP/1.1 400 Bad Request\r\n",), TryAgain, "mail_down"),
    "hangs up after hello": (HELLO, TryAgain, "mail_down"),
    "refuses the sender": ((*HELLO, b"550 not you\r\n"), NeverAgain, "mail_sender_refused"),
    "wants a log-in": ((*HELLO, b"530 log in first\r\n"), TryAgain, "mail_login"),
    "hangs up after the recipient": ((*HELLO, b"250 ok\r\n", b"250 ok\r\n"), TryAgain, "mail_down"),
    "does not want the text": ((*HELLO, *[b"250 ok\r\n"] * 2, b"452 disk full\r\n"), TryAgain, "mail_deferred"),
    "hangs up after the text": ((*HELLO, *[b"250 ok\r\n"] * 2, b"354 go\r\n"), PersonMustLook, "mail_unknown"),
    "babbles after the text": (
        (*HELLO, *[b"250 ok\r\n"] * 2, b"354 go\r\n", b"hmm\r\n"),
        PersonMustLook,
        "mail_unknown",
    ),
    "refuses the text": ((*HELLO, *[b"250 ok\r\n"] * 2, b"354 go\r\n", b"554 spam\r\n"), NeverAgain, "mail_refused"),
    "shuts down after the text": (
        (*HELLO, *[b"250 ok\r\n"] * 2, b"354 go\r\n", b"421 bye\r\n"),
        TryAgain,
        "mail_deferred",
    ),
}


@pytest.mark.parametrize("name", TALKS)
def test_each_way_a_server_can_fail_has_its_meaning(name: str) -> None:
    answers, kind, code = TALKS[name]
    with talking(*answers) as url, pytest.raises(kind) as caught:
        mailer(url).send(a_mail())
    assert caught.value.code == code


def test_a_mail_that_was_taken_is_sent_however_the_server_parts() -> None:
    with talking(*HELLO, *[b"250 ok\r\n"] * 2, b"354 go\r\n", b"250 taken\r\n") as url:
        mailer(url).send(a_mail())


def test_nobody_listening_is_tried_again() -> None:
    with pytest.raises(TryAgain, match="mail_down"):
        mailer("smtp://127.0.0.1:1?tls=none").send(a_mail())


def test_a_server_without_tls_gets_no_mail_where_tls_is_the_rule(smtp_sink: SmtpSink) -> None:
    with pytest.raises(TryAgain, match="mail_tls"):
        mailer(f"smtp://{smtp_sink.host}:{smtp_sink.port}").send(a_mail())
    assert smtp_sink.messages == []


def test_trial_mode_sends_only_to_the_allowed(smtp_sink: SmtpSink) -> None:
    post = mailer(smtp_sink.url, allow=("aino@example.org", "@example.fi"))
    post.send(a_mail(to="Aino@Example.org"))
    post.send(a_mail(to="eino@example.fi"))
    for stranger in ("eino@example.org", "eino@notexample.fi", "aino@example.org.evil.example", "x@sub.example.fi"):
        with pytest.raises(NeverAgain, match="trial_mode"):
            post.send(a_mail(to=stranger))
    assert len(smtp_sink.messages) == 2


def test_an_empty_allow_list_lets_nothing_out(smtp_sink: SmtpSink) -> None:
    with pytest.raises(NeverAgain, match="trial_mode"):
        mailer(smtp_sink.url, allow=()).send(a_mail())
    assert smtp_sink.connections == 0


BREAKS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("character", BREAKS, ids=[ascii(character) for character in BREAKS])
@pytest.mark.parametrize("field", ["to", "subject", "message_id", "language", "header"])
def test_no_header_takes_a_break(field: str, character: str) -> None:
    text = f"<a@b.fi>{character}Bcc: everybody@example.com"
    changes: dict[str, object] = {"headers": {"X-Vastine-Letter": text}} if field == "header" else {field: text}
    with pytest.raises(NeverAgain, match=r"mail_(header|address)"):
        compose(a_mail(**changes), SENDER, CLOCK)


@given(text=st.text(max_size=200), field=st.sampled_from(["to", "subject", "message_id", "language"]))
def test_no_text_whatever_adds_a_header(text: str, field: str) -> None:
    try:
        raw = compose(a_mail(**{field: text}), SENDER, CLOCK).as_bytes()
    except NeverAgain:
        return
    head = message_from_bytes(raw, policy=policy.compat32)
    expected = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language"]
    assert sorted(head.keys()) == sorted([*expected, "Content-Type", "Content-Transfer-Encoding", "MIME-Version"])


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120))
def test_a_subject_in_any_script_arrives_whole(subject: str) -> None:
    raw = compose(a_mail(subject=subject), SENDER, CLOCK).as_bytes()
    assert all(len(line) <= 998 for line in raw.splitlines())
    again = message_from_bytes(raw, policy=policy.default)
    assert "".join(again["Subject"].split()) == "".join(subject.split())


@pytest.mark.parametrize("name", ["Bcc", "from", "Reply-To", "Content-Type", "X: y\nZ", "", "Sender"])
def test_a_mail_may_not_bring_along_the_headers_that_decide(name: str) -> None:
    with pytest.raises(NeverAgain, match="mail_header"):
        compose(a_mail(headers={name: "a@example.com"}), SENDER, CLOCK)


def test_a_mail_may_say_that_it_is_a_reply_to_someones_mail() -> None:
    message = compose(a_mail(headers={"auto-submitted": "auto-replied"}), SENDER, CLOCK)
    assert message.get_all("Auto-Submitted") == ["auto-replied"]


def test_a_text_with_half_a_character_is_refused() -> None:
    with pytest.raises(NeverAgain, match="mail_body"):
        compose(a_mail(body="\ud800"), SENDER, CLOCK)


def test_an_unfit_threading_header_is_left_out() -> None:
    message = compose(a_mail(headers={"In-Reply-To": "<a@b>\r\nBcc: x@y", "References": "no id"}), SENDER, CLOCK)
    assert message["In-Reply-To"] is None
    assert message["References"] is None


def test_an_address_with_finnish_letters_in_its_domain_is_reached() -> None:
    assert recipient("aino@sähkö.example") == "aino@xn--shk-qla6g.example"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "aino",
        "aino@",
        "@b.fi",
        "a b@c.fi",
        "a@b.fi, c@d.fi",
        "<a@b.fi>",
        "ä@b.fi",
        "a@" + "b" * 300,
        "a@b..fi",
    ],
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(NeverAgain, match="mail_address"):
        recipient(address)


def test_kept_mails_are_their_owners_only_and_one_a_message_id(tmp_path: Path) -> None:
    post = FolderMailer(tmp_path / "outbox", SENDER, clock=CLOCK)
    post.send(a_mail())
    post.send(a_mail(message_id="<../../x@example.fi>"))
    post.send(a_mail(subject="again"))
    kept = list(kept_mails(tmp_path / "outbox"))
    assert [message["Subject"] for _, message in kept] == ["again", a_mail().subject]
    for name, _ in kept:
        assert (tmp_path / "outbox" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "outbox").stat().st_mode & 0o777 == 0o700
