"""Identifiers that a text mentions; all are claims."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from workflows.rules import identifiers
from workflows.rules.identifiers import normalise
from workflows.rules.reference import parse_reference

MAX_FOUND = 50
_SEARCHED = 50_000  # characters; what comes later in a letter is history


@dataclass(frozen=True, slots=True)
class Claim:
    """One identifier in its comparable spelling."""

    kind: str
    value: str


_LABELLED = {
    identifiers.CUSTOMER_NUMBER: r"asiakas(?:numero|nro|nr|tunnus|no)\w{0,6}|as\.?\s?n(?:ro|o)"
    r"|kund(?:nummer|nr|id)\w{0,4}|customer\s?(?:number|no|nr|id)",
    identifiers.INVOICE: r"lasku(?:n\s?numero|numero|nro|n\s?nro)\w{0,6}|faktura(?:nummer|nr)\w{0,3}"
    r"|invoice\s?(?:number|no|nr)",
    identifiers.PAYMENT_REFERENCE: r"viite(?:numero|nro)?\w{0,4}|referens(?:nummer|nr)?\w{0,2}"
    r"|(?:payment\s)?reference(?:\s?(?:number|no))?",
}
_AFTER_LABEL = (
    r"\b(?:{})\.?(?:\s?(?:on|är|is))?\s?[:#=]?\s?(?:\(?n(?:ro|o|r)\.?\)?\s?)?([A-Z]{{0,4}}-?\d[\d \-/]{{2,24}}\d)"
)
_LABELS = {kind: re.compile(_AFTER_LABEL.format(words), re.IGNORECASE) for kind, words in _LABELLED.items()}
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"']{1,64}@[^\s@<>()\[\]\\,;:\"'/]{3,120}")
_HETU = re.compile(r"(?<![\w-])\d{6}[-+A-FU-Y\u2010-\u2015\u2212]\d{3}[0-9A-Y](?!\w)", re.IGNORECASE)
_GSRN = re.compile(r"(?<!\d)(?:\d[ \-]?){17}\d(?!\d)")
_REFERENCE = re.compile(r"\bTP[\s\-‐‑–_.]{0,3}(?:[0-9A-Za-z][\s\-‐‑–_.]{0,2}){13}(?![0-9A-Za-z])", re.IGNORECASE)
_BUSINESS_ID = re.compile(r"(?<![\d-])\d{7}[-\u2010-\u2015]\d(?![\d-])")


def references_in(text: str) -> tuple[str, ...]:
    """Our own case references that a text mentions, each once, in order."""
    found = (parse_reference(m[0]) for m in _REFERENCE.finditer(text[:_SEARCHED]))
    return tuple(dict.fromkeys(r for r in found if r))[:MAX_FOUND]


def claims_in(text: str, *, customer_number: str = "") -> tuple[Claim, ...]:
    """Identifiers a text mentions, each once. `customer_number` is the pattern of the controller's numbers, if any.

    Without a pattern a customer number is taken only after the word for it; so are invoice numbers and
    payment references always.
    """
    searched = _REFERENCE.sub(" ", text[:_SEARCHED])
    found: dict[Claim, None] = {}
    for kind, value in _found(searched, customer_number):
        if (plain := normalise(kind, value)) is not None:
            found.setdefault(Claim(kind, plain))
        if len(found) >= MAX_FOUND:
            break
    return tuple(found)


def _found(text: str, customer_number: str) -> Iterator[tuple[str, str]]:
    for m in _EMAIL.finditer(text):
        yield identifiers.EMAIL, m[0].strip(".!?*_")
    for m in _HETU.finditer(text):
        yield identifiers.NATIONAL_ID, m[0]
    for m in _GSRN.finditer(text):
        yield identifiers.GSRN, m[0]
    for m in _BUSINESS_ID.finditer(text):
        yield identifiers.BUSINESS_ID, m[0]
    taken = _HETU.sub(" ", _GSRN.sub(" ", text))
    labelled = []
    for kind, label in _LABELS.items():
        for m in label.finditer(taken):
            labelled.append(m[1])
            if kind != identifiers.CUSTOMER_NUMBER or not customer_number:
                yield kind, m[1]
    if customer_number:
        for m in re.finditer(rf"(?<![\w-])(?:{customer_number})(?![\w-])", taken, re.IGNORECASE):
            yield identifiers.CUSTOMER_NUMBER, m[0]
    for number in labelled:
        taken = taken.replace(number, " ")
    for phone in phonenumbers.PhoneNumberMatcher(taken, "FI", leniency=phonenumbers.Leniency.VALID, max_tries=200):
        yield identifiers.PHONE, phone.raw_string
