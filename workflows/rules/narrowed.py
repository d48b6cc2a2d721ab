"""Of which kinds of data somebody wants a copy, where they do not want all: as ticked, listed or typed.

Less is given only to who asks for less, and the right to the whole stays. Source: GDPR Art. 15(1), 15(3), recital 63.
"""

from collections.abc import Collection, Container, Iterable, Sequence

from models.vocabulary import Right
from workflows.errors import Fault

OTHER = "other"
"""Stands for whatever belongs to no category of the register: nothing is lost between those that are named."""

NARROWABLE = (Right.ACCESS, Right.PORTABILITY)
MOST_CHARACTERS = 4000


def is_wanted(wanted: Container[str], category: str, *, known: Container[str]) -> bool:
    """Whether a record of this category is among what was asked for; `known`: the register's categories."""
    return category in wanted or (OTHER in wanted and category not in known)


def read_wanted(
    text: str, rights: Sequence[Right], *, known: Collection[str]
) -> tuple[tuple[str, ...] | None, list[Fault]]:
    """The categories of a list with commas, in the register's order; None for all, and what is wrong with it.

    Who names every category asks for all. Together with an erasure nothing is narrowed: what is erased could not be
    asked for afterwards.
    """
    words = [word for word in (part.strip() for part in text[:MOST_CHARACTERS].split(",")) if word]
    if not words:
        return None, []
    by_fold = {code.casefold(): code for code in (*known, OTHER)}
    unknown = [word for word in words if word.casefold() not in by_fold]
    if unknown or len(text) > MOST_CHARACTERS:
        return None, [Fault("categories", "category_unknown", "choose categories of the register")]
    if not set(rights) & set(NARROWABLE):
        return None, [Fault("categories", "categories_no_copy", "only a copy of data can be of some of them alone")]
    if Right.ERASURE in rights or Right.WITHDRAW_CONSENT in rights:
        return None, [Fault("categories", "categories_with_erasure", "ask for a copy of all, or erase at another time")]
    named = {by_fold[word.casefold()] for word in words}
    if named >= set(known):
        return None, []
    return in_order(named, known), []


def rest_of(wanted: Container[str], *, known: Iterable[str]) -> tuple[str, ...]:
    """All that was not asked for, what has no category among it."""
    return tuple(code for code in (*known, OTHER) if code not in wanted)


def in_order(named: Container[str], known: Iterable[str]) -> tuple[str, ...]:
    """These categories in the register's order."""
    return tuple(code for code in (*known, OTHER) if code in named)
