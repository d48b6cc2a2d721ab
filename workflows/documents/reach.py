"""How far an answer goes: what was asked for, what is not to be moved, and whom else the person can ask."""

from collections.abc import Sequence

from workflows.documents.catalogue import Catalogue, sentence
from workflows.documents.words import words
from workflows.ports import CaseFacts
from workflows.rules.narrowed import NARROWABLE


def is_narrowed(case: CaseFacts) -> bool:
    """Whether somebody wanted a copy of some kinds of their data only."""
    return case.categories is not None and case.right in NARROWABLE


def asked_for(catalogue: Catalogue, case: CaseFacts) -> str:
    """Those kinds, by their names; "" where all was asked for."""
    if case.categories is None or not is_narrowed(case):
        return ""
    return _named(catalogue, case.categories, case.language)


def found_categories(catalogue: Catalogue, case: CaseFacts) -> list[str]:
    """The categories of what was found, sorted; what has none is left out."""
    codes: set[str] = set()
    for source in case.sources:
        codes |= {catalogue.category_of(source.name, name) for name, count in source.counts.items() if count}
    return sorted(codes - {""})


def not_portable(catalogue: Catalogue, case: CaseFacts) -> str:
    """The kinds that were found and that nobody may take along, by their names. Source: GDPR Art. 20(1)."""
    known = ((code, catalogue.category(code)) for code in found_categories(catalogue, case))
    return _named(catalogue, [code for code, one in known if one is not None and not one.provided], case.language)


def elsewhere(catalogue: Catalogue, case: CaseFacts) -> str:
    """Who else holds such data as a controller of its own, in the register's words; "" where nobody is named.

    Where nothing was found, all of them. Source: GDPR Art. 12(2), 15(1)(c), 15(1)(g).
    """
    codes = found_categories(catalogue, case) or (case.categories or tuple(catalogue.register.categories))
    known = (catalogue.category(code) for code in codes)
    texts = [sentence(one.elsewhere.get(case.language)) for one in known if one is not None and one.elsewhere]
    return " ".join(dict.fromkeys(texts))


def _named(catalogue: Catalogue, codes: Sequence[str], language: str) -> str:
    other = words(language).book.other_category
    return ", ".join(dict.fromkeys(str(catalogue.category_label(code, language) or other) for code in codes))
