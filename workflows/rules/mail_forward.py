"""The mail that a colleague passed on: whose it is, and when it first came into the house.

Only a colleague's word counts: for anybody else a forward is just text. Among several earlier mails the first one
that somebody outside the house wrote is the person's.
"""

import re
from collections.abc import Collection, Iterator, Sequence
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
    `text`: the words of that mail, without those of whoever passed it on.
    """

    sender: str
    sent_at: datetime | None
    several: bool = False
    text: str = ""


@dataclass(slots=True)
class _Head:
    """The lines above a mail that stands inside another one; `after` is the line below them."""

    sender: str | None = None  # "" where it has no address
    dated: bool = False
    sent_at: datetime | None = None
    after: int = 0


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
    above: list[datetime | None] = []
    for depth in sorted(set(contents.depths)):
        level = [n for n, d in enumerate(contents.depths) if d == depth]
        heads = [
            (sender_of(contents.forwarded[n])[1], sent_at_of(values(contents.forwarded[n], "date"), None), n)
            for n in level
        ]
        outside = [head for head in heads if head[0] and not _is_of(head[0], domains)]
        # what a colleague wrote beside the person's mail says nothing of when that came
        sent_at = _earliest([*above, *(at for _, at, _ in outside or heads)])
        if len({sender for sender, _, _ in outside}) > 1:
            return Forwarded("", sent_at, several=True)
        if outside:
            return Forwarded(outside[0][0], sent_at, text="\n\n".join(contents.words[n] for _, _, n in outside))
        above += [at for _, at, _ in heads]
    return Forwarded("", _earliest(above))


def _inline(quoted: str, domains: Collection[str]) -> Forwarded:
    """Head by head: those of colleagues lead on, the first other one is the person's, if it tells an address.

    What comes below that is what the person wrote or quoted, and tells neither a sender nor a day.
    """
    lines = quoted.split("\n")
    dates: list[datetime | None] = []
    for head in _heads(lines[:_MOST_LINES]):
        dates.append(head.sent_at)
        if not head.sender:
            return Forwarded("", _earliest(dates))
        if not _is_of(head.sender, domains):
            return Forwarded(head.sender, _earliest(dates), text="\n".join(lines[head.after :]).strip())
    return Forwarded("", _earliest(dates))


def _heads(lines: Sequence[str]) -> Iterator[_Head]:
    """Each head that names a sender; it ends with its day, or where a line is empty."""
    head = _Head()
    for n, line in enumerate([*lines, ""], start=1):
        match = _HEADER_LINE.match(line.strip()[:400])
        word = match[1].lower() if match else ""
        if match and word in _FROM_WORDS and head.sender is None:
            head.sender = _address_in(match[2])
        elif match and word in _DATE_WORDS and not head.dated:
            head.dated, head.sent_at = True, day_in(match[2])
        if (head.sender is not None and head.dated) or not re.search(r"\w", line):
            if head.sender is not None:
                head.after = n
                yield head
            head = _Head()


def _earliest(dates: Sequence[datetime | None]) -> datetime | None:
    return min((at for at in dates if at is not None), default=None)


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
