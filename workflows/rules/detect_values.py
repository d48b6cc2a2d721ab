"""What the values of a column look like: each test counts how many of a sample pass it. The values are forgotten.

A check digit alone proves little: one number in ten passes a reference number's. So tests count the distinct
values, and whoever reads the counts asks for nearly all of them.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

import phonenumbers
from stdnum import iban, luhn

from workflows.rules.discovered import NOTHING_SEEN, Evidence
from workflows.rules.identifiers import BUSINESS_ID, EMAIL, GSRN, NATIONAL_ID, normalise

LONGEST = 2000
"""Characters of one value that are looked at."""
_TASTE = 24
"""After so many distinct values a test that hardly any of them passed is given up: no share of it would count."""

_LETTER = r"[^\W\d_]"
_HETU = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", re.I)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[^\s@]{2,}")
_EMBEDDED = re.compile(
    r"(?<![\w.])(?:\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?!\w)|[\w.+-]{1,64}@[\w-]+\.[\w.-]{2,}"
    r"|(?:\+358|0)[1-9][\d \-]{6,12}\d)",
    re.I,
)
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_MOBILE = re.compile(r"(?:\+358 ?|0)(?:4\d|50)[ \-]?\d{3} ?\d{3,4}")
_PHONE = re.compile(r"\(?[+0][\d\s()\-./]{5,24}")
_BUSINESS = re.compile(r"\d{6,7}-\d")
_STREET = re.compile(rf"{_LETTER}[\w.:'’\- ]{{2,50}} \d{{1,4}}(?:[ \-]?{_LETTER})?(?: ?\d{{1,4}})?(?:, .{{0,40}})?")
_NAME = re.compile(
    rf"(?=[^\W\d_])[A-ZÅÄÖÉÜŠŽ]{_LETTER}*(?:[ '’\-][A-ZÅÄÖÉÜŠŽ]{_LETTER}*|,? (?:von|af|de|van) {_LETTER}+){{0,4}}"
)
_TWO_WORDS = re.compile(rf"[A-ZÅÄÖÉÜŠŽ]{_LETTER}+,?(?:[ '’\-][A-ZÅÄÖÉÜŠŽ]{_LETTER}*){{1,3}}")
_DATE = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?|(\d{1,2})\.(\d{1,2})\.(\d{4}))")
_POSTCODE = re.compile(r"\d{5}")
_WEIGHTS = (7, 3, 1) * 7  # of a Finnish payment reference, from its end
_LANGUAGES = frozenset({"fi", "sv", "en", "fin", "swe", "eng", "suomi", "ruotsi", "englanti", "finska", "svenska"})


def evidence_of(values: Iterable[object], *, today: date, numbers: bool = False) -> Evidence:
    """Count the tests over a sample of one column; numbers, dates and texts alike.

    `numbers`: the column holds whole numbers, so only what can be one is looked for.
    """
    seen = 0
    texts: dict[str, None] = {}
    dates: set[date] = set()
    for value in values:
        if value is None or isinstance(value, bool | float | bytes | memoryview):
            seen += value is not None
            continue
        if isinstance(value, date):
            seen += 1
            dates.add(value.date() if isinstance(value, datetime) else value)
            continue
        text = str(value)[:LONGEST].strip()
        if text:
            seen += 1
            texts[text] = None
    if not seen:
        return NOTHING_SEEN
    hits = _counted(list(texts), _NUMBERS if numbers else tuple(_TESTS))
    hits["birth"] = hits.get("birth", 0) + sum(_of_living(day, today) for day in dates)
    hits["date"] = hits.get("date", 0) + len(dates)
    if texts:
        hits["birth"] += sum(_of_living(day, today) for t in texts if (day := _day(t)) is not None)
    return Evidence(seen, len(texts) + len(dates), {name: count for name, count in hits.items() if count})


def _counted(texts: list[str], tests: Iterable[str]) -> dict[str, int]:
    hits: dict[str, int] = {}
    first, rest = texts[:_TASTE], texts[_TASTE:]
    for name in tests:
        test = _TESTS[name]
        count = sum(map(test, first))
        if rest and (count * 4 >= len(first) or name in _RARE):
            count += sum(map(test, rest))
        if count:
            hits[name] = count
    return hits


def _hetu(text: str) -> bool:
    return len(text) == 11 and bool(_HETU.fullmatch(text)) and normalise(NATIONAL_ID, text) is not None


def _email(text: str) -> bool:
    if "@" not in text:
        return False
    return bool(_PLAIN_EMAIL.fullmatch(text)) or (bool(_EMAIL.fullmatch(text)) and normalise(EMAIL, text) is not None)


def _phone(text: str) -> bool:
    if _MOBILE.fullmatch(text):
        return True
    if not _PHONE.fullmatch(text):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "FI"))
    except phonenumbers.NumberParseException:
        return False


def _iban(text: str) -> bool:
    return text[:2].isalpha() and text[2:4].isdigit() and 15 <= len(text) <= 42 and bool(iban.is_valid(text))


def _business_id(text: str) -> bool:
    return bool(_BUSINESS.fullmatch(text)) and normalise(BUSINESS_ID, text) is not None


def _gsrn(text: str) -> bool:
    return len(text) >= 18 and text[:1].isdigit() and normalise(GSRN, text) is not None


def _reference(text: str) -> bool:
    bare = text.replace(" ", "").lstrip("0")
    if not (bare.isascii() and bare.isdigit() and 4 <= len(bare) <= 20):
        return False
    total = sum(int(d) * w for d, w in zip(reversed(bare[:-1]), _WEIGHTS, strict=False))
    return (10 - total % 10) % 10 == int(bare[-1])


def _card(text: str) -> bool:
    bare = text.replace(" ", "").replace("-", "")
    return bare.isdigit() and 15 <= len(bare) <= 16 and bare[0] in "3456" and bool(luhn.is_valid(bare))


def _ip(text: str) -> bool:
    if not ("." in text or ":" in text) or len(text) > 45:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _day(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (match[1], match[2], match[3]) if match[1] else (match[6], match[5], match[4])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _of_living(day: date, today: date) -> bool:
    """The birthday of somebody of age: older than a child, younger than the oldest person there has been."""
    return 15 * 365 < (today - day).days < 122 * 366


def _prose(text: str) -> bool:
    return len(text) > 30 and text.count(" ") >= 4


_TESTS: Mapping[str, Callable[[str], bool]] = {
    "national_id": _hetu,
    "email": _email,
    "phone_number": _phone,
    "iban": _iban,
    "business_id": _business_id,
    "gsrn": _gsrn,
    "reference_number": _reference,
    "card": _card,
    "ip": _ip,
    "digits": str.isdigit,
    "postcode": lambda text: bool(_POSTCODE.fullmatch(text)),
    "leading_zero": lambda text: text.startswith("0") and len(text) > 1 and text.isdigit(),
    "street": lambda text: len(text) < 100 and bool(_STREET.fullmatch(text)),
    "name": lambda text: len(text) < 80 and bool(_NAME.fullmatch(text)),
    "two_words": lambda text: len(text) < 80 and bool(_TWO_WORDS.fullmatch(text)),
    "date": lambda text: _day(text) is not None,
    "language": lambda text: text.casefold() in _LANGUAGES,
    "prose": _prose,
    "embedded": lambda text: len(text) > 12 and " " in text and bool(_EMBEDDED.search(text)),
}
_NUMBERS = ("gsrn", "reference_number", "card", "digits", "postcode")
_RARE = frozenset({"embedded", "prose", "national_id", "email"})
"""Tests that one value in a hundred may pass and that matter even so."""
