"""What the contents of letters are made of, and those of restriction and objection.

Source: GDPR Art. 12, 18, 19, 21, 77, 79; Data Protection Act 1050/2018 s. 21.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.vocabulary import Letter

Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """One mandatory content: its mark, the law that asks for it, facts it must quote, and when it is owed."""

    name: str
    law: str
    facts: tuple[str, ...] = ()  # names of the context; their text must stand behind the mark
    when: Callable[[Context], bool] | None = None
    rows: str = ""  # a list of the context; every row's data, reason and day must stand there


@dataclass(frozen=True, slots=True)
class Contents:
    """The mandatory contents of one letter, on paper and in the mail."""

    number: str
    when: str
    letter: tuple[Piece, ...] = ()
    mail: tuple[Piece, ...] = ()


COMPLAINT = (
    Piece("complaint", "GDPR 12(4), 77; DPA 21"),
    Piece("authority", "GDPR 13(2)(d), 77"),
    Piece("court", "GDPR 12(4), 79"),
)
SENDER = Piece("sender", "DPA 1050/2018; fairness, GDPR 5(1)(a)")

_BANS = (
    Piece("bans", "GDPR 12(3), 21(2)-(3), 7(3)", ("bans", "received_on")),
    Piece("printed", "GDPR 12(1)"),
    Piece("kept_why", "GDPR 5(2), 21(3)"),
    Piece("consent", "GDPR 7(3), 17(1)(b)", when=lambda c: bool(c["extra"].get("consent"))),
    Piece("elsewhere", "GDPR 12(2)"),
    Piece("undo", "GDPR 12(2)"),
)
RESTRICTING: Mapping[Letter, Contents] = {
    Letter.RECTIFICATION: Contents(
        "L06",
        "Every item of a rectification was decided",
        (
            Piece("asked", "GDPR 12(3)", ("received_on",)),
            Piece("items", "GDPR 12(3), 16"),
            Piece("reasons", "GDPR 12(4)", when=lambda context: bool(context.get("not_changed"))),
            Piece("told", "GDPR 19"),
            *COMPLAINT,
            SENDER,
        ),
    ),
    Letter.RESTRICTION: Contents(
        "L11",
        "The use of data was restricted",
        (
            Piece("ground", "GDPR 18(1)", ("received_on",)),
            Piece("data", "GDPR 12(1), 18(1)"),
            Piece("allowed", "GDPR 18(2)"),
            Piece("lifting", "GDPR 18(3)"),
            Piece("told", "GDPR 19"),
            *COMPLAINT,
            SENDER,
        ),
    ),
    Letter.LIFTING: Contents(
        "L11b",
        "A restriction is going to be lifted; before it is",
        (
            Piece("reason", "GDPR 18(3)"),
            Piece("result", "GDPR 12(1)"),
            Piece("date", "GDPR 18(3)", ("lift_on",)),
            Piece("objection", "GDPR 12(2), 21"),
            *COMPLAINT,
            SENDER,
        ),
        (Piece("date", "GDPR 18(3)", ("lift_on",)), Piece("objection", "GDPR 12(2)")),
    ),
    Letter.OBJECTION: Contents(
        "L12",
        "An objection was upheld",
        (
            Piece("objected", "GDPR 21(1)", ("received_on",)),
            Piece("stopped", "GDPR 21(1)"),
            Piece("weighed", "GDPR 12(1), 21(1)"),
            Piece("erases", "GDPR 12(3), 17(1)(c)", when=lambda c: bool(c["extra"].get("erases"))),
            Piece("undo", "GDPR 12(2)"),
            *COMPLAINT,
            SENDER,
        ),
    ),
    Letter.BAN: Contents(
        "L12",
        "A ban on marketing, or a withdrawn consent, is in force",
        (*_BANS, *COMPLAINT),
        _BANS,
    ),
}
