"""The mail that a colleague passed on: whose it is, and when it first came into the house.

Only a colleague's word counts: for anybody else a forward is just text. Among several earlier mails the first one
that somebody outside the house wrote is the person's.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workflows.rules import identifiers
from workflows.rules.mail_claims import claims_in
from workflows.rules.mail_heads import sender_of, sent_at_of
from workflows.rules.mail_parts import Contents, values
from workflows.rules.mail_text import Letter

PUBLIC_DOMAINS = frozenset(
    """gmail.com googlemail.com outlook.com hotmail.com hotmail.fi live.com live.fi msn.com yahoo.com icloud.com me.com
    gmx.com gmx.net proton.me protonmail.com luukku.com suomi24.fi kolumbus.fi elisanet.fi saunalahti.fi pp.inet.fi
    telia.com hotmail.se""".split()  # noqa: SIM905  # one name a line would hide the rest of the module
)
"""Where anybody can have a mailbox: sharing such a domain with us makes nobody our colleague."""

_FORWARD_SUBJECT = re.compile(r"^\s*(fwd?|vl|vb|vbs|wl|edelleen|välitys|i)\s*:", re.IGNORECASE)
_HEADER_LINE = re.compile(r"^\W{0,3}([^\W\d]{3,12})\W{0,3}:\s*(.+)$")
_FROM_WORDS = frozenset({"from", "lähettäjä", "från", "keneltä", "avsändare"})
_DATE_WORDS = frozenset({"sent", "date", "lähetetty", "päivämäärä", "päiväys", "skickat", "datum", "pvm"})
_MOST_LINES = 400
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "tammikuu january januari jan tammi",
            "helmikuu february februari feb helmi",
            "maaliskuu march mars mar maalis",
            "huhtikuu april apr huhti",
            "toukokuu may maj touko",
            "kesäkuu june juni jun kesä",
            "heinäkuu july juli jul heinä",
            "elokuu august augusti aug elo",
            "syyskuu september sept sep syys",
            "lokakuu october oktober oct okt loka",
            "marraskuu november nov marras",
            "joulukuu december dec joulu",
        ),
        start=1,
    )
    for name in names.split()
}
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)|(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_WORDS = re.compile(
    r"(?<!\d)(?P<d>\d{1,2})\.?\s+(?P<m>[^\W\d]{3,12})\.?,?\s+(?P<y>\d{4})(?!\d)"
    r"|\b(?P<m2>[^\W\d]{3,12})\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{4})(?!\d)"
)
_SLASHES = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail that a member of staff passed on. `sent_at`: UTC; a day without zone counts from its midnight UTC.

    `several`: mails of more than one person were passed on at once, so that nobody can say whose the wish is.
    """

    sender: str
    sent_at: datetime | None
    several: bool = False


def forwarded_of(
    contents: Contents, letter: Letter, *, sender: str, subject: str, ours: Collection[str]
) -> Forwarded | None:
    """The person's mail inside one from a colleague; None where no colleague passed anything on.

    `ours` are domains of the house. The day is the earliest that any of the mails tells: each of them was in the
    house by then, or is about to be believed against us and not against the person.
    """
    domains = {d.lower() for d in ours} - PUBLIC_DOMAINS
    if not _is_of(sender, domains):
        return None
    if contents.forwarded:
        return _attached(contents, domains)
    if not letter.quoted or not (letter.forwarded or _FORWARD_SUBJECT.match(subject)):
        return None
    return _inline(letter.quoted, domains)


def _is_of(address: str, domains: Collection[str]) -> bool:
    domain = address.rpartition("@")[2]
    return bool(domain) and any(domain == d or domain.endswith("." + d) for d in domains)


def _attached(contents: Contents, domains: Collection[str]) -> Forwarded:
    """Level by level: mails of colleagues lead deeper, the first level with somebody from outside is the person's."""
    seen: list[tuple[str, datetime | None]] = []
    for depth in sorted(set(contents.depths)):
        level = [h for h, d in zip(contents.forwarded, contents.depths, strict=True) if d == depth]
        heads = [(sender_of(head)[1], sent_at_of(values(head, "date"), None)) for head in level]
        seen += heads
        outsiders = {s for s, _ in heads if s and not _is_of(s, domains)}
        if len(outsiders) > 1:
            return Forwarded("", _earliest(seen), several=True)
        if outsiders:
            return Forwarded(outsiders.pop(), _earliest(seen))
    return Forwarded("", _earliest(seen))


def _inline(quoted: str, domains: Collection[str]) -> Forwarded:
    heads: list[tuple[str, datetime | None]] = []
    for line in quoted.split("\n")[:_MOST_LINES]:
        if not (match := _HEADER_LINE.match(line.strip()[:400])):
            continue
        word, value = match[1].lower(), match[2]
        if word in _FROM_WORDS:
            heads.append((_address_in(value), None))
        elif word in _DATE_WORDS and (not heads or heads[-1][1] is None):
            before = heads.pop()[0] if heads else ""
            heads.append((before, day_in(value)))
        # what comes after the first mail from outside is what the person wrote or quoted
        if heads and heads[-1][0] and heads[-1][1] and not _is_of(heads[-1][0], domains):
            break
    outside = next((s for s, _ in heads if s and not _is_of(s, domains)), "")
    return Forwarded(outside, _earliest(heads))


def _earliest(heads: Sequence[tuple[str, datetime | None]]) -> datetime | None:
    return min((at for _, at in heads if at is not None), default=None)


def _address_in(value: str) -> str:
    return next((c.value for c in claims_in(value) if c.kind == identifiers.EMAIL), "")


def day_in(text: str) -> datetime | None:
    """The day that a forwarded header names in any of our languages; None where it could be two days."""
    for day, month, year in _days(text[:200]):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
    return None


def _days(text: str) -> Sequence[tuple[str, str | int, str]]:
    found: list[tuple[str, str | int, str]] = []
    if m := _NUMBERS.search(text):
        found.append((m[1], m[2], m[3]) if m[1] else (m[6], m[5], m[4]))
    for m in _WORDS.finditer(text):
        name = (m["m"] or m["m2"]).lower()
        stem = max((m for m in _MONTHS if name.startswith(m)), key=len, default="")
        if month := _MONTHS.get(stem):
            found.append((m["d"] or m["d2"], month, m["y"] or m["y2"]))
    if m := _SLASHES.search(text):
        if int(m[1]) > 12 >= int(m[2]):
            found.append((m[1], m[2], m[3]))
        elif int(m[2]) > 12 >= int(m[1]) or m[1] == m[2]:
            found.append((m[2], m[1], m[3]))
    return found
