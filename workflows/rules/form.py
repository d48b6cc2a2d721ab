"""What a web form, or a member of staff who writes a request down, asks for."""

import calendar
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from models.vocabulary import LANGUAGES, Right
from workflows.errors import BadInput, Fault
from workflows.rules import identifiers
from workflows.rules.mandates import KINDS
from workflows.rules.narrowed import read_wanted

MESSAGE_CHARACTERS = 5000
NAME_CHARACTERS = 200

REMEDIES: Mapping[str, str] = {
    "right_missing": "Choose what you ask for.",
    "right_unknown": "Choose one of the rights on the list.",
    "language_unknown": "Choose Finnish, Swedish or English.",
    "too_long": "Write less; the rest can follow by mail.",
    "email_invalid": "Write an address like name@example.com.",
    "phone_number_invalid": "Write a number like 040 123 4567, or with its country: +46 ...",
    "national_id_invalid": "Check the eleven characters of the personal identity code.",
    "gsrn_invalid": "Check the eighteen digits of the metering point; they stand on the invoice.",
    "reference_number_invalid": "Check the reference number on the invoice.",
    "business_id_invalid": "Check the business ID, like 1234567-8.",
    "identifier_invalid": "Check this value.",
    "nothing_to_find_by": "Give a name, an e-mail address, a phone number or a customer number.",
    "date_invalid": "Write the day as 2026-11-24 or 24.11.2026.",
    "date_in_future": "The day of arrival cannot be later than today.",
    "date_too_old": "The day of arrival is more than a year ago; check it.",
    "mandate_kind_missing": "Choose by what right you act.",
    "holder_name_missing": "Write your own name.",
    "holder_email_invalid": "Write your own address, like name@example.com.",
    "customer_number_invalid": "Check the customer number; it stands on the invoice.",
}
"""What to do about each mistake, in English; the doors translate by code."""

TRIAGE_ON_BEHALF = "on_behalf"
TRIAGE_OTHER_RIGHT = "other_right"
TRIAGE_SEVERAL_RIGHTS = "several_rights"
TRIAGE_NO_IDENTIFIER = "no_identifier"

_AUTOMATIC = frozenset({Right.ACCESS, Right.PORTABILITY, Right.ERASURE, Right.RESTRICTION, Right.OBJECTION})
_YES = frozenset({"1", "on", "true", "yes", "y"})
_FINNISH_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FormRequest:
    """One request as a form has it: everything in it is claimed, nothing proven.

    `identifiers` maps identity keys to their comparable spelling. `triage` is a code if a person must
    look first. A personal identity code among the identifiers may select a record and proves nothing.
    """

    rights: tuple[Right, ...]
    language: str
    name: str
    identifiers: Mapping[str, str]
    message: str
    received_on: date | None  # only from staff; None: now
    on_behalf: bool
    triage: str | None
    language_said: bool = True  # False: it is ours by default
    mandate_kind: str = ""  # by what right somebody acts for the person, as they say
    holder: tuple[str, str, str] = ("", "", "")  # name, e-mail and telephone of who acts
    categories: tuple[str, ...] | None = None  # of which kinds of data a copy is wanted; None: of all
    no_ban: bool = False  # an erasure is not to set a ban on marketing too

    @property
    def right(self) -> Right:
        """The right asked for; of several the first."""
        return self.rights[0]


def understand_form(
    fields: Mapping[str, str],
    *,
    today: date | None = None,
    customer_number: str = "",
    categories: Collection[str] = (),
) -> FormRequest:
    """Read a form: `right` (several: "access,erasure"), `language`, `name`, the identity keys, `message`, `on_behalf`.

    Of somebody who acts for another also `mandate_kind`, `holder_name`, `holder_email`, `holder_phone`.

    With `today`, the day at the controller's seat, it is a staff entry and `received_on` is read too.
    `customer_number` is the pattern of the controller's numbers, "" for any. `categories` are the register's: of which
    a copy is wanted, `categories` says with commas, "" for all. Other fields are ignored.
    Raises `BadInput` with one `Fault` per field; `what` is a key of `REMEDIES`.
    """
    faults: list[Fault] = []
    rights = _rights(fields.get("right", ""), faults)
    said = identifiers.clean(fields.get("language", "")).strip().lower()
    language = said or LANGUAGES[0]
    if language not in LANGUAGES:
        faults.append(_fault("language", "language_unknown"))
    name = " ".join(_text(fields, "name", faults, most=NAME_CHARACTERS).split())
    message = _text(fields, "message", faults, most=MESSAGE_CHARACTERS).strip()
    claimed = _identifiers(fields, faults, customer_number=customer_number)
    received_on = _received_on(fields.get("received_on", ""), today, faults=faults) if today else None
    on_behalf = fields.get("on_behalf", "").strip().lower() in _YES
    holder = _holder(fields, faults) if on_behalf else ("", "", "")
    wanted, not_wanted = read_wanted(fields.get("categories", ""), rights, known=categories)
    faults += not_wanted if rights else []
    wrong = {f.where for f in faults}
    if not (claimed or name or wrong & {*identifiers.KINDS, "name"}) and (today is None or not message):
        faults.append(_fault("email", "nothing_to_find_by"))
    if faults:
        raise BadInput(faults)
    return FormRequest(
        rights=rights,
        language=language,
        language_said=bool(said),
        name=name,
        identifiers=claimed,
        message=message,
        received_on=received_on,
        on_behalf=on_behalf,
        triage=_triage(rights, on_behalf=on_behalf, identified=bool(claimed)),
        mandate_kind=fields.get("mandate_kind", "") if on_behalf else "",
        holder=holder,
        categories=wanted,
        no_ban=fields.get("no_ban", "").strip().lower() in _YES,
    )


