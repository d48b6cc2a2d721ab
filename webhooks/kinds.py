"""The kinds of data that a register knows, for pages on which somebody ticks of which they want a copy."""

from collections.abc import Iterator

from webhooks.words import Words
from workflows.register.categories import category_of
from workflows.register.model import Register
from workflows.rules.narrowed import OTHER
from workflows.runtime import Runtime


def kinds_of_data(rt: Runtime, words: Words, *, provided_only: bool = False) -> list[tuple[str, str]]:
    """(code, name) of each that some source describes, in the register's order; "other" for what has no kind.

    `provided_only`: those that a person may take to another company. Nothing where there is nothing to choose from.
    """
    register = rt.register
    held = set(_held(register))
    known = [
        (code, category.label.get(words.language))
        for code, category in register.categories.items()
        if code in held and (category.provided or not provided_only)
    ]
    other = [(OTHER, words("kind.other"))] if held - register.categories.keys() else []
    return [*known, *other] if len(known) + len(other) > 1 else []


def names_of(rt: Runtime, words: Words, codes: list[str]) -> list[str]:
    """The names of these kinds."""
    known = rt.register.categories
    return [known[code].label.get(words.language) if code in known else words("kind.other") for code in codes]


def _held(register: Register) -> Iterator[str]:
    for name, source in register.sources.items():
        for dataset in source.dataset:
            for collection in dataset.collections:
                yield category_of(register, name, collection.name)
