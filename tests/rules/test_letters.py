"""Letters that people send by the thousand: the right that each is about is found, and none is taken for an erasure."""

import re
from pathlib import Path

import pytest

from models.vocabulary import Right
from workflows.rules.mail import House, understand_mail

FOLDER = Path(__file__).parent / "letters"
ABOUT = {
    "en-access-default": Right.ACCESS,
    "en-access-tracking": Right.ACCESS,
    "en-erasure-default": Right.ERASURE,
    "en-objection-default": Right.OBJECTION,
    "en-rectification-default": Right.RECTIFICATION,
    "en-admonition": None,
    "en-complaint": None,
    "sv-rectification-default": Right.RECTIFICATION,
    "sv-admonition": None,
    "sv-complaint": None,
}


def words_of(name: str) -> str:
    """The letter with the marks of its optional parts taken out, all of them kept."""
    return re.sub(r"\[[\w>:]+>|\]|\{\w+\}", " ", (FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def test_every_letter_has_its_row() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(ABOUT)


@pytest.mark.parametrize("name", ABOUT)
def test_a_letter_is_understood_in_its_language_and_as_what_it_is_about(name: str) -> None:
    raw = f"From: a@b.example\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words_of(name)}"
    got = understand_mail(raw.encode(), House())
    right = ABOUT[name]
    assert got.language == name[:2]
    assert right is None or right in got.rights
    assert right is Right.ERASURE or Right.ERASURE not in got.rights
    assert right is not None or got.triage is not None  # a complaint is read by a person


def test_a_letter_with_many_wishes_waits_for_a_person() -> None:
    raw = f"From: a@b.example\r\nSubject: x\r\n\r\n{words_of('en-erasure-default')}"
    assert understand_mail(raw.encode(), House()).triage in ("several_rights", "other_right")
