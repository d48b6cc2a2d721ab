"""Grounds of a refusal as dated data: a law that changes needs another file, no other program."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

BUILT_IN = Path(__file__).with_name("grounds.yaml")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GroundText(_Part):
    """The sentence of a ground in the three languages."""

    fi: str = Field(min_length=1)
    sv: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Fee(_Part):
    """A line of the controller's own scale: what one request may cost. Source: GDPR Art. 12(5)(a)."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    cents: int = Field(ge=1, le=100_000)
    basis: str = Field(min_length=1)  # the administrative costs it is reckoned from


class GroundRule(_Part):
    """One entry of `grounds.yaml`. A guarded ground needs facts on record, two people and the thought of a fee."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,31}$")
    law: tuple[str, ...] = Field(min_length=1)
    source: str
    checked_on: date
    valid_from: date | None = None
    valid_to: date | None = None
    guard: Literal["none", "two_people"] = "none"
    withholds: bool = False  # whether part of an answer may be held back on it
    text: GroundText
    fees: tuple[Fee, ...] = ()

    def holds_on(self, day: date) -> bool:
        """Whether a request may be refused on this ground on this day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@cache
def built_in() -> Mapping[str, GroundRule]:
    """The grounds that every register has."""
    return {e["id"]: GroundRule(**e) for e in yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))}


def grounds_with(own: Iterable[GroundRule]) -> Mapping[str, GroundRule]:
    """All grounds by their id: the register's own entry goes before the built-in one."""
    return {**built_in(), **{ground.id: ground for ground in own}}
