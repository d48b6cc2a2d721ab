"""Records as the console shows them: labels of the register, whose they are, identifiers behind dots."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import g

from webhooks.console.masking import DOTS, mask_identifier
from webhooks.console.shell import Shell
from workflows.rules.items import Item

_LONGEST = 300
_ROWS = 12
_MASKED_ROLES = frozenset({"email", "phone", "birth", "address"})
_BIRTH = "user.demographic.date_of_birth"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MASKED_CATEGORIES = (
    "user.government_id",
    "user.contact",
    "user.financial",
    _BIRTH,
    "user.authorization",
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: what it is, whose, why it was found, and its values with their labels."""

    what: str
    category: str
    ownership: str
    path: str
    on: str
    values: tuple[tuple[str, str, bool], ...]  # label, value, whether it is about somebody else
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more_rows: int = 0
    referenced: bool = False


def records_of(shell: Shell, items: Iterable[Item], *, reveal: bool) -> list[Record]:
    """The records to show; with `reveal` identifiers stand there whole, but for those of other people."""
    return [_record(shell, item, reveal=reveal) for item in items]


def _record(shell: Shell, item: Item, *, reveal: bool) -> Record:
    language, catalogue = g.t.language, shell.catalogue
    masked = {} if reveal else _masked(shell, item)
    values = []
    for name, value in item.fields.items():
        others = name in item.third_party
        label = catalogue.column_label(item.source, item.collection, name=name, language=language)
        text = DOTS if others else _text(value)
        if masked.get(name) and text and not others:
            text = mask_identifier(text)
        values.append((label, text, others))
    labels = [
        catalogue.column_label(item.source, item.collection, name=name, language=language) for name in item.columns
    ]
    return Record(
        what=catalogue.collection_label(item.source, item.collection, language),
        category=catalogue.category_label(item.category, language) or item.category,
        ownership=item.ownership.value,
        path=item.path,
        on=item.on.isoformat() if item.on else "",
        values=tuple(values),
        columns=tuple(labels),
        rows=tuple(tuple(_text(cell) for cell in row) for row in item.series[:_ROWS]),
        more_rows=max(0, len(item.series) - _ROWS),
        referenced=item.referenced,
    )


def _masked(shell: Shell, item: Item) -> Mapping[str, bool]:
    """Which fields identify the person or say how to reach them."""
    declared = _categories(shell, item)

    def identifies(name: str, value: Any) -> bool:
        if shell.catalogue.column(item.source, item.collection, name=name).role in _MASKED_ROLES:
            return True
        if _DAY.fullmatch(str(value)) and _BIRTH not in declared.get(name, ()):
            return False  # since when an address was in use says nothing of where it is
        return any(c.startswith(_MASKED_CATEGORIES) for c in declared.get(name, ()))

    return {name: identifies(name, value) for name, value in item.fields.items()}


def _categories(shell: Shell, item: Item) -> Mapping[str, tuple[str, ...]]:
    spec = shell.rt.register.sources.get(item.source)
    short = item.collection.replace(":", ".").rpartition(".")[2]
    found: dict[str, tuple[str, ...]] = {}
    for dataset in spec.dataset if spec else ():
        for collection in dataset.collections:
            if collection.name == short:
                found |= {f.name: tuple(str(c) for c in f.data_categories or ()) for f in collection.fields}
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(g.t("yes" if value else "no"))
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
