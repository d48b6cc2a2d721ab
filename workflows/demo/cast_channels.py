"""The cast, third part: people who called, wrote, subscribed, answered a survey, or signed on paper.

What each of them left in the sources beside the databases is told here too, by member.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from workflows.demo.calendar import Ago
from workflows.demo.cast import Deal, Member, erased, partly

CALLERS: tuple[Member, ...] = (
    Member(
        "calls-and-tickets", "Hirvelä", "Marjatta Elina", date(1954, 2, 11), True,
        "Called twice and wrote once; the ticket tells of a neighbour, whose words stay the neighbour's.",
        partly("H06", "H01", rows="M30 M42 M45"),
        deals=(Deal(Ago(years=4), Ago(years=1)),), rows=("M01", "M03", "M04", "M15"),
    ),
    Member(
        "newsletter-reader", "Kallio", "Iida Emilia", date(1997, 5, 23), True,
        "Asked for an offer, never bought: subscribes to the newsletter and answered two surveys.",
        erased(rows="M28 M53 M55"), since=Ago(years=1), rows=("M01",),
    ),
    Member(
        "paper-contract", "Niskala", "Aulis Johannes", date(1948, 8, 15), False,
        "Signed on paper: the contract in the cellar is kept with its date, a loose note beside it is shredded.",
        partly("H06", "H01", rows="M30 M50 M51"),
        deals=(Deal(Ago(years=6), Ago(years=1)),), rows=("M01", "M15"),
    ),
    Member(
        "visited", "Ojala", "Rauno Kalevi", date(1976, 12, 1), False,
        "A fitter came in his time and again in that of whoever moved in after him: only the first visit is his.",
        partly("H06", "H01", rows="M30 M45"),
        deals=(
            Deal(Ago(years=3), Ago(months=8), stored=((Ago(months=10), Ago(months=8)), (Ago(months=4), Ago(months=2)))),
        ),
        rows=("M01", "M06", "M15"),
    ),
    Member(
        "visited-next", "Kytölä", "Senja Maria", date(1991, 10, 30), True,
        "Moved in where another had moved out, and away again: the second visit is hers.",
        partly("H06", "H01", rows="M30 M45"),
        since=Ago(months=8), deals=(Deal(Ago(months=8), Ago(months=2), at="visited"),), rows=("M01", "M06", "M15"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a ticket, so many hours after it was opened."""

    by: Literal["asiakas", "palvelu"]
    text: str
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else whom a ticket tells of."""

    name: str
    phone: str
    told: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A member wrote. `numbered`: somebody typed the customer number in; otherwise only the address is known."""

    member: str
    opened: Ago
    subject: str
    messages: tuple[Said, ...]
    numbered: bool = True
    other: Other | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A member called from the telephone on file."""

    member: str
    at: Ago
    subject: str
    seconds: int = 3


@dataclass(frozen=True, slots=True)
class Visit:
    """A fitter came to the member's metering point."""

    member: str
    on: Ago
    what: str
    neighbour: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A member answered the survey."""

    member: str
    on: Ago
    mark: int
    comment: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of a member. `ended`: when the contract on it ended; a note has no end."""

    member: str
    where: str
    content: str
    pages: int
    ended: Ago | None = None


TICKETS = (
    Ticket(
        "calls-and-tickets", Ago(months=14), "Naapurin aggregaatti",
        (
            Said("asiakas", "Hei, mittarini näyttää liikaa siitä asti, kun naapuri kytki aggregaattinsa."),
            Said("palvelu", "Hei! Tarkistamme mittauksen ja palaamme asiaan.", 3),
            Said("asiakas", "Kiitos, ongelma poistui, kun naapuri vaihtoi pistorasiaa.", 50),
        ),
        other=Other("Urpo Naapuri", "+358457999999", "Kertoi kytkeneensä aggregaatin taloyhtiön pistorasiaan."),
    ),
    Ticket(
        "calls-and-tickets", Ago(months=11), "Loppulasku",
        (Said("asiakas", "Minne loppulasku lähetetään?"), Said("palvelu", "Uuteen osoitteeseenne.", 1)), numbered=False,
    ),
    Ticket("visited", Ago(months=20), "Sulake palaa", (Said("asiakas", "Pääsulake palaa joka viikko."),)),
    Ticket("newsletter-reader", Ago(months=5), "Tarjous", (Said("asiakas", "Paljonko sähkö maksaisi?"),)),
    Ticket("canary", Ago(months=1), "Testi", (Said("asiakas", "Testiviesti."),)),
)  # fmt: skip
CALLS = (
    Call("calls-and-tickets", Ago(months=15), "Mittarilukema"),
    Call("calls-and-tickets", Ago(months=4), "Loppulaskun maksupäivä", 4),
    Call("canary", Ago(months=1), "Testi", 1),
)
SUBSCRIBED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("newsletter-reader", ("säästövinkit", "aurinkosähkö")),
    ("calls-and-tickets", ("hinnat",)),
    ("canary", ()),
)
VISITS = (
    Visit("visited", Ago(months=19), "Pääsulake vaihdettu.", "Naapuri kertoi nähneensä savua."),
    Visit("visited-next", Ago(months=5), "Mittari luettu paikan päällä."),
    Visit("canary", Ago(months=1), "Testikäynti."),
)
ANSWERED = (
    Answered("newsletter-reader", Ago(months=7), 4, "Selkeä kirje; lisää säästövinkkejä."),
    Answered("newsletter-reader", Ago(months=1), 5, ""),
    Answered("calls-and-tickets", Ago(months=10), 2, "Puhelimessa sai odottaa."),
    Answered("canary", Ago(months=1), 3, "testi"),
)
PAPERS = (
    Paper("paper-contract", "Kellari / A", "Allekirjoitettu sähkösopimus", 4, Ago(years=1)),
    Paper("paper-contract", "Kellari / B", "Muistilappu: soita ennen kuin käyt", 1),
)
ARCHIVED = ("calls-and-tickets", "paper-contract", "visited", "canary")
"""Members some of whose old values lie in the archive."""
