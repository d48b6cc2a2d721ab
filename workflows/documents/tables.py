"""Values as a person reads them: labels for columns, words for codes, dates and numbers in the language."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from workflows.documents.catalogue import Catalogue
from workflows.documents.cells import MENTION, REDACTED
from workflows.documents.formats import number, short_date, short_instant
from workflows.documents.gather import Gathered
from workflows.documents.words import words
from workflows.register.model import ColumnSpec
from workflows.rules.items import Json

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_FRACTION = re.compile(r"-?\d{1,15}\.\d{1,10}")
_HETU = re.compile(r"\b(\d{6}[-+A-FU-Y])\d{3}[0-9A-Y]\b")
_LONGEST_CELL = 400
_SHORTEST_CODE = 10
WIDEST_TABLE = 7
"""Columns beyond which records are shown as lists of their own."""


class Reader:
    """Turns one collection's records into columns and cells of one language."""

    def __init__(self, catalogue: Catalogue, gathered: Gathered, language: str) -> None:
        self._specs = catalogue.collection(gathered.source, gathered.collection).columns
        self._gathered = gathered
        self._language = language
        self._words = words(language)
        book = self._words.book  # looked up once, not for each of a thousand cells
        self._empty, self._redacted = str(book.empty), str(book.redacted)
        self._zone = ZoneInfo(catalogue.register.controller.time_zone)
        self.columns = [c for c in gathered.columns if not self._spec(c).hidden]
        self.labels = [
            catalogue.column_label(gathered.source, gathered.collection, name=c, language=language)
            for c in self.columns
        ]

    def rows(self, most: int) -> list[list[str]]:
        """The newest records as texts in the order of `columns`."""
        specs = [(name, self._spec(name)) for name in self.columns]
        return [[self.cell(record.get(name), spec) for name, spec in specs] for record in self._gathered.newest(most)]

    def table(self, most: int, *, printed: bool = False) -> dict[str, Any]:
        """What the templates show: a table, or lists where a record is too wide for a line or stands alone.

        On paper, a list leaves out the fields that have no value.
        """
        rows = self.rows(most)
        empty = self._empty
        lists = []
        if len(rows) == 1 or len(self.columns) > WIDEST_TABLE:
            whole = [list(zip(self.labels, row, strict=True)) for row in rows]
            lists = [[(k, v) for k, v in fields if v != empty or not printed] for fields in whole]
        return {"labels": self.labels, "rows": rows, "lists": lists, "shown": len(rows)}

    def cell(self, value: Json, spec: ColumnSpec) -> str:
        """One value."""
        if value is None or value == "":
            return self._empty
        if value == REDACTED:
            return self._redacted
        if spec.codes and str(value) in spec.codes:
            return f"{spec.codes[str(value)].get(self._language)} ({value})"
        if isinstance(value, bool):
            return str(self._words.book["yes" if value else "no"])
        if isinstance(value, int | float):
            # A number without a unit may be an identifier: its digits are not grouped.
            return number(value, self._language) if spec.unit or isinstance(value, float) else str(value)
        return self._text(value) if isinstance(value, str) else _shortened(self._nested(value, spec))

    def _text(self, value: str) -> str:
        value = value.replace(MENTION, self._redacted)
        if not value[:1].isdigit() and value[:1] != "-":  # neither a day nor a number
            return _shortened(value)
        try:
            if _DATE.fullmatch(value):
                return short_date(date.fromisoformat(value), self._language)
            if _INSTANT.fullmatch(value):
                at = datetime.fromisoformat(value)
                return short_instant(at.astimezone(self._zone) if at.tzinfo else at, self._language)
        except ValueError:
            return _shortened(value)
        if _FRACTION.fullmatch(value):
            return number(Decimal(value), self._language)
        return _shortened(value)

    def _nested(self, value: Json, spec: ColumnSpec) -> str:
        if isinstance(value, Mapping):
            return "; ".join(f"{name}: {self.cell(inner, spec)}" for name, inner in value.items())
        if isinstance(value, Sequence):
            return ", ".join(self.cell(inner, spec) for inner in value)
        return str(value)

    def _spec(self, name: str) -> ColumnSpec:
        return self._specs.get(name) or _PLAIN


_PLAIN = ColumnSpec()


def _shortened(text: str) -> str:
    """For reading, a long text is cut and a personal identity code masked; CSV and JSON have them whole.

    Source: Data Protection Act 1050/2018 s. 29(4): no identity code on paper without need.
    """
    if len(text) > _SHORTEST_CODE:
        text = _HETU.sub(r"\1****", text)
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL].rstrip() + " […]"
