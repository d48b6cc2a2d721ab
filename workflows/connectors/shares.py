"""Which identifiers of the person are somebody else's too, always or at some time, and what that makes of a match."""

from collections.abc import Mapping
from datetime import date
from enum import IntEnum
from typing import Any

from workflows.connectors.sql_values import as_json
from workflows.connectors.windows import Span, Windows, covers, of_span, union
from workflows.ports import Lead, Seeds
from workflows.rules.identifiers import normalise
from workflows.rules.strength import Strength, strength_of

IDENTITY, SHARED = "identity:", "shared:"


class Doubt(IntEnum):
    """How sure it is that a record is the person's, by the way in which it was reached. The surest way counts."""

    SURE = 0
    DOUBTFUL = 1  # only an identifier led there that is somebody else's too, or that never says enough
    FOREIGN = 2  # and one that was not proven either


class Shares:
    """The person's identifiers and their doubts, over one collect; what is learnt stays for the next attempt at it."""

    def __init__(self, seeds: Seeds, said: Mapping[str, Strength]) -> None:
        self._said = said
        self._given = {
            key.removeprefix(IDENTITY): {spelled(key, lead.value) for lead in leads}
            for key, leads in seeds.items()
            if key.startswith(IDENTITY)
        }
        self._shared: dict[str, dict[str, Windows]] = {}
        self._found: dict[str, dict[str, Windows]] = {}
        for key, leads in seeds.items():
            for lead in leads if key.startswith(SHARED) else ():
                _add(self._shared, key.removeprefix(SHARED), lead.value, of_span(lead.start, lead.end))

    def strength(self, identity: str) -> Strength:
        """What the register says of this identity, or the usual."""
        return strength_of(identity, self._said)

    def given(self, identity: str) -> frozenset[str]:
        """The proven values of this identity as they are compared."""
        return frozenset(self._given.get(identity, ()))

    def is_given(self, identity: str, value: Any) -> bool:
        """Whether this is a proven value, however it is spelled."""
        given = self._given.get(identity, set())
        text = spelled(IDENTITY + identity, value)
        return text in given or normalise(identity, text) in {normalise(identity, one) for one in given} - {None}

    def shared(self, identity: str, value: Any) -> bool:
        """Whether this value is at some time somebody else's."""
        return spelled(IDENTITY + identity, value) in self._shared.get(identity, ())

    def looked_up(self, identity: str, leads: Seeds) -> list[Lead]:
        """What a search for this identity starts with: what was proven, and what is theirs at some time."""
        mine = list(leads.get(IDENTITY + identity, ()))
        told = [*(lead.value for lead in leads.get(SHARED + identity, ())), *self._found.get(identity, ())]
        known = {lead.value for lead in mine}
        return mine + [Lead(value) for value in dict.fromkeys(told) if value not in known]

    def any_doubt(self, identity: str) -> bool:
        """Whether a match by this identity has to be looked at value by value."""
        return self.strength(identity) == "hint" or bool(self._shared.get(identity))

    def doubt(self, identity: str, value: Any, *, day: date | None, dated: bool = False) -> Doubt:
        """What a match of this value says of a record of this day (None: the record has none).

        `dated`: the record itself says when the value is its person's.
        """
        text = spelled(IDENTITY + identity, value)
        if not self.is_given(identity, value):
            return Doubt.FOREIGN
        if self.strength(identity) == "hint":
            return Doubt.DOUBTFUL
        others = self._shared.get(identity, {})
        if text not in others:
            return Doubt.SURE
        when = others[text]
        if dated and when is not None:
            return Doubt.SURE
        return Doubt.DOUBTFUL if when is None or day is None or covers(when, day) else Doubt.SURE

    def share(self, identity: str, value: Any, when: Windows) -> bool:
        """Note that a value is somebody else's too, in these days; whether that is news."""
        text = spelled(IDENTITY + identity, value)
        before = self._shared.get(identity, {})
        _add(self._found, identity, str(as_json(value)), when)
        if text in before and union(before[text], when) == before[text]:
            return False
        _add(self._shared, identity, text, when)
        return True

    def leads(self) -> dict[str, list[Lead]]:
        """What other sources should know of what was found here; the same again whoever knew it before."""
        return {
            SHARED + identity: [Lead(value, *span) for value, when in values.items() for span in _spans(when)]
            for identity, values in self._found.items()
        }


def outside(window: Span) -> Windows:
    """All days but those of the window: then the value is another's."""
    start, end = window
    return frozenset(([(None, start)] if start else []) + ([(end, None)] if end else []))


def spelled(key: str, value: Any) -> str:
    """E-mail addresses are the same whatever their case; nothing else is."""
    text = str(as_json(value))
    return text.lower() if key in ("identity:email", "shared:email") else text


def _add(into: dict[str, dict[str, Windows]], identity: str, value: Any, when: Windows) -> None:
    text = spelled(IDENTITY + identity, value)
    values = into.setdefault(identity, {})
    values[text] = union(values[text], when) if text in values else when


def _spans(when: Windows) -> list[Span]:
    return [(None, None)] if when is None else sorted(when, key=lambda s: (s[0] or date.min, s[1] or date.max))
