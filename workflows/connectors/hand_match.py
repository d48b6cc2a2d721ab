"""Whose a record is that a person wrote down: by the values that stand in it, compared as people write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.vocabulary import Ownership
from workflows.connectors.shares import IDENTITY, Doubt, Shares
from workflows.connectors.windows import ALWAYS, Windows, both, covers, of_span, union
from workflows.ports import Seeds


@dataclass(frozen=True, slots=True)
class Door:
    """Fields of a collection in which a value of the person may stand, and the keys of seeds they are of."""

    fields: tuple[str, ...]
    keys: tuple[str, ...]


class Told:
    """What a record tells, door by door."""

    def __init__(self, values: Mapping[str, str], seeds: Seeds, *, shares: Shares, day: date | None) -> None:
        self._values, self._seeds, self._shares, self._day = values, seeds, shares, day
        self._doubt, self._agrees, self._differs = Doubt.FOREIGN, False, False
        self._joint = False
        self.windows: Windows = frozenset()
        self.path, self.said, self.hit = "", False, False

    @property
    def ownership(self) -> Ownership:
        """Whose it is by what stands in it: another number is another person, a shared address could be either."""
        if not self.hit:
            return Ownership.THIRD_PARTY if self.said else Ownership.OWN
        if self._differs:
            return Ownership.CANDIDATE if self._agrees else Ownership.THIRD_PARTY
        return Ownership.CANDIDATE if self._doubt else Ownership.SHARED if self._joint else Ownership.OWN

    def ask(self, collection: str, door: Door) -> None:
        """Take in what stands behind one door."""
        values = [self._values.get(f, "") for f in door.fields]
        if not all(values):
            return
        self.said = True
        here = together(door, values, self._seeds)
        doubt = Doubt.SURE
        if door.keys[0].startswith(IDENTITY):
            identity = door.keys[0].removeprefix(IDENTITY)
            if self._shares.strength(identity) == "strong" and self._shares.given(identity):
                self._agrees, self._differs = self._agrees or here is not None, self._differs or here is None
            if here is None and self._shares.shared(identity, values[0]):
                here = (ALWAYS,)
            doubt = self._shares.doubt(identity, _as_given(door, values[0], self._seeds), day=self._day)
        if here is not None:
            joint = replace(door, keys=tuple(f"joint:{key}" for key in door.keys))
            held = together(joint, values, self._seeds)
            self._joint = self._joint or (held is not None and (self._day is None or covers(held[0], self._day)))
            self._doubt = min(self._doubt, doubt)
            self.windows, self.hit = (union(self.windows, here[0]), True) if self.hit else (here[0], True)
            self.path = self.path or f"{' + '.join(door.keys)} → {collection}.{'+'.join(door.fields)}"


def _as_given(door: Door, value: str, seeds: Seeds) -> str:
    """The value as it was proven, whatever spaces and capitals a person wrote."""
    key = door.keys[0]
    return next((lead.value for lead in seeds.get(key, ()) if spelled(key, lead.value) == spelled(key, value)), value)


def together(door: Door, values: Sequence[str], seeds: Seeds) -> tuple[Windows] | None:
    """When these values are the person's; None if they are somebody else's."""
    when: Windows = ALWAYS
    for key, value in zip(door.keys, values, strict=True):
        here: Windows = frozenset()
        hit = False
        for lead in seeds.get(key, ()):
            if spelled(key, lead.value) == spelled(key, value):
                window = of_span(lead.start, lead.end)
                here, hit = (union(here, window) if hit else window), True
        if not hit:
            return None
        when = both(when, here)
    return (when,)


def spelled(key: str, value: str) -> str:
    """A value as two of them are compared: people write spaces and capitals as they like."""
    return " ".join(value.split()).casefold() if key.startswith("identity:") else value.strip()
