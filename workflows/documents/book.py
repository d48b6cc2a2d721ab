"""The readable book: a summary and a chapter for each category, as HTML pages and as one PDF."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from models.vocabulary import Right, SourceResult
from workflows.documents.catalogue import Catalogue
from workflows.documents.facts import Context, letter_facts, source_name
from workflows.documents.figures import figures
from workflows.documents.formats import short_date
from workflows.documents.gather import SAMPLE_RECORDS, Gathered
from workflows.documents.letters import TEMPLATES, environment
from workflows.documents.printing import ASSETS
from workflows.documents.tables import Reader
from workflows.documents.words import fill, words
from workflows.ports import CaseFacts

PRINTED_CELLS = 240
"""Cells of all tables in the PDF together: one costs half a millisecond to print, and all are in the CSV."""
PRINTED_RECORDS = (3, 12)
"""Least and most records of a collection in the PDF, within that budget."""
_BOX = ("what", "why", "source", "recipients", "retention", "automated", "rights")


@dataclass(frozen=True)
class Chapter:
    """One category: its file, its heading and what was gathered for it."""

    code: str
    file: str
    label: str
    parts: Sequence[Gathered]

    @property
    def records(self) -> int:
        """How many records it shows or refers to."""
        return sum(g.records for g in self.parts)


class Book:
    """One person's book in one language."""

    def __init__(
        self,
        catalogue: Catalogue,
        case: CaseFacts,
        *,
        gathered: Sequence[Gathered],
        stems: Mapping[tuple[str, str], str],
        not_portable: int = 0,
        with_chapters: bool = True,
        with_pdf: bool = True,
    ) -> None:
        self._catalogue = catalogue
        self._case = case
        self._language = case.language
        self._words = words(case.language)
        self._gathered = gathered
        self._stems = stems
        self._not_portable = not_portable
        self._with_pdf = with_pdf
        self._env = _ENVIRONMENT
        self.chapters = self._chapters()
        self._facts = self._shared(with_chapters=with_chapters)

    def start(self) -> str:
        """`START_HERE.html`: the summary, the contents, what was left out."""
        return self._env.get_template("book/start.html").render(self._facts)

    def pages(self) -> list[tuple[str, str]]:
        """(file, HTML) of each chapter."""
        template = self._env.get_template("book/chapter.html")
        return [
            (chapter.file, template.render(self._facts, chapter=self._chapter(chapter, printed=False)))
            for chapter in self.chapters
        ]

    def printed(self) -> str:
        """The whole book for the PDF; chapters without records are in its summary only."""
        chapters = [self._chapter(c, printed=True) for c in self.chapters if c.records]
        return self._env.get_template("book/print.html").render(self._facts, chapters=chapters)

    def _shared(self, *, with_chapters: bool) -> Context:
        w = self._words
        facts = letter_facts(self._catalogue, self._case)
        return facts | {
            "css": Markup((ASSETS / "screen.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
            "asked": fill(w.book.asked, received_on=facts["received_on"], reference=self._case.reference),
            "narrowed_to": fill(w.book.narrowed, asked_for=facts["asked_for"]) if facts["asked_for"] else "",
            "refused_part": self._refused_part(facts["not_portable"]),
            "made_on": fill(w.book.made_on, today=facts["today"]),
            "subtitle": fill(w.book.subtitle, controller=facts["controller"]["name"]),
            "with_chapters": with_chapters,
            "with_pdf": self._with_pdf,
            "contents": [
                {"file": c.file, "label": c.label, "records": c.records, "period": self._period(c.parts)}
                for c in self.chapters
            ],
            "left_out": self._left_out(),
        }

    def _refused_part(self, not_portable: str) -> str:
        if not not_portable or self._case.right is not Right.PORTABILITY:
            return ""
        return fill(self._words.book.refused_part, not_portable=not_portable)

    def _chapters(self) -> list[Chapter]:
        """In the order of the register's categories, numbered by it, so that a file is the same for everyone."""
        order = list(self._catalogue.register.categories)
        by_code: dict[str, list[Gathered]] = {}
        for g in self._gathered:
            found = self._catalogue.category(g.category)
            by_code.setdefault(found.code if found else "", []).append(g)
        chapters = []
        for code, parts in by_code.items():
            number = order.index(code) + 1 if code in order else len(order) + 1
            english = self._catalogue.category_label(code, "en") or "Other data"
            slug = re.sub(r"[^a-z0-9]+", "_", english.lower()).strip("_")[:40] or "data"
            label = self._catalogue.category_label(code, self._language) or self._words.book.other_category
            chapters.append(Chapter(code, f"html/{number:02d}_{slug}.html", str(label), parts))
        return sorted(chapters, key=lambda c: c.file)

    def _chapter(self, chapter: Chapter, *, printed: bool) -> Context:
        return {
            "label": chapter.label,
            "box": self._box(chapter),
            "parts": [self._part(g, printed=printed) for g in chapter.parts if g.records or not printed],
        }

    def _box(self, chapter: Chapter) -> list[tuple[str, str]]:
        """What, why, where from, who gets it, how long, automated decisions, rights. Source: GDPR Art. 15(1)."""
        told, w = self._catalogue.processing(chapter.code, self._language), self._words
        labels = [self._catalogue.collection_label(g.source, g.collection, self._language) for g in chapter.parts]
        values = {
            "what": ", ".join(dict.fromkeys(labels)),
            "why": f"{told['purpose']} {w.processing.basis}: {told['basis']}",
            "source": told["obtained_from"],
            "recipients": f"{told['recipients']} {w.processing.transfers}: {told['transfers']}",
            "retention": told["retention"],
            "automated": w.processing.automated,
            "rights": w.book.rights,
        }
        return [(w.book[f"box_{name}"], values[name]) for name in _BOX]

    def _part(self, gathered: Gathered, *, printed: bool) -> Context:
        reader = Reader(self._catalogue, gathered, self._language)
        most = self._printed_records if printed else SAMPLE_RECORDS
        table = None if gathered.series else reader.table(most, printed=printed)
        csv = f"data/{self._stems[gathered.source, gathered.collection]}.csv"
        shown = table["shown"] if table else 0
        note = self._words.book.rest if table and shown < gathered.records else self._words.book.all_in
        return {
            "label": self._catalogue.collection_label(gathered.source, gathered.collection, self._language),
            "source": self._catalogue.source_label(gathered.source, self._language),
            "records": gathered.records,
            "rows": gathered.rows,
            "period": self._period([gathered]),
            "table": table if shown else None,
            "figures": figures(self._catalogue, gathered, self._language) if gathered.series else [],
            "is_series": gathered.series is not None,
            "note": fill(note, shown=str(shown), total=str(gathered.records), file=csv),
            "redacted": gathered.redacted_fields,
        }

    @cached_property
    def _printed_records(self) -> int:
        columns = sum(len(g.columns) for g in self._gathered if g.records and not g.series)
        least, most = PRINTED_RECORDS
        return max(least, min(most, PRINTED_CELLS // max(1, columns)))

    def _period(self, parts: Sequence[Gathered]) -> str:
        first = min((g.first_on for g in parts if g.first_on), default=None)
        last = max((g.last_on for g in parts if g.last_on), default=None)
        if first is None or last is None:
            return str(self._words.book.empty)
        return f"{short_date(first, self._language)} – {short_date(last, self._language)}"

    def _left_out(self) -> list[tuple[str, str, str]]:
        """(what, how many, why) of everything the person does not get. Source: GDPR Art. 12(1), 15(4), 20."""
        w = self._words.book
        rows: list[tuple[str, Any, str]] = []
        for g in self._gathered:
            where = self._catalogue.source_label(g.source, self._language)
            what = self._catalogue.collection_label(g.source, g.collection, self._language)
            if g.third_party_records:
                rows.append((f"{w.left_rows}: {where}, {what}", g.third_party_records, w.left_rows_why))
            if g.unsure_records:
                rows.append((f"{w.left_unsure}: {where}, {what}", g.unsure_records, w.left_unsure_why))
            if g.redacted_fields:
                why = fill(w.left_fields_why, mark=w.redacted)
                rows.append((f"{w.left_fields}: {where}, {what}", g.redacted_fields, why))
            if g.redacted_mentions:
                why = fill(w.left_fields_why, mark=w.redacted)
                rows.append((f"{w.left_mentions}: {where}, {what}", g.redacted_mentions, why))
        for source in self._case.sources:
            name = source_name(self._catalogue, source, self._language)
            if source.result is SourceResult.FAILED:
                rows.append((f"{w.left_failed}: {name}", w.empty, w.left_failed_why))
            elif source.result is SourceResult.NOT_SEARCHED:
                rows.append((f"{w.left_failed}: {name}", w.empty, w.left_not_searched_why))
        if self._not_portable:
            rows.append((w.left_not_portable, self._not_portable, w.left_not_portable_why))
        return [(what, str(count), why) for what, count, why in rows]


_ENVIRONMENT = environment([TEMPLATES])
_ENVIRONMENT.globals["says"] = lambda *_: ""  # the letter's contents are checked; the book shares its blocks only
