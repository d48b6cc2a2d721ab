"""Mail is understood, or handed to a person; it never breaks anything."""

from email.message import EmailMessage

import pytest

from models.vocabulary import Right
from workflows.rules.mail import understand_mail

OWN = ("tietosuoja@lakeus.example", "asiakaspalvelu@lakeus.example")


def mail(body, *, subject="Asia", sender="Aino Äijälä <aino@esimerkki.example>", **headers):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = OWN[0]
    message["Subject"] = subject
    message["Message-ID"] = "<1@esimerkki.example>"
    message["Date"] = "Tue, 24 Nov 2026 09:00:00 +0200"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes()


def understood(body, **more):
    return understand_mail(mail(body, **more), own_addresses=OWN)


@pytest.mark.parametrize(
    ("text", "language", "rights"),
    [
        ("Hei, haluan tietää mitä tietoja teillä on minusta. Asiakasnumeroni on 100042.", "fi", [Right.ACCESS]),
        ("Poistakaa kaikki tietoni rekisteristänne.", "fi", [Right.ERASURE]),
        ("Älkää poistako tietojani, haluan kopion tiedoistani.", "fi", [Right.ACCESS]),
        ("Hej! Jag vill ha ett registerutdrag.", "sv", [Right.ACCESS]),
        ("Var vänliga och radera alla mina uppgifter.", "sv", [Right.ERASURE]),
        ("Jag vill inte att ni raderar mina uppgifter.", "sv", []),
        ("I want to exercise my right to be forgotten.", "en", [Right.ERASURE]),
        ("Please do not delete my data.", "en", []),
        ("Send me a copy of my personal data and then delete all my data.", "en", [Right.ACCESS, Right.ERASURE]),
    ],
)
def test_a_wish_is_read_in_three_languages(text, language, rights):
    mail_ = understood(text)
    assert (mail_.language, list(mail_.rights)) == (language, rights)