def _holder(fields: Mapping[str, str], faults: list[Fault]) -> tuple[str, str, str]:
    """Who acts for another; where a form asks by what right (`mandate_kind`), all but the telephone has to be said."""
    name = " ".join(_text(fields, "holder_name", faults, most=NAME_CHARACTERS).split())
    given = fields.get("holder_email", "")[:1000]
    email = identifiers.normalise(identifiers.EMAIL, given) if identifiers.clean(given).strip() else ""
    phone = " ".join(_text(fields, "holder_phone", faults, most=NAME_CHARACTERS).split())
    asked = "mandate_kind" in fields
    if asked and fields["mandate_kind"] not in KINDS:
        faults.append(_fault("mandate_kind", "mandate_kind_missing"))
    if asked and not name:
        faults.append(_fault("holder_name", "holder_name_missing"))
    if email is None or (asked and not email):
        faults.append(_fault("holder_email", "holder_email_invalid"))
    return name, email or "", phone


def _triage(rights: tuple[Right, ...], *, on_behalf: bool, identified: bool) -> str | None:
    if on_behalf:
        return TRIAGE_ON_BEHALF
    if not set(rights) <= _AUTOMATIC:
        return TRIAGE_OTHER_RIGHT
    if len(rights) > 1:
        return TRIAGE_SEVERAL_RIGHTS
    return None if identified else TRIAGE_NO_IDENTIFIER


def _rights(given: str, faults: list[Fault]) -> tuple[Right, ...]:
    words = [w for w in (identifiers.clean(part).strip().lower() for part in given[:200].split(",")) if w]
    if not words:
        faults.append(_fault("right", "right_missing"))
        return ()
    known = {r.value: r for r in Right}
    if any(w not in known for w in words):
        faults.append(_fault("right", "right_unknown"))
        return ()
    return tuple(dict.fromkeys(known[w] for w in words))


def _text(fields: Mapping[str, str], field: str, faults: list[Fault], *, most: int) -> str:
    given = fields.get(field, "")
    # cleaning costs time per character, so that the absurd is refused before it
    text = identifiers.clean(given) if len(given) <= 4 * most else given
    if len(text) > most:
        faults.append(_fault(field, "too_long"))
        return ""
    return text


def _identifiers(fields: Mapping[str, str], faults: list[Fault], *, customer_number: str) -> dict[str, str]:
    claimed = {}
    for kind in identifiers.KINDS:
        given = fields.get(kind, "")
        if not identifiers.clean(given[:1000]).strip():
            continue
        value = identifiers.normalise(kind, given)
        if value is not None and kind == identifiers.CUSTOMER_NUMBER and customer_number:
            value = value if re.fullmatch(customer_number, value, re.IGNORECASE) else None
        if value is None:
            code = f"{kind}_invalid"
            faults.append(_fault(kind, code if code in REMEDIES else "identifier_invalid"))
        else:
            claimed[kind] = value
    return claimed


def _received_on(given: str, today: date, *, faults: list[Fault]) -> date | None:
    text = identifiers.clean(given[:100]).strip()
    if not text:
        return None
    day = read_day(text)
    faults += day_faults(day, today)
    return day


def day_faults(day: date | None, today: date) -> list[Fault]:
    """What is wrong with a day of arrival; the field is called received_on."""
    if day is None:
        return [_fault("received_on", "date_invalid")]
    if day > today:
        return [_fault("received_on", "date_in_future")]
    return [_fault("received_on", "date_too_old")] if day < _a_year_before(today) else []


def read_day(text: str) -> date | None:
    """A day as staff write it, 2026-11-24 or 24.11.2026; None if it is no day."""
    try:
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
        if finnish := _FINNISH_DAY.fullmatch(text):
            return date(int(finnish[3]), int(finnish[2]), int(finnish[1]))
    except ValueError:
        return None
    return None


def _a_year_before(day: date) -> date:
    last = calendar.monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))


def _fault(field: str, code: str) -> Fault:
    return Fault(field, code, REMEDIES[code])
