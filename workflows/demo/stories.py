"""The stories that `vastine demo` plays: who asks for what, how they are proven, who decides, how it ends."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from models.vocabulary import Channel, Ground, Method, Outcome, RequestState, Right, Role
from workflows.demo import story_texts as texts
from workflows.demo.planting import CAST, as_person, customer_number

MAILBOX = "tietosuojavastaava@esimerkkisahko.example"
SENT_AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)

STAFF: tuple[tuple[str, Role], ...] = (
    ("ilona", Role.INTAKE),
    ("kaspar", Role.CASEWORKER),
    ("anneli", Role.APPROVER),
    ("tuulikki", Role.DPO),
    ("aatos", Role.AUDITOR),
    ("yllapito", Role.ADMIN),
)
"""Demo log-ins and their roles."""

_TWO = ("anneli", "tuulikki")
Body = Literal["plain", "latin", "html"]


@dataclass(frozen=True, slots=True)
class Story:
    """One request from intake to its end.

    `verified` is None where nobody is ever proven; `by` is the member of staff for `Method.DESK`. `approvers`
    decide where a person must, in this order. `refusal` (with `reason`) is a refusal by the last of them.
    """

    slug: str
    member: str
    right: Right
    channel: Channel
    language: str
    verified: Method | None
    state: RequestState
    outcome: Outcome
    holds: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    by: str = ""
    refusal: Ground | None = None
    reason: str = ""
    mail: texts.MailBody | None = None
    body: Body = "plain"
    give: tuple[str, ...] = ("customer_number", "email")

    @property
    def identity(self) -> dict[str, str]:
        """What the person says about themselves in the form: identity key to value."""
        who = as_person(next(m for m in CAST if m.slug == self.member))
        known = {
            "customer_number": str(customer_number(self.member)),
            "email": who.email,
            "phone_number": who.phone,
            "name": f"{who.first} {who.last}".strip(),
        }
        return {key: known[key] for key in (*self.give, "name")}


STORIES: tuple[Story, ...] = (
    Story(
        "access-by-form", "active", Right.ACCESS, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED,
    ),
    Story(
        "access-by-mail-swedish", "swedish", Right.ACCESS, Channel.EMAIL, "sv", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED, mail=texts.ACCESS_SV, body="latin",
    ),
    Story(
        "access-by-mail-english", "foreign", Right.ACCESS, Channel.EMAIL, "en", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED, mail=texts.ACCESS_EN, body="html",
    ),
    Story(
        "access-to-a-joint-contract", "joint-second", Right.ACCESS, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED, approvers=("tuulikki",),
    ),
    Story(
        "portability-of-five-points", "five-points", Right.PORTABILITY, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED,
    ),
    Story(
        "erasure-of-everything", "ended-12-years", Right.ERASURE, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.ERASED, approvers=_TWO,
    ),
    Story(
        "erasure-after-paying-all", "paid-all", Right.ERASURE, Channel.EMAIL, "fi", Method.CODE,
        RequestState.HELD, Outcome.PARTLY_ERASED, ("H06", "H01", "H02"), _TWO, mail=texts.ERASURE_FI,
    ),
    Story(
        "erasure-with-an-open-invoice", "open-invoice", Right.ERASURE, Channel.PORTAL, "fi", Method.CODE,
        RequestState.HELD, Outcome.PARTLY_ERASED, ("H09", "H06", "H01"), _TWO,
    ),
    Story(
        "erasure-during-collection", "in-collection", Right.ERASURE, Channel.EMAIL, "fi", Method.CODE,
        RequestState.HELD, Outcome.PARTLY_ERASED, ("H10", "H09", "H06"), _TWO, mail=texts.ERASURE_SHORT_FI,
    ),
    Story(
        "erasure-refused", "grid-only", Right.ERASURE, Channel.PORTAL, "fi", Method.DESK,
        RequestState.CLOSED, Outcome.REFUSED, ("H12",), ("tuulikki",), "ilona", Ground.NO_GROUND,
        "Sopimus on voimassa, ja tarvitsemme kaikki tiedot sen täyttämiseen.",
    ),
    Story(
        "nobody-of-that-name", "unknown", Right.ACCESS, Channel.EMAIL, "fi", None,
        RequestState.CLOSED, Outcome.NOT_IDENTIFIED, mail=texts.ACCESS_FI,
    ),
    Story(
        "nothing-on-file", "unknown", Right.ACCESS, Channel.PORTAL, "en", Method.DESK,
        RequestState.CLOSED, Outcome.NOTHING_FOUND, by="ilona", give=("email",),
    ),
    Story(
        "access-with-recordings", "calls-and-tickets", Right.ACCESS, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.DELIVERED,
    ),
    Story(
        "erasure-in-services-and-files", "newsletter-reader", Right.ERASURE, Channel.PORTAL, "fi", Method.CODE,
        RequestState.CLOSED, Outcome.ERASED, approvers=_TWO,
    ),
    Story(
        "erasure-of-a-note-on-paper", "paper-contract", Right.ERASURE, Channel.PORTAL, "fi", Method.CODE,
        RequestState.HELD, Outcome.PARTLY_ERASED, ("H06", "H01"), _TWO,
    ),
)  # fmt: skip
"""In the order in which they are played."""


def eml(story: Story, sent_at: datetime | None = None) -> bytes:
    """The mail of a story as it arrives: the same bytes for the same time. Raises ValueError if it came by no mail."""
    if story.mail is None:
        raise ValueError("this story did not begin with a mail")
    index = STORIES.index(story)
    who = as_person(next(m for m in CAST if m.slug == story.member))
    name = f"{who.first.split(maxsplit=1)[0]} {who.last}"
    words = {"name": name, "number": str(customer_number(story.member))}
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=who.email)
    message["To"] = MAILBOX
    message["Subject"] = story.mail.subject
    message["Date"] = (sent_at or SENT_AT) + timedelta(minutes=17 * index)
    message["Message-ID"] = f"<{story.slug}@{who.email.partition('@')[2]}>"
    message["MIME-Version"] = "1.0"
    text = story.mail.text.format(**words)
    if story.body == "latin":
        message.set_content(text, charset="iso-8859-1", cte="quoted-printable")
    else:
        message.set_content(text, cte="quoted-printable")
    if story.body == "html":
        rows = "".join(f"<p>{line}</p>" for line in text.splitlines() if line)
        message.add_alternative(f"<html><body>{rows}</body></html>", subtype="html", cte="quoted-printable")
        message.set_boundary(f"==={story.slug}===")
    return message.as_bytes()
