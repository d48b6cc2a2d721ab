"""What people write in the demo's mails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailBody:
    """A mail's words; {name} and {number} are filled in."""

    subject: str
    text: str


ACCESS_FI = MailBody(
    "Omien tietojen tarkastuspyyntö",
    """Hei,

haluan tietää, mitä tietoja teillä on minusta. Pyydän kopion kaikista itseäni koskevista
henkilötiedoista tietosuoja-asetuksen 15 artiklan mukaisesti.

Asiakasnumeroni on {number}.

Terveisin
{name}
""",
)

ACCESS_SV = MailBody(
    "Begäran om registerutdrag",
    """Hej,

jag vill veta vilka uppgifter ni har om mig. Jag begär ett registerutdrag, alltså en kopia av
mina personuppgifter enligt artikel 15 i dataskyddsförordningen.

Mitt kundnummer är {number}.

Med vänlig hälsning
{name}
""",
)

ACCESS_EN = MailBody(
    "Request for a copy of my personal data",
    """Hello,

I was your customer until last year. Please send me a copy of my personal data, as Article 15 of
the GDPR gives me the right to have.

My customer number is {number}.

Kind regards,
{name}
""",
)

ERASURE_FI = MailBody(
    "Tietojeni poistaminen",
    """Hei!

Sähkösopimukseni kanssanne päättyi neljä vuotta sitten ja kaikki laskut on maksettu. Pyydän, että
poistatte kaikki minua koskevat henkilötiedot järjestelmistänne.

Asiakasnumero: {number}

Ystävällisin terveisin
{name}
""",
)

ERASURE_SHORT_FI = MailBody(
    "Poistakaa tietoni",
    """Poistakaa kaikki tietoni rekisteristänne heti. As.nro {number}.

{name}
""",
)
