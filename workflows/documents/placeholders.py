"""The languages of a text must say the same facts: a placeholder that one has and another lacks, with its line."""

import re
from collections.abc import Callable, Mapping

from models.vocabulary import LANGUAGES
from workflows.errors import Fault

_PLACE = re.compile(r"\{\{-?\s*([a-z_][\w.]*)")
_NO_FACT = frozenset({"says", "loop", "blocks"})


def placeholders(source: str) -> Mapping[str, int]:
    """Each fact that a text shows, with the line on which it stands first; marks and our own blocks are none."""
    found: dict[str, int] = {}
    for number, line in enumerate(source.splitlines(), start=1):
        for name in _PLACE.findall(line):
            if name.partition(".")[0] not in _NO_FACT:
                found.setdefault(name, number)
    return found


def uneven(name: str, source: Callable[[str], str]) -> list[Fault]:
    """What the languages of one text differ in; `name` has `{}` where the language stands."""
    known = {language: placeholders(source(name.format(language))) for language in LANGUAGES}
    faults = []
    for language in LANGUAGES:
        others = {place: other for other in LANGUAGES for place in known[other] if place not in known[language]}
        for place, other in sorted(others.items()):
            line = known[other][place]
            told = f"does not show {{{{ {place} }}}}, which {name.format(other)} shows on line {line}"
            faults.append(Fault(f"letters/{name.format(language)}", told, "let all languages show the same facts"))
    return faults


def line_of(source: str, word: str) -> int:
    """The first line that has this word; 0 if none has."""
    lines = enumerate(source.splitlines(), start=1)
    return next((number for number, line in lines if re.search(rf"\b{re.escape(word)}\b", line)), 0)
