"""Requests by e-mail, through a real mailbox in and a real mail server out."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from models.intake import Message
from models.step import Step
from models.vocabulary import MessageState, StepState
from tests.mail_servers import ImapAccount, SmtpSink
from tests.story.conftest import Move
from tests.story.house import House, last_code, mail_of
from workflows.demo.planting import customer_number
from workflows.demo.stories import MAILBOX, STORIES, eml
from workflows.errors import PersonMustLook
from workflows.repair import requeue
from workflows.stages import decision
from workflows.stages.intake import open_raw
from workflows.views import list_requests

ACCESS = "Haluan saada kopion kaikista henkilötiedoistani."
ERASURE = "Pyydän, että poistatte kaikki henkilötietoni."


@dataclass
class PostOffice:
    """A house that reads a real mailbox and sends through a real server."""

    house: House
    inbox: ImapAccount
    sink: SmtpSink

    def sent_to(self, address: str) -> list[str]:
        """Subjects and texts of the mails that reached an address."""
        mails = [
            message_from_bytes(m.content, policy=policy.default) for m in self.sink.messages if address in m.recipients
        ]
        return [f"{m['Subject']}\n{m.get_body(('plain',)).get_content()}" for m in mails]  # type: ignore[union-attr]

    def requests(self) -> list[str]:
        """References of all requests, the oldest due date first."""
        with self.house.rt.unit() as session:
            return [row["reference"] for row in list_requests(session)]

    def messages(self) -> list[Message]:
        """Every message that was kept."""
        with self.house.rt.unit() as session:
            return list(session.scalars(select(Message).order_by(Message.arrived_at)))


@pytest.fixture
def office(move_in: Move, imap_server: ImapAccount, smtp_sink: SmtpSink) -> PostOffice:
    settings = {
        "VASTINE_INBOX_URL": f"{imap_server.url}?tls=none",
        "VASTINE_MAIL_URL": smtp_sink.url,
        "VASTINE_MAIL_FROM": "Esimerkki <vastine@esimerkkisahko.example>",
        "VASTINE_MAIL_ALLOW": "@posti.example,@mejl.example,@muualla.example,@staff.example",
    }
    return PostOffice(move_in(settings=settings), imap_server, smtp_sink)


def letter(text: str, *, sender: str = "", ident: str = "<one@muualla.example>", **headers: str) -> bytes:
    """A mail from somebody."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender or mail_of("paid-all")
    message["To"] = MAILBOX
    message["Subject"] = "Omat tiedot"
    message["Message-ID"] = ident
    message["Date"] = "Tue, 24 Nov 2026 07:00:00 +0000"
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def story(slug: str) -> bytes:
    """The mail of one of the demo's stories."""
    return eml(next(s for s in STORIES if s.slug == slug))


def test_access_by_mail_is_acknowledged_proven_and_delivered(office: PostOffice) -> None:
    office.inbox.append(story("access-by-mail-swedish"))
    office.house.work()
    address = mail_of("swedish")
    (reference,) = office.requests()
    acknowledgement, code = sorted(office.sent_to(address), key=lambda m: bool(re.search(r"\b\d{8}\b", m)))
    assert reference in acknowledgement
    assert "24\N{NO-BREAK SPACE}december" in acknowledgement
    assert office.house.answer(reference, last_code([code]))
    office.house.work()
    assert office.house.ended(reference) == ("closed", "delivered")
    assert "/sv/fetch/" in office.sent_to(address)[-1]
    sent = "".join(office.sent_to(address))
    assert "Ångström" not in sent
    assert str(customer_number("swedish")) not in sent
    assert all(b"Auto-Submitted" in m.content for m in office.sink.messages)


def test_erasure_by_mail_ends_with_what_the_law_keeps(office: PostOffice) -> None:
    office.inbox.append(story("erasure-after-paying-all"))
    office.house.work()
    (reference,) = office.requests()
    assert office.house.answer(reference, last_code(office.sent_to(mail_of("paid-all"))))
    office.house.work()
    office.house.approve(reference)
    office.house.work()
    assert office.house.ended(reference) == ("held", "partly_erased")
    assert len(office.sent_to(mail_of("paid-all"))) == 3
    assert office.house.chain_is_whole()


