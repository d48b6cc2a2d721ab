"""Other people in free text: e-mail addresses, telephone numbers and identity codes that are not the person's.

Only what can be recognised for sure is taken out. A name can't be: whoever reviews an answer reads for names.
"""

import re
from collections.abc import Iterable, Mapping

import phonenumbers

from workflows.rules.identifiers import EMAIL, NATIONAL_ID, PHONE, normalise
from workflows.rules.items import Json

_SIGN = re.compile(r"@|\d[\d \-()/]{5}")
_GAP = re.compile(r"[ \-/()]+")
_MENTION = re.compile(
    r"(?P<national_id>(?<![\w.])\d{6}[-+A-FU-Y\u2010-\u2013]\d{3}[0-9A-Y](?!\w))"
    r"|(?P<email>[^\s@<>()\[\]\\,;:\"'«»“”]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8})"
    r"|(?P<phone_number>(?<![\w+.,/\-])(?:\+|00|0)\d(?:[ \-/()]{0,2}\d){5,13}(?![\w\-]|[.,]\d))",
    re.IGNORECASE,
)


def harmless(text: str) -> bool:
    """Whether it surely names nobody: no mention is shorter than six characters or without these signs."""
    return len(text) < 6 or _SIGN.search(text) is None


class Mentions:
    """Knows whose identifiers may stay: `mine` maps an identity to the person's values, `ours` are the controller's."""

    def __init__(self, mine: Mapping[str, Iterable[str]], ours: Iterable[str] = ()) -> None:
        self._known: dict[str, set[str]] = {kind: set() for kind in (EMAIL, PHONE, NATIONAL_ID)}
        for kind, values in mine.items():
            if kind in self._known:
                self._known[kind] |= {n for v in values if (n := normalise(kind, v)) is not None}
        for value in ours:
            for kind in (EMAIL, PHONE):
                if (spelled := normalise(kind, value)) is not None:
                    self._known[kind].add(spelled)

    def masked(self, text: str, mark: str) -> tuple[str, int]:
        """The text with `mark` for each mention of somebody else, and how many there were.

        A text that is one identifier and nothing else is a value, not free text, and stays: whose value a column
        holds is for the register to say.
        """
        if harmless(text):
            return text, 0
        plain = text.strip()
        whole = _MENTION.fullmatch(plain)
        if whole is not None:
            return text, 0
        kept: list[str] = []
        count = at = 0
        while (found := _MENTION.search(text, at)) is not None:
            length, others = self._judged(str(found.lastgroup), found.group())
            end = found.start() + length
            kept += [text[at : found.start()], mark if others else text[found.start() : end]]
            count += others
            at = end
        return "".join(kept) + text[at:], count

    def strained(self, value: Json, mark: str) -> tuple[Json, int]:
        """The same for a value of any shape: texts inside lists and objects too."""
        if isinstance(value, str):
            return self.masked(value, mark)
        if isinstance(value, Mapping):
            pairs = {key: self.strained(inner, mark) for key, inner in value.items()}
            count = sum(n for _, n in pairs.values())
            return ({key: inner for key, (inner, _) in pairs.items()} if count else value), count
        if isinstance(value, list | tuple):
            inners = [self.strained(inner, mark) for inner in value]
            count = sum(n for _, n in inners)
            return ([inner for inner, _ in inners] if count else value), count
        return value, 0

    def _judged(self, kind: str, text: str) -> tuple[int, bool]:
        """How many characters of what looks like a mention were one, or are done with, and whether it is another's."""
        if kind == PHONE:
            return self._judged_phone(text)
        spelled = normalise(kind, text)
        return len(text), spelled is not None and spelled not in self._known[kind]

    def _judged_phone(self, text: str) -> tuple[int, bool]:
        """Figures that follow a number may not be part of it: the longest beginning that is a number counts."""
        gaps = [gap.span() for gap in _GAP.finditer(text)]
        for end in (len(text), *(start for start, _ in reversed(gaps))):
            spelled = normalise(PHONE, text[:end])
            if spelled is not None and spelled in self._known[PHONE]:
                return end, False
            if spelled is not None and phonenumbers.is_valid_number(phonenumbers.parse(spelled)):
                return end, True
        return gaps[0][1] if gaps else len(text), False
