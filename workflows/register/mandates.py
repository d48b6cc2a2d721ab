"""Kinds of mandate as dated data: what has to be seen, what each can allow, who must say that it is real."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import Right
from workflows.rules.mandates import CheckList, Line

BUILT_IN = Path(__file__).with_name("mandates.yaml")
OTHER = "power"
"""The kind that is noted where nobody said which it is."""

ESTATE = "estate"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MandateText(_Part):
    """One text in the three languages."""

    fi: str = Field(min_length=1)
    sv: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def get(self, language: str) -> str:
        """In this language, Finnish if it is none of ours."""
        text: str = getattr(self, language if language in ("fi", "sv", "en") else "fi")
        return text


class MandateLine(_Part):
    """One line of a check list, with what it says to staff."""

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,31}$")
    text: MandateText
    rights: tuple[Right, ...] = ()
    from_age: int | None = Field(default=None, ge=0, le=17)


class MandateKind(_Part):
    """One entry of `mandates.yaml`."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,31}$")
    law: tuple[str, ...] = Field(min_length=1)
    source: str
    checked_on: date
    title: MandateText
    rights: tuple[Right, ...]
    two_people: tuple[Right, ...]
    longest_days: int = Field(ge=1, le=730)
    lines: tuple[MandateLine, ...] = Field(min_length=1)
    of_minor: bool = False
    narrow: bool = False

    def check_list(self) -> CheckList:
        """What the rules go by."""
        return CheckList(
            kind=self.id,
            lines=tuple(Line(line.code, frozenset(line.rights), line.from_age) for line in self.lines),
            rights=frozenset(self.rights),
            two_people=frozenset(self.two_people),
            longest_days=self.longest_days,
            of_minor=self.of_minor,
            narrow=self.narrow,
        )


@cache
def mandate_kinds() -> Mapping[str, MandateKind]:
    """All kinds of mandate by their id, in the order they are offered."""
    return {e["id"]: MandateKind(**e) for e in yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))}
