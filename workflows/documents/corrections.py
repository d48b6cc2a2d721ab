"""What the letter of a rectification shows of each item, and who was told of it. Source: GDPR Art. 12(4), 16, 19."""

from typing import Any

from workflows.documents.catalogue import Catalogue
from workflows.documents.formats import long_date
from workflows.documents.words import words
from workflows.exchange import CaseFacts, Corrected


def correction_row(catalogue: Catalogue, item: Corrected, language: str) -> dict[str, Any]:
    """One item in the reader's language."""
    w = words(language)
    label = item.what
    if item.field:
        label = catalogue.column_label(item.source, item.collection, name=item.field, language=language)
    ground = w.ground.one_of(item.ground) if item.ground else ""
    return {
        "what": label,
        "source": catalogue.source_label(item.source, language) if item.source else w.book.empty,
        "old": item.old or w.book.empty,
        "new": item.new or w.book.empty,
        "fate": w.correction.fate.one_of(item.outcome or item.decision),
        "why": [text for text in (ground, item.reason) if text],
        "done_on": long_date(item.done_on, language) if item.done_on else w.book.empty,
    }


def told_facts(case: CaseFacts, language: str) -> dict[str, Any]:
    """Who was told by name, how many more there are without one, and of how many the answer is awaited."""
    w = words(language)
    named = [(one.name, w.told.state.one_of(one.state)) for one in case.recipients if one.name]
    return {"named": named, "unnamed": sum(not one.name for one in case.recipients)}
