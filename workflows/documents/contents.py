"""What each letter must say: a missing content stops the letter, whoever wrote its template.

Source: GDPR Art. 12-22, 77, 79; Data Protection Act 1050/2018 s. 21, 34; Electricity Market Act 588/2013 s. 75 e.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from models.vocabulary import Letter
from workflows.documents.pieces import COMPLAINT as _COMPLAINT
from workflows.documents.pieces import RESTRICTING, Contents, Context, Piece
from workflows.documents.pieces import SENDER as _SENDER

Medium = Literal["mail", "letter"]
_LEAST = 3
"""Characters below which a marked place says nothing; the name of a category may be short."""


def _has(name: str) -> Callable[[Context], bool]:
    return lambda context: bool(context.get(name))


def _kind(*kinds: str) -> Callable[[Context], bool]:
    return lambda context: context.get("ask_kind") in kinds


_NARROWED = (
    Piece("asked_for", "GDPR 12(1), 15(1)", ("asked_for",), _has("asked_for")),
    Piece("rest", "GDPR 12(2), 15(3)", when=_has("asked_for")),
)
_SEARCHED = Piece("searched", "GDPR 12(1)", when=_has("sources"), rows="sources")
_BACKUPS = Piece("backups", "GDPR 17(1), 5(1)(e)", when=_has("erased"))
_ERASED = Piece("erased", "GDPR 17(1)", when=_has("erased"), rows="erased")
_KEPT = Piece("kept", "GDPR 12(4), 17(3)", when=_has("kept"), rows="kept")
_BANNED = Piece("banned", "GDPR 12(1), 7(3), 21(3)", ("bans",), _has("bans"))
_GONE = Piece("gone", "GDPR 12(1), 17(1)", when=_has("receipts"))
_PROCESSING = tuple(
    Piece(name, law, when=_has("processing"))
    for name, law in (
        ("purposes", "GDPR 15(1)(a)"),
        ("categories", "GDPR 15(1)(b)"),
        ("recipients", "GDPR 15(1)(c)"),
        ("storage", "GDPR 15(1)(d)"),
        ("origin", "GDPR 15(1)(g)"),
        ("transfers", "GDPR 15(2)"),
    )
)
_RECEIPT = (
    Piece("received", "GDPR 12(3)", ("received_on",)),
    Piece("understood", "GDPR 12(1)", ("right",)),
    Piece("narrowed", "GDPR 12(1)", when=_has("narrowed")),
    Piece("due", "GDPR 12(3)", ("due_on",)),
    Piece("next", "GDPR 12(1)"),
    Piece("change", "GDPR 12(2)"),
    Piece("free", "GDPR 12(5)"),
)
_CODE = (
    Piece("doubt", "GDPR 12(6)"),
    Piece("least", "GDPR 5(1)(c), 11(2)", ("code",)),
    Piece("methods", "GDPR 12(2)"),
    Piece("no_identity_code", "DPA 29"),
    Piece("time", "GDPR 12(3)", ("due_on",)),
    Piece("if_not", "GDPR 11(2), 12(6)"),
)
_ASK = (
    Piece("doubt", "GDPR 12(6), 11(2)"),
    Piece("least", "GDPR 5(1)(c), 11(2)"),
    Piece("methods", "GDPR 12(2)"),
    Piece("no_identity_code", "DPA 29", when=_kind("identity", "mandate")),
    Piece("time", "GDPR 12(3)", ("due_on",)),
    Piece("answer_by", "GDPR 12(3)", ("answer_by",)),
    Piece("if_not", "GDPR 11(2), 12(6)"),
)
_EXTENSION = (
    Piece("reason", "GDPR 12(3)", ("extension_reason",)),
    Piece("new_date", "GDPR 12(3)", ("extended_until",)),
    Piece("ready", "GDPR 12(1)"),
    Piece("complaint", "GDPR 12(4), 77; DPA 21"),
)
_LATE = (
    Piece("promised", "GDPR 12(3)", ("promised_on",)),
    Piece("standing", "GDPR 12(1)", ("standing",)),
    Piece("new_date", "GDPR 12(3)", ("answer_by",)),
    *_COMPLAINT,
)
_FEE = (
    Piece("fee", "GDPR 12(5)(a)", ("fee", "right")),
    Piece("ground", "GDPR 12(5)", ("fee_ground",)),
    Piece("basis", "GDPR 12(5)(a)", ("fee_basis",)),
    Piece("answer", "GDPR 12(2)", ("answer_by",)),
    Piece("withdraw", "GDPR 12(2)"),
    Piece("if_not", "GDPR 12(4), 12(5)(b)"),
    *_COMPLAINT,
)
_ESTATE = (
    Piece("scope", "GDPR recital 27"),
    Piece("contract", "Inheritance Code 40/1965 18:2"),
    Piece("documents", "Inheritance Code 40/1965 18:2"),
    *_COMPLAINT,
)
_ANSWER = (
    Piece("asked", "GDPR 12(3)", ("received_on", "right")),
    Piece("answer", "GDPR 12(1), 12(3)", ("answer_words",)),
    _GONE,
    *_COMPLAINT,
    Piece("sender", "GDPR 12(4); DPA 34", ("answered_by",)),
)
_ANSWER_MAIL = (Piece("asked", "GDPR 12(3)", ("received_on",)), Piece("where", "GDPR 12(1)"))
_MERGED = (
    Piece("leading", "GDPR 12(1)", ("leading",)),
    Piece("earliest", "GDPR 12(3)", ("received_on",)),
    Piece("due", "GDPR 12(3)", ("due_on",)),
)
_WITHDRAWN = (Piece("withdrawn", "GDPR 12(1)", ("received_on",)), Piece("again", "GDPR 12(2)"))

CONTENTS: Mapping[Letter, Contents] = {
    Letter.ACKNOWLEDGEMENT: Contents("L01", "A request was opened", _RECEIPT, _RECEIPT),
    Letter.CODE: Contents("L02", "The contact on file gets a code", _CODE, _CODE),
    Letter.ASK: Contents("L02", "Something is needed from the person", _ASK, _ASK),
    Letter.EXTENSION: Contents(
        "L03", "The answer needs two months more", (*_EXTENSION, *_COMPLAINT[1:], _SENDER), _EXTENSION
    ),
    Letter.ACCESS: Contents(
        "L04",
        "Access was asked for and searched, also where nothing is held",
        (
            *_NARROWED,
            Piece("confirmation", "GDPR 15(1)"),
            Piece("free", "GDPR 12(5), 15(3)", when=_has("found")),
            *_PROCESSING,
            Piece("automated", "GDPR 15(1)(h)"),
            Piece("rights", "GDPR 15(1)(e)"),
            *_COMPLAINT,
            _SEARCHED,
            Piece("gaps", "GDPR 12(1)", when=_has("gaps")),
            Piece("left_out", "GDPR 15(4)", ("third_party_count",), _has("third_party_count")),
            Piece("unsure", "GDPR 15(4)", ("unsure_count",), _has("unsure_count")),
            Piece("elsewhere", "GDPR 12(2), 15(1)(c), (g)", ("elsewhere",), _has("elsewhere")),
            Piece("how_to_open", "GDPR 12(1)", when=_has("found")),
            Piece(
                "expiry", "GDPR 12(1)", ("link_expires_on",), lambda c: bool(c.get("found") and "link_expires_on" in c)
            ),
        ),
    ),
    Letter.PORTABILITY: Contents(
        "L05",
        "Portability was asked for and searched",
        (
            *_NARROWED,
            Piece("formats", "GDPR 20(1)"),
            Piece("included", "GDPR 20(1)(a)"),
            Piece("excluded", "GDPR 20(1), 20(4)"),
            Piece("refused_part", "GDPR 12(4), 20(1)", ("not_portable",), _has("not_portable")),
            Piece("metering", "Electricity Market Act 588/2013 s. 75 e"),
            Piece("transmission", "GDPR 20(2)"),
            Piece("expiry", "GDPR 12(1)", ("link_expires_on",), _has("link_expires_on")),
            _SEARCHED,
            Piece("rights", "GDPR 15(1)(e)"),
            *_COMPLAINT,
        ),
    ),
    Letter.REFUSAL: Contents(
        "L08",
        "A request was refused, or nobody was proven",
        (
            Piece("asked", "GDPR 12(4)", ("received_on", "right")),
            Piece("refused", "GDPR 12(4)"),
            Piece("ground", "GDPR 12(4)", ("refusal_ground",)),
            Piece("facts", "GDPR 12(4)", ("refusal_reason",)),
            Piece("granted", "GDPR 12(4)"),
            Piece("items", "GDPR 12(4)", when=_has("refused"), rows="refused"),
            Piece("indirect", "DPA 34", when=_has("indirect")),
            Piece("free", "GDPR 12(5)"),
            *_COMPLAINT,
            Piece("sender", "GDPR 12(4); DPA 34", ("decided_by",)),
        ),
        (Piece("decided", "GDPR 12(4)", ("received_on",)), Piece("complaint", "GDPR 12(4), 77")),
    ),
    Letter.FEE: Contents("L08f", "A fee is asked for in place of a refusal", _FEE, _FEE),
    Letter.ESTATE: Contents("L08e", "Somebody asked about a person who has died", _ESTATE, _ESTATE),
    Letter.ANSWER: Contents("own words", "A person answered outside the flows", _ANSWER, _ANSWER_MAIL),
    Letter.PARTIAL_ERASURE: Contents(
        "L09",
        "Some of what was to be erased must be kept",
        (
            _ERASED,
            _KEPT,
            Piece("restricted", "GDPR 18(2)"),
            Piece("later", "GDPR 12(3), 17(1)"),
            Piece("paused", "GDPR 12(1); Act 513/1999 s. 4 b", when=lambda c: "paused" in c["extra"]),
            _BACKUPS,
            _BANNED,
            *_COMPLAINT,
            _SENDER,
        ),
    ),
    Letter.ERASURE: Contents(
        "L10",
        "All that was to be erased is erased",
        (
            Piece("checked", "GDPR 5(2), 17(1)", ("today",)),
            _ERASED,
            _KEPT,
            Piece("backups", "GDPR 17(1), 5(1)(e)"),
            _BANNED,
            Piece("told", "GDPR 19"),
            Piece("case_file", "GDPR 5(2), 17(3)(e)"),
            *_COMPLAINT,
            _SENDER,
        ),
    ),
    Letter.FINAL_ERASURE: Contents(
        "L10b",
        "The last hold has ended and the rest is erased",
        (
            Piece("checked", "GDPR 5(2), 17(1)", ("received_on", "today")),
            _ERASED,
            _KEPT,
            Piece("backups", "GDPR 17(1), 5(1)(e)"),
            _BANNED,
            *_COMPLAINT,
            _SENDER,
        ),
    ),
    Letter.HOLD_LATER: Contents(
        "L09 again",
        "A day of erasure moved later",
        (
            Piece("moved", "GDPR 12(3)", ("received_on",)),
            _KEPT,
            Piece("restricted", "GDPR 18(2)"),
            Piece("later", "GDPR 17(1)"),
            *_COMPLAINT,
            _SENDER,
        ),
    ),
    **RESTRICTING,
    Letter.DUPLICATE: Contents("L13", "The same was asked twice", _MERGED, _MERGED),
    Letter.WITHDRAWN: Contents("L13", "The person took the request back", (*_WITHDRAWN, _GONE), _WITHDRAWN),
    Letter.LATE: Contents("L14", "The day has passed without an answer", (*_LATE, _SENDER), _LATE),
}
"""Letters that are not here are notices that point to one of these, or go to others than the person."""


def owed(letter: Letter, medium: Medium) -> tuple[Piece, ...]:
    """What this letter must say on this way, in the order of the table."""
    contents = CONTENTS.get(letter)
    if contents is None:
        return ()
    return contents.mail if medium == "mail" else contents.letter


def missing(letter: Letter, medium: Medium, *, told: Mapping[str, str], context: Context) -> list[str]:
    """The contents that the text owes and does not give; [] is a letter that may go out."""
    gaps = []
    for piece in owed(letter, medium):
        if piece.when is not None and not piece.when(context):
            continue
        text = told.get(piece.name, "")
        quoted = all(_shown(context.get(name)) in text for name in piece.facts)
        quoted = quoted and all(_shown(part) in text for row in context.get(piece.rows, ()) for part in _parts(row))
        if len(text) < _LEAST or not quoted:
            gaps.append(piece.name)
    return gaps


def frame_missing(context: Context, seen: str, *, medium: Medium) -> list[str]:
    """What every text must show: the reference, who writes, how to reach them; a letter also its day."""
    controller = context["controller"]
    dpo = controller["dpo"]
    reach = [v for v in (dpo["email"], dpo["phone"], dpo["name"]) if v]
    gaps = [] if _shown(context["reference"]) in seen else ["reference"]
    gaps += [] if _shown(controller["name"]) in seen else ["controller"]
    gaps += [] if not reach or any(_shown(v) in seen for v in reach) else ["dpo"]
    return gaps + ([] if medium == "mail" or _shown(context["today"]) in seen else ["date"])


def _parts(row: Context) -> list[str]:
    """What a row of a table has to show: the data, the reasons and the day, or the system and its answer."""
    return [str(part) for part in (row.get("what") or row["label"], *row.get("why", ()), row.get("erase_on")) if part]


def _shown(value: object) -> str:
    return " ".join(str(value).split())
