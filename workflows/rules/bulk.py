"""Requests on the lines of a CSV file: which columns there are, and what each line says or lacks."""

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from workflows.errors import BadInput, Fault
from workflows.rules import identifiers
from workflows.rules.form import FormRequest, read_day, understand_form
from workflows.rules.items import canonical

MOST_LINES = 10_000
CHANNELS = ("letter", "phone", "desk")
MANDATE = ("mandate", "mandate_name", "mandate_email", "mandate_phone", "mandate_until")
COLUMNS = (
    "key",
    "right",
    "language",
    "channel",
    "received_on",
    "name",
    *identifiers.KINDS,
    "message",
    "categories",
    "reply_to",
    "on_behalf",
    *MANDATE,
)
"""Every column there may be; only `right` has to be there, and something to find the person by."""

_DELIMITERS = ";,\t|"
_SEVERAL = str.maketrans({"+": ",", "/": ",", ";": ","})


@dataclass(frozen=True, slots=True)
class _Known:
    """What a line is read by."""

    today: date
    mandates: Sequence[str]
    categories: Collection[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it asks for, or what is wrong with it. `number` is the file's, the header being 1."""

    number: int
    key: str  # the same key is the same request, however often the file is read
    fields: Mapping[str, str]
    form: FormRequest | None = None
    channel: str = CHANNELS[0]
    reply_to: str = ""  # where the acknowledgement goes
    until: date | None = None
    faults: Sequence[Fault] = ()

    @property
    def said(self) -> str:
        """All it says but its key: equal lines are one request written twice.

        Another day of arrival or another wish is another request: whose it is shows only once they are proven.
        """
        return canonical({name: told.casefold() for name, told in self.fields.items() if told and name != "key"})


def read_lines(
    text: str, *, columns: Mapping[str, str], today: date, mandates: Sequence[str], categories: Collection[str] = ()
) -> Iterator[Line]:
    """The lines of a file with a header; `columns` maps ours to the header's where they differ.

    `categories`: those of the register, of which a line may ask for a copy alone.

    Raises `BadInput` where the file as a whole can't be read. Faults name fields and never their values.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = next(rows, [])
        where = _header(header, columns)
        count = 0
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            count += 1
            if count > MOST_LINES:
                raise BadInput([Fault("FILE", f"has more than {MOST_LINES} lines", "cut it into several files")])
            about = _Known(today, mandates, categories)
            yield _line(row, where, rows.line_num, width=len(header), known=about)
    except csv.Error:
        what = f"line {rows.line_num} is no line of a CSV file"
        raise BadInput([Fault("FILE", what, "save it as CSV with quotes around texts")]) from None


def _delimiter(text: str) -> str:
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    return max(_DELIMITERS, key=head.count)


def _header(row: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Our column to its place. Raises `BadInput` for one that is not there, twice there, or not known."""
    names = [cell.strip().casefold() for cell in row]
    theirs = {told.strip().casefold(): ours for ours, told in columns.items()}
    faults = [
        Fault("--column", f"{ours} is no column of ours", f"one of {', '.join(COLUMNS)}")
        for ours in columns
        if ours not in COLUMNS
    ]
    faults += [
        Fault("--column", "names a column that the file has not", "look at its first line")
        for told in theirs
        if told not in names
    ]
    where: dict[str, int] = {}
    for place, name in enumerate(names):
        ours = theirs.get(name, name if name not in columns else "")
        if ours in where:
            faults.append(Fault("FILE", f"has the column {ours} twice", "keep one of them"))
        elif ours in COLUMNS:
            where[ours] = place
        elif name:
            what = f"column {place + 1} is none of ours"
            faults.append(Fault("FILE", what, f"name it one of {', '.join(COLUMNS)}, map it, or leave it out"))
    if "right" not in where and not faults:
        faults.append(Fault("FILE", "has no column `right`", "its first line must name the columns"))
    if faults:
        raise BadInput(faults)
    return where


def _line(row: Sequence[str], where: Mapping[str, int], number: int, *, width: int, known: _Known) -> Line:
    fields = {name: row[place].strip() for name, place in where.items() if place < len(row)}
    fields["right"] = fields.get("right", "").translate(_SEVERAL)
    if "categories" in fields:
        fields["categories"] = fields["categories"].translate(_SEVERAL)
    key = fields.get("key") or hashlib.sha256(canonical(fields).encode()).hexdigest()
    faults: list[Fault] = []
    if len(row) > width:
        faults.append(Fault("line", "line_too_wide", "put texts with a separator into quotes"))
    if len(key) > 200:
        faults.append(Fault("key", "key_too_long", "at most 200 characters"))
    channel = fields.get("channel", "").lower() or CHANNELS[0]
    if channel not in CHANNELS:
        faults.append(Fault("channel", "channel_unknown", f"one of {', '.join(CHANNELS)}"))
    reply_to, holder = (_email(fields, name, faults) for name in ("reply_to", "mandate_email"))
    until = _until(fields, known.mandates, faults)
    form = None
    try:
        asked = {**fields, "on_behalf": "yes" if _acts(fields) else fields.get("on_behalf", "")}
        form = understand_form(asked, today=known.today, categories=known.categories)
    except BadInput as error:
        faults += error.faults
    if form is not None and not reply_to:
        # Who asks for another is written to, never the person it is about.
        reply_to = holder if form.on_behalf else form.identifiers.get(identifiers.EMAIL, "")
    return Line(number, key, fields, form, channel, reply_to, until, tuple(faults))


def _acts(fields: Mapping[str, str]) -> bool:
    return any(fields.get(name) for name in MANDATE)


def _email(fields: Mapping[str, str], name: str, faults: list[Fault]) -> str:
    given = fields.get(name, "")
    plain = identifiers.normalise(identifiers.EMAIL, given) if given else ""
    if plain is None:
        faults.append(Fault(name, "email_invalid", "write an address like name@example.com"))
    return plain or ""


def _until(fields: Mapping[str, str], mandates: Sequence[str], faults: list[Fault]) -> date | None:
    """The last day of the mandate; adds a fault for what is wrong with its columns."""
    if fields.get("mandate") and fields["mandate"] not in mandates:
        faults.append(Fault("mandate", "mandate_unknown", f"one of {', '.join(mandates)}"))
    given = fields.get("mandate_until", "")
    until = read_day(given) if given else None
    if given and until is None:
        faults.append(Fault("mandate_until", "date_invalid", "write the day as 2026-11-24 or 24.11.2026"))
    return until
