"""The sentence that tells a person why something is kept."""

import string
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from workflows.errors import NeverAgain
from workflows.rules.hold_rules import TextLike
from workflows.rules.items import HoldMatch

_LOCALES = {"fi": ("fi", "medium"), "sv": ("sv", "long"), "en": ("en_GB", "long")}


def hold_sentence(rule_text: TextLike, match: HoldMatch, language: str) -> str:
    """The rule's text for this match: dates and amounts as the language writes them, Finnish if it is none of ours.

    `{date}` is the first day of erasure. Raises `NeverAgain("placeholder")` where the text would have a
    hole, as it has where `{date}` is asked of a hold whose end is not known.
    """
    language = language if language in _LOCALES else "fi"
    text: str = getattr(rule_text, language)
    words: list[str] = []
    for literal, name, _, _ in string.Formatter().parse(text):
        words.append(literal)
        if name is not None:
            words.append(_word(name, match, language))
    return "".join(words)


def _word(name: str, match: HoldMatch, language: str) -> str:
    value = match.params.get(name, "")
    if name == "date":
        value = _day(match.until + timedelta(days=1), language) if match.until else ""
    elif name == "due" and value:
        value = _due(value, language)
    elif name == "amount" and value:
        value = _amount(value, language)
    if not value:
        raise NeverAgain("placeholder", detail=f"The sentence of {match.rule} lacks its {name}.")
    return value


@lru_cache(maxsize=4096)
def _day(day: date, language: str) -> str:
    locale, length = _LOCALES[language]
    return format_date(day, format=length, locale=Locale.parse(locale))


def _due(value: str, language: str) -> str:
    try:
        return _day(date.fromisoformat(value), language)
    except ValueError:
        return ""


def _amount(value: str, language: str) -> str:
    try:
        return format_decimal(Decimal(value), format="#,##0.00", locale=Locale.parse(_LOCALES[language][0]))
    except InvalidOperation:
        return ""


NOT_IDENTIFIED: Mapping[str, str] = {
    "fi": "Emme saaneet varmuutta siitä, kuka pyynnön teki. Voit tehdä uuden pyynnön milloin tahansa.",
    "sv": "Vi kunde inte fastställa vem som gjorde begäran. Du kan göra en ny begäran när som helst.",
    "en": "We could not establish who made the request. You can make a new request at any time.",
}
"""What a request about nobody proven is answered with; it names nobody. Source: GDPR Art. 12(2), 12(6)."""

NO_MANDATE: Mapping[str, str] = {
    "fi": (
        "Emme saaneet selvitystä siitä, että saat tehdä pyynnön toisen puolesta. Voit toimittaa selvityksen myöhemmin, "
        "ja hän voi tehdä pyynnön itse milloin tahansa."
    ),
    "sv": (
        "Vi fick ingen utredning om att du får göra begäran för någon annan. Du kan lämna utredningen senare, och "
        "personen kan själv göra en begäran när som helst."
    ),
    "en": (
        "We were not shown that you may make the request for somebody else. You can show it later, and the person can "
        "make a request themselves at any time."
    ),
}
"""What a request by somebody without a mandate is answered with; it confirms nothing of the person it is about."""
