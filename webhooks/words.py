"""The words of pages, read at start from `locale/*.po`: no compiled files, no step to forget.

A message's id is a key ("start.title"); all three languages, English too, are translations of it. Holes are
`{named}`. Whole sentences only: Finnish has cases, and glued parts would be wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from models.vocabulary import LANGUAGES

FOLDER = Path(__file__).parent / "locale"
_UNITS = {"fi": ("kt", "Mt"), "sv": ("kB", "MB"), "en": ("kB", "MB")}
_LOCALES = {"fi": "fi", "sv": "sv_FI", "en": "en_GB"}


class Words:
    """The words of one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **holes: object) -> str:
        """The sentence of a key; raises `KeyError` for one that does not exist.

        With markup in a hole the rest is escaped and the whole is markup.
        """
        text = self._texts[key]
        if any(isinstance(value, Markup) for value in holes.values()):
            return Markup(escape(text)).format(**holes)  # noqa: S704  # escaped here
        return text.format(**holes) if holes else text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def day(self, value: date) -> str:
        """A calendar date, written out."""
        return format_date(value, "long", locale=_LOCALES[self.language])

    def moment(self, value: datetime, zone: str) -> str:
        """An instant as the clock on the wall of the controller's seat shows it."""
        return format_datetime(value.astimezone(ZoneInfo(zone)), "d.M.y H:mm", locale=_LOCALES[self.language])

    def size(self, size_bytes: int) -> str:
        """How large a file is, in thousands or millions of bytes, rounded up so that nothing is of no size."""
        kilo, mega = _UNITS[self.language]
        thousands = -(-size_bytes // 1000)
        if thousands < 1000:
            return f"{thousands} {kilo}"
        return f"{format_decimal(thousands / 1000, '0.0', locale=_LOCALES[self.language])} {mega}"


def best_language(wished: Iterable[str], known: Sequence[str]) -> str:
    """The first of the reader's languages that we speak, else our first; a Finland-Swede's "sv-FI" is Swedish."""
    for tag in wished:
        if tag.partition("-")[0].lower() in known:
            return tag.partition("-")[0].lower()
    return known[0]


@cache
def read_texts(path: Path) -> Mapping[str, str]:
    """Key to text of one `.po` file, read once a process; what is marked fuzzy or empty is left out."""
    with path.open("rb") as file:
        catalogue = read_po(file)
    return MappingProxyType({str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy})


def load_words(prefix: str = "", *, folder: Path = FOLDER) -> dict[str, Words]:
    """Language to words, of the files `{prefix}{language}.po`: "" is the portal, "console." the console."""
    return {lang: Words(lang, read_texts(folder / f"{prefix}{lang}.po")) for lang in LANGUAGES}
