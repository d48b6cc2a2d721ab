"""What the register says of a source that people search: its keeper, its places, the fields of its records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from workflows.errors import NotFound
from workflows.handed import HAND_KINDS
from workflows.ports import Connector
from workflows.register.model import Register, SourceSpec
from workflows.rules.items import DATE_FACTS


@dataclass(frozen=True, slots=True)
class HandField:
    """One field of the form: `kind` is text, date, integer or number."""

    name: str
    kind: str = "text"
    required: bool = False


def is_by_hand(spec: SourceSpec) -> bool:
    """Whether only people can search this source."""
    return spec.kind in HAND_KINDS


def treated_by_people(spec: SourceSpec, connector: Connector) -> bool:
    """Whether people erase here: they search it too, or programs may only read it and it names who keeps it."""
    return is_by_hand(spec) or (bool(spec.connection.get("by_hand")) and connector.guarantee == "D")


def worked_spec(register: Register, source: str) -> SourceSpec:
    """The source, if people have work at it; raises `NotFound` otherwise."""
    spec = register.sources.get(source)
    if spec is None or not (is_by_hand(spec) or spec.connection.get("by_hand")):
        raise NotFound("source")
    return spec


def hand_spec(register: Register, source: str) -> SourceSpec:
    """The source, if people search it; raises `NotFound` otherwise."""
    spec = register.sources.get(source)
    if spec is None or not is_by_hand(spec):
        raise NotFound("source")
    return spec


def places_of(spec: SourceSpec) -> tuple[str, ...]:
    """The places to be searched, each by the name a tick has; the source itself where the register names none."""
    if spec.kind == "paper":
        return tuple(place_name(one) for one in spec.connection.get("locations", ()))
    return tuple(str(place) for place in spec.connection.get("places", ())) or (spec.source,)


def place_name(location: Mapping[str, str]) -> str:
    """A shelf by room and cabinet."""
    return " / ".join(filter(None, (str(location["room"]), str(location.get("cabinet") or ""))))


def key_holders(spec: SourceSpec) -> dict[str, str]:
    """Place to who has its key, where the register says so."""
    shelves = spec.connection.get("locations", ()) if spec.kind == "paper" else ()
    return {place_name(one): str(one["key_holder"]) for one in shelves if one.get("key_holder")}


def keeper_of(spec: SourceSpec) -> str:
    """The function or address of whoever keeps the source."""
    return str(_by_hand(spec).get("keeper", ""))


def _by_hand(spec: SourceSpec) -> Mapping[str, Any]:
    return spec.connection if is_by_hand(spec) else spec.connection.get("by_hand") or {}


def instructions_of(spec: SourceSpec, language: str) -> str:
    """What whoever searches must know, in their language."""
    told = spec.connection.get("instructions") or {}
    return str(told.get(language) or told.get("fi") or "")


def due_on(spec: SourceSpec, today: date, *, answer_due: date) -> date:
    """The day by which the work is asked for; never later than the person's answer is due."""
    asked = today + timedelta(days=int(_by_hand(spec).get("due_days", 5)))
    return min(asked, answer_due) if answer_due > today else today


def collections_of(spec: SourceSpec) -> dict[str, tuple[HandField, ...]]:
    """Collection to the fields of its form, in the register's order."""
    names = [c.name for d in spec.dataset for c in d.collections]
    found: dict[str, tuple[HandField, ...]] = {}
    for dataset in spec.dataset:
        for collection in dataset.collections:
            name = collection.name if names.count(collection.name) == 1 else f"{dataset.fides_key}.{collection.name}"
            dates = _dates(spec, name, collection.name)
            found[name] = tuple(
                HandField(
                    field.name,
                    "date" if field.name in dates else _kind(getattr(field.fides_meta, "data_type", None)),
                    required=bool(field.fides_meta and field.fides_meta.primary_key),
                )
                for field in collection.fields
            )
    return found


def _dates(spec: SourceSpec, *names: str) -> set[str]:
    own = next((spec.person.collections[n] for n in names if n in spec.person.collections), None)
    if own is None:
        return set()
    dates = {own.on} if own.on else set()
    dates |= {f if isinstance(f, str) else f.field for fact, f in own.facts.items() if fact in DATE_FACTS}
    for window in own.windows.values():
        dates |= {window.start, window.end}
    return dates


def _kind(data_type: str | None) -> str:
    return {"integer": "integer", "float": "number"}.get((data_type or "").removesuffix("[]"), "text")
