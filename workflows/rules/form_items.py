"""What a person says in a form is wrong, item by item. Source: GDPR Art. 16."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.errors import BadInput, Fault
from workflows.rules import identifiers

MOST = 4
"""Items of one form; more can be written to us later."""

KINDS = ("inaccurate", "outdated", "incomplete", "unnecessary")
"""What is wrong with a piece of data, as one choice."""

_PARTS = ("what", "current", "wanted", "evidence")
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Stated:
    """One thing that is said to be wrong. `kind` is one of `KINDS`; of what is not needed nothing is wanted."""

    kind: str
    what: str
    current: str
    wanted: str
    evidence: str


def field_names(count: int) -> tuple[str, ...]:
    """The fields of so many items."""
    return tuple(f"item{n}_{part}" for n in range(1, count + 1) for part in ("kind", *_PARTS))


def count_of(fields: Mapping[str, str]) -> int:
    """How many items the form has places for; at least one."""
    given = fields.get("items", "")
    return min(max(int(given), 1), MOST) if given.isascii() and given.isdigit() and len(given) < 3 else 1


def items_in(fields: Mapping[str, str]) -> tuple[Stated, ...]:
    """The items that were filled in. Raises `BadInput` for what is missing or too long, field by field.

    The first item must be there; an empty one after it is none.
    """
    faults: list[Fault] = []
    items = []
    for n in range(1, count_of(fields) + 1):
        said = {part: identifiers.clean(fields.get(f"item{n}_{part}", "")[: 4 * LONGEST]).strip() for part in _PARTS}
        kind = fields.get(f"item{n}_kind", "")
        if not any(said.values()) and n > 1:
            continue
        faults += [
            Fault(f"item{n}_{part}", "item_too_long", f"at most {LONGEST} characters")
            for part, text in said.items()
            if len(text) > LONGEST
        ]
        if kind not in KINDS:
            faults.append(Fault(f"item{n}_kind", "item_kind_missing", "choose what is wrong with it"))
        if not said["what"]:
            faults.append(Fault(f"item{n}_what", "item_what_missing", "say which data are wrong"))
        if kind in KINDS[:3] and not said["wanted"]:
            faults.append(Fault(f"item{n}_wanted", "item_wanted_missing", "say what it should be"))
        items.append(Stated(kind, **said))
    if faults:
        raise BadInput(faults)
    return tuple(items)
