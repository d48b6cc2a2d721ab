"""The fixed words of documents, one file a language; a missing word is an error, never an empty place."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models.vocabulary import LANGUAGES
from workflows.errors import NeverAgain

_PLACE = re.compile(r"\{(\w+)\}")
_HERE = Path(__file__).parent / "words"


class Words(Mapping[str, Any]):
    """Words by key; a group of words is again `Words`. An unknown key raises `NeverAgain("placeholder")`."""

    def __init__(self, tree: Mapping[str, Any], path: str) -> None:
        self._tree = tree
        self._path = path

    def __getitem__(self, key: str) -> Any:
        try:
            found = self._tree[key]
        except KeyError:
            raise NeverAgain("placeholder", detail=f"no word {self._path}.{key}") from None
        return Words(found, f"{self._path}.{key}") if isinstance(found, Mapping) else found

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        return self[key]

    def __iter__(self) -> Any:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def known(self, key: str) -> str:
        """The word for a code that may be none of ours, "" if it is not."""
        return str(self._tree.get(key) or "")

    def one_of(self, key: str) -> str:
        """The word for a code that others may add to; the group's `other` stands for those we do not know."""
        return str(self._tree.get(key) or self["other"])


@cache
def words(language: str) -> Words:
    """All words of one language; `NeverAgain("language")` if there are none."""
    if language not in LANGUAGES:
        raise NeverAgain("language", detail="No texts exist in this language.")
    return Words(yaml.safe_load((_HERE / f"{language}.yaml").read_text(encoding="utf-8")), language)


def fill(text: str, **values: Any) -> str:
    """Put values into a sentence with {places}; `NeverAgain("placeholder")` where one is missing or empty.

    Names only: `str.format` would let a text reach into the values' attributes.
    """

    def value(place: re.Match[str]) -> str:
        found = values.get(place[1])
        if found is None or found == "":
            raise NeverAgain("placeholder", detail=f"A sentence needs a value for {{{place[1]}}}.")
        return str(found)

    return _PLACE.sub(value, text)
