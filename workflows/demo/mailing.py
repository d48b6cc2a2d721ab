"""The archive of customer service's mail: one file a message, as a mail server keeps them."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Literal

from workflows.demo.calendar import Ago
from workflows.demo.planting import customer_number
from workflows.demo.world import World

SOURCE = "posti"
"""The source that needs a mail server: where there is none, the demo goes without it and says so."""
FOLDER = "mail"
OFFICE = Address("Asiakaspalvelu", addr_spec="asiakaspalvelu@esimerkkisahko.example")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message between a member and the office. `answers`: it answers the message before it."""

    member: str
    by: Literal["asiakas", "palvelu"]
    at: Ago
    subject: str
    text: str
    answers: bool = False


MAILS = (
    Mail("calls-and-tickets", "asiakas", Ago(months=12), "Muutto", "Hei, muutan kuun lopussa pois."),
    Mail(
        "calls-and-tickets", "palvelu", Ago(months=12), "Vs: Muutto",
        "Hei! Sopimus päättyy muuttopäivänä.\n\n> Hei, muutan kuun lopussa pois.", answers=True,
    ),
    Mail("newsletter-reader", "asiakas", Ago(months=6), "Tarjous", "Hei, saisinko tarjouksen pörssisähköstä?"),
    Mail("newsletter-reader", "palvelu", Ago(months=6), "Vs: Tarjous", "Hei! Tarjous on liitteenä.", answers=True),
    Mail("canary", "asiakas", Ago(months=1), "Testi", "Testiviesti."),
)  # fmt: skip


def write_mails(world: World, folder: Path) -> None:
    """Every message as a file of a Maildir under `folder`; what is there already is replaced."""
    box = folder / FOLDER
    shutil.rmtree(box, ignore_errors=True)
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
    before = ""
    for number, mail in enumerate(MAILS, 1):
        ident = f"<{number}.{customer_number(mail.member)}@esimerkkisahko.example>"
        raw = _message(world, mail, number=number, ident=ident, before=before)
        (box / "cur" / f"{number:04}.demo:2,S").write_bytes(raw)
        before = ident


def _message(world: World, mail: Mail, *, number: int, ident: str, before: str) -> bytes:
    who = world.people[str(customer_number(mail.member))]
    person = Address(f"{who.first.split(maxsplit=1)[0]} {who.last}", addr_spec=who.email)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = (person, OFFICE) if mail.by == "asiakas" else (OFFICE, person)
    message["Subject"] = mail.subject
    message["Date"] = datetime.combine(mail.at.on(world.as_of), time(9), UTC) + timedelta(minutes=17 * number)
    message["Message-ID"] = ident
    if mail.answers:
        message["In-Reply-To"] = message["References"] = before
    message["MIME-Version"] = "1.0"
    message.set_content(mail.text, cte="quoted-printable")
    return message.as_bytes()