def test_the_same_message_twice_and_in_two_mailboxes_is_one_request(office: PostOffice) -> None:
    raw = story("access-by-mail-swedish")
    office.inbox.append(raw)
    office.house.work()
    office.inbox.append(raw)
    office.inbox.append(raw.replace(b"To: ", b"Delivered-To: toinen@esimerkkisahko.example\r\nTo: "))
    office.house.work()
    assert len(office.requests()) == 1
    assert len(office.messages()) == 1
    assert len(office.sent_to(mail_of("swedish"))) == 2
    assert office.inbox.messages() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Subject": "Poissaoloilmoitus: olen lomalla"},
        {"Subject": "Undeliverable: Olemme saaneet pyyntösi", "From": "MAILER-DAEMON@muualla.example"},
        {"From": MAILBOX, "Auto_Submitted": "auto-generated"},
        {"Precedence": "list", "List_Id": "<uutiset.muualla.example>"},
    ],
    ids=["auto-reply", "away", "bounce", "loop", "list"],
)
def test_what_a_machine_wrote_is_kept_and_gets_no_answer(office: PostOffice, headers: dict[str, str]) -> None:
    office.inbox.append(letter("En ole paikalla.", **headers))
    office.house.work()
    assert [m.state for m in office.messages()] == [MessageState.IGNORED]
    assert office.sink.messages == []
    assert office.requests() == []


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff\xfe\x01 no mail at all, only bytes \xf0\x28\x8c", "no_sender"),
        (letter("Mihin aikaan asiakaspalvelunne on auki?", Subject="Kysymys"), "no_right"),
        (letter("Прошу удалить все мои персональные данные."), "other_language"),
        (letter(ACCESS, From="a@muualla.example, b@muualla.example"), "no_sender"),
    ],
    ids=["garbage", "question", "language", "two-senders"],
)
def test_what_cannot_be_understood_waits_sealed_for_a_person(office: PostOffice, raw: bytes, code: str) -> None:
    office.inbox.append(raw)
    office.house.work()
    (message,) = office.messages()
    assert (message.state, message.why) == (MessageState.TRIAGE, code)
    assert [t.code for t in office.house.tasks()] == [code]
    assert office.requests() == []
    with office.house.rt.unit() as session:
        row = session.get_one(Message, message.id)
        assert (
            open_raw(session, office.house.rt, row).replace(b"\r\n", b"\n").strip()
            == raw.replace(b"\r\n", b"\n").strip()
        )
        assert raw[20:60] not in row.raw_sealed


@pytest.fixture
def mixed(office: PostOffice) -> tuple[str, str]:
    """Access and erasure in one mail, with its code typed: the two references."""
    number = customer_number("paid-all")
    office.inbox.append(letter(f"{ACCESS} {ERASURE} Asiakasnumeroni on {number}."))
    office.house.work()
    access, erasure = sorted(office.requests(), key=lambda r: office.house.show(r)["right"])
    codes = [m for m in office.sent_to(mail_of("paid-all")) if re.search(r"\b\d{8}\b", m)]
    assert len(codes) == 1
    assert office.house.answer(access, last_code(codes))
    return access, erasure


def test_access_and_erasure_in_one_mail_need_one_code_and_erase_after_the_delivery(
    office: PostOffice, mixed: tuple[str, str]
) -> None:
    access, erasure = mixed
    office.house.work()
    assert office.house.ended(access) == ("closed", "delivered")
    office.house.approve(erasure)
    office.house.work()
    assert office.house.state(erasure) == "erasing"
    office.house.clock.advance(days=14)
    office.house.work()
    assert office.house.ended(erasure) == ("held", "partly_erased")


def test_a_delivery_that_fails_stops_the_erasure(office: PostOffice, mixed: tuple[str, str]) -> None:
    access, erasure = mixed
    house = office.house
    before = house.dump()
    broken = house.again(documents=Broken(house.rt.documents))
    broken.work()
    assert house.state(access) == "delivering"
    house.approve(erasure)
    broken.work()
    broken.close()
    assert house.state(erasure) == "erasing"
    assert house.dump() == before
    house.clock.advance(days=2)
    house.work()
    assert house.dump() == before
    with house.rt.unit() as session:
        for step in session.scalars(select(Step).where(Step.state == StepState.NEEDS_HUMAN)):
            requeue(session, house.rt, step, user="tuulikki")
    house.work()
    assert house.ended(access) == ("closed", "delivered")
    house.clock.advance(days=14)
    house.work()
    assert house.ended(erasure)[0] == "held"


def test_an_erasure_behind_a_withdrawn_access_goes_to_a_person(office: PostOffice, mixed: tuple[str, str]) -> None:
    access, erasure = mixed
    house = office.house
    with house.held(access) as (session, request):
        decision.withdraw(session, house.rt, request, actor="person")
    house.work()
    assert house.ended(access) == ("closed", "withdrawn")
    before = house.dump()
    house.approve(erasure)
    house.work()
    assert house.dump() == before
    assert house.state(erasure) == "erasing"
    assert "delivery_failed" in {t.code for t in house.tasks(erasure)}


def test_a_letter_about_a_known_case_is_put_beside_it_and_opens_none(office: PostOffice) -> None:
    office.inbox.append(story("access-by-mail-swedish"))
    office.house.work()
    (reference,) = office.requests()
    office.inbox.append(letter(f"Skicka svaret till en ny adress. {reference}", sender="annan@muualla.example"))
    office.house.work()
    assert office.requests() == [reference]
    assert "message_attached" in {t.code for t in office.house.tasks(reference)}
    assert office.sent_to("annan@muualla.example") == []


def test_a_mail_server_that_comes_back_gets_every_mail_once(office: PostOffice) -> None:
    office.sink.recipient_answer = "451 4.7.1 come back later"
    office.inbox.append(story("access-by-mail-swedish"))
    office.house.work()
    assert office.sink.messages == []
    office.sink.clear()
    for _ in range(4):
        office.house.clock.advance(hours=1)
        office.house.work()
    assert len(office.sent_to(mail_of("swedish"))) == 2


def test_an_address_that_refuses_is_a_task_and_never_a_silence(office: PostOffice) -> None:
    office.sink.recipient_answer = "550 5.1.1 nobody here"
    office.inbox.append(story("access-by-mail-swedish"))
    office.house.work()
    (reference,) = office.requests()
    assert {t.kind.value for t in office.house.tasks(reference)} == {"mail_failed"}
    assert office.house.state(reference) == "verifying"


class Broken:
    """Documents that can make no package."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def package(self, *_: object, **__: object) -> None:
        """Never."""
        raise PersonMustLook("package_failed")
