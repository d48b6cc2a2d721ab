"""An invented case for previews, and the check that every text of a register can be written."""

from datetime import UTC, datetime, timedelta
from datetime import date as day

from models.vocabulary import LANGUAGES, Action, Ground, Letter, Ownership, Right, SourceResult
from workflows.documents.catalogue import Catalogue
from workflows.documents.letters import MAIL_ONLY, Letters
from workflows.documents.placeholders import uneven
from workflows.errors import Fault, NeverAgain
from workflows.exchange import Corrected, ToldRecipient
from workflows.ports import CaseFacts, PlanLine, SourceFacts
from workflows.register.model import Register
from workflows.rules.items import HoldMatch
from workflows.rules.narrowed import OTHER

RECEIVED = day(2026, 3, 2)
_PLACES = ("no", "number", "amount", "due", "agency", "ref", "review", "company")
_VALUES = {"amount": "51.20", "due": "2026-02-15", "review": "2026-09-01"}


def sample_case(register: Register, language: str, *, right: Right = Right.ACCESS) -> CaseFacts:
    """A case of nobody with every fact filled in, so that every letter can be shown."""
    sources = tuple(
        SourceFacts(name, "", SourceResult.FOUND, "", {}, {Ownership.THIRD_PARTY.value: 1}) for name in register.sources
    )
    return CaseFacts(
        reference="VA-2026-0000-0X",
        right=right,
        language=language,
        received_on=RECEIVED,
        due_a=RECEIVED + timedelta(days=31),
        due_b=RECEIVED + timedelta(days=31),
        today=RECEIVED + timedelta(days=9),
        name="Esimerkki",
        verified_method="code",
        channel="portal",
        categories=(next(iter(register.categories), OTHER),),
        extended_until=RECEIVED + timedelta(days=91),
        extension_reason="complexity",
        sources=(*sources, SourceFacts("paper", "…", SourceResult.NOT_SEARCHED, "", {})),
        plan=tuple(_plan(register)),
        plan_hash="0" * 64,
        receipts={"erased": 1, "kept": 1},
        refusal_ground=Ground.LEGAL_CLAIM.value,
        refusal_reason="………………………………",
        decided_by="…",
        guarantees=dict.fromkeys(register.sources, "A"),
        link="https://vastine.example/s/…",
        link_expires_on=RECEIVED + timedelta(days=23),
        code="000 000",
        code_minutes=30,
        ask_kind="identity",
        wanted=("who", "visit"),
        answer_by=RECEIVED + timedelta(days=40),
        stage="collecting",
        extra={"ground": "accuracy", "note": "……………", "noted": "1", "weighed": "……………"}
        | {"answer": "………………………………", "answered_by": "…"}
        | {"lift_on": "2026-04-20", "lift_code": "verified", "lift_words": "……………"}
        | {
            "kind": "rectification",
            "categories": "…",
            "recipient": "…",
            "bans": "B1 B3",
            "consent": "1",
            "erases": "…",
            "paused": "…",
            "target_on": "2026-02-01",
            "fee": "25,00 €",
            "fee_ground": "……………",
            "fee_basis": "……………",
        },
        objection_until=datetime(2026, 1, 16, 10, 0, tzinfo=UTC),
        corrections=(
            Corrected(1, "", "source", "record", "name", "E…i", "M…i", "change", "changed", "", "", RECEIVED),
            Corrected(2, "………", "", "", "", "", "", "refuse", "", "no_ground", "……………", None),
        ),
        recipients=(ToldRecipient("Esimerkkitulostus Oy", "acknowledged"), ToldRecipient("", "waiting")),
    )


def _plan(register: Register) -> list[PlanLine]:
    """One erased line, and one kept line for each hold rule."""
    source = next(iter(register.sources), "source")
    category = next(iter(register.categories), "")
    params = {place: _VALUES.get(place, "123") for place in _PLACES}
    lines = [PlanLine(source, "record", category, Action.DELETE, Ownership.OWN, 1)]
    for rule in register.holds:
        match = HoldMatch(rule.id, rule.law.act, RECEIVED + timedelta(days=400), params=params)
        lines.append(PlanLine(source, "record", category, Action.KEEP, Ownership.OWN, 1, (match,), "held"))
    return lines


def letter_faults(register: Register) -> list[Fault]:
    """Every text that can't be written in some language, or whose languages show different facts; [] if none."""
    letters, faults, broken = Letters(Catalogue(register)), list[Fault](), set[Letter]()
    for language in LANGUAGES:
        case = sample_case(register, language)
        for letter in Letter:
            try:
                letters.mail(letter, case)
                if letter not in MAIL_ONLY:
                    letters.html(letter, case)
            except NeverAgain as error:
                where = f"letters/{letter.value} ({language})"
                faults.append(Fault(where, error.detail, "compare the text with the built-in one of the same name"))
                broken.add(letter)
    for letter in Letter:
        if letter not in broken:  # where one can't be written that comes first
            ways = ["mail.{}.txt"] + (["letter.{}.html"] if letter not in MAIL_ONLY else [])
            faults += [fault for way in ways for fault in uneven(f"{letter.value}/{way}", letters.source)]
    return faults
