"""Which rights a person asks for in their own words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.vocabulary import Right
from workflows.rules.wish_questions import ANEW, ASKED, HAPPENED, HOW_TO, POSSIBLE, SUPPOSED, WISHED
from workflows.rules.wish_words import (
    NEGATED,
    ON_BEHALF,
    OPPOSED,
    RECITED,
    TOLD,
    TURNED,
    UNOPPOSED,
    VAGUE,
    WANTED,
    WORDS,
)

SURE = 0.7
_SEARCHED = 40_000  # characters: four pages of complaint are 12,000
_PATTERNS = {right: tuple((w, re.compile(rf"\b(?:{p})")) for w, p in words) for right, words in WORDS.items()}
_NEGATED = re.compile(NEGATED)
_ON_BEHALF = re.compile(ON_BEHALF)
_OPPOSED = re.compile(OPPOSED)
_UNOPPOSED = re.compile(UNOPPOSED)
_STOPS = (Right.ERASURE, Right.OBJECTION, Right.RESTRICTION)
_RECITED = re.compile(RECITED)
_TOLD = re.compile(TOLD)
_TURNED = re.compile(TURNED)
_VAGUE = re.compile(VAGUE)
_WANTED = re.compile(WANTED)
_ANEW, _WISHED = re.compile(ANEW), re.compile(WISHED)
_IN_QUESTION = (re.compile(ASKED), re.compile(SUPPOSED), re.compile(POSSIBLE))
_HOW_TO = (re.compile(HOW_TO), re.compile(POSSIBLE))
_HAPPENED = re.compile(HAPPENED)
_WHY = re.compile(r"\b(?:why|miksi|varför)\b")
_WISH, _QUESTION, _NOTHING = "wish", "question", "nothing"
_SENTENCE_END = re.compile(r"[.!?\n]")


@dataclass(frozen=True, slots=True)
class Wishes:
    """`confidence` maps each right that is asked for to how sure that is, 0 to 1; `vague`: about data, but unclear.

    `questions`: the rights that are only asked about, how or whether they can be had.
    """

    confidence: Mapping[Right, float]
    on_behalf: bool
    vague: bool
    questions: frozenset[Right] = frozenset()

    @property
    def rights(self) -> tuple[Right, ...]:
        """The rights that are surely asked for, in the order of the law's articles as `Right` lists them."""
        return tuple(r for r in Right if self.confidence.get(r, 0) >= SURE)


def wishes_in(text: str) -> Wishes:
    """Look for known phrases in Finnish, Swedish and English; a phrase in a negated sentence does not count."""
    plain = re.sub(r"[^\S\n]+", " ", text[:_SEARCHED].lower().replace("’", "'"))
    # a line break inside a paragraph is no end of a sentence
    plain = re.sub(r"(?<![.!?:\n])\n(?!\n)", " ", plain)
    plain = _RECITED.sub(" … ", plain)
    confidence: dict[Right, float] = {}
    questions: set[Right] = set()
    for right, patterns in _PATTERNS.items():
        doubt = 1.0
        for weight, pattern in patterns:
            read = {_read(plain, m, right=right) for m in pattern.finditer(plain)}
            if _WISH in read:
                doubt *= 1 - weight
            elif _QUESTION in read:
                questions.add(right)
        if doubt < 1:
            confidence[right] = round(1 - doubt, 3)
    return Wishes(
        confidence,
        on_behalf=bool(_ON_BEHALF.search(plain)),
        vague=bool(_VAGUE.search(plain)),
        questions=frozenset(questions - confidence.keys()),
    )


def _read(text: str, found: re.Match[str], *, right: Right) -> str:
    """Whether a phrase is a wish, a question about one, or nothing of the kind."""
    start = found.start()
    sentence = _SENTENCE_END.split(text[max(0, start - 120) : start])[-1]
    if right in (*_STOPS, Right.WITHDRAW_CONSENT):
        if _is_in_question(found, before=sentence, asked=_IN_QUESTION):
            return _NOTHING if _WHY.search(sentence) else _QUESTION
        if _has_happened(text, found, before=sentence):
            return _NOTHING
    if right is Right.MARKETING_BAN:  # its phrases are negations themselves
        return _QUESTION if _is_in_question(found, before=sentence, asked=_HOW_TO) else _WISH
    return _NOTHING if _is_negated(found, before=sentence, right=right) else _WISH


def _is_negated(found: re.Match[str], *, before: str, right: Right) -> bool:
    before = _WANTED.split(before)[-1]
    if right is Right.ERASURE and (_TOLD.search(before + found[0].split()[0]) or _TURNED.search(found[0])):
        return True  # what is read into a text here may end in data destroyed
    if right in _STOPS and _OPPOSED.search(before):
        return True
    if right is Right.OBJECTION and _UNOPPOSED.search(before + found[0]):
        return True
    return bool(_NEGATED.search(before))


def _is_in_question(found: re.Match[str], *, before: str, asked: Sequence[re.Pattern[str]]) -> bool:
    """Whether the clause asks about what is named, or supposes it, and wishes for none."""
    if _WISHED.search(before):
        return False
    clause = _ANEW.split(before)[-1]
    first = found[0].split()[0]
    return any(p.search(clause) or p.search(clause + first) for p in asked)


def _has_happened(text: str, found: re.Match[str], *, before: str) -> bool:
    if _WISHED.search(before):
        return False
    rest = re.match(r"\w*", text[found.end() :])
    told = _ANEW.split(before)[-1] + found[0] + (rest[0] if rest else "")
    return bool(_HAPPENED.search(re.split("[,;:]", told)[-1]))
