"""The case for a guarded refusal as the reader may see it: computed facts, words of people, the fee."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from models.refusing import CaseState
from models.request import Request
from webhooks.console.roles import RECORDS
from webhooks.console.shell import Shell
from workflows import guarding
from workflows.ports import RequestKey
from workflows.register.grounds import grounds_with


def refusal_facts(session: Session, shell: Shell, request: Request, key: RequestKey | None) -> dict[str, Any] | None:
    """What the part of the page shows; None where there is nothing to refuse, or the reader may not read it."""
    if g.user.role not in RECORDS or key is None or request.state not in guarding.STATES or not request.proof_sealed:
        return None
    rt, language = shell.rt, g.t.language
    facts = guarding.facts_of(session, request)
    choices = [(ground.id, getattr(ground.text, language)) for ground in guarding.guarded_grounds(rt)]
    shown: dict[str, Any] = {"grounds": choices, "facts": facts, "fees": guarding.FEE_WORDS[:1], "open": False}
    row = guarding.open_case(session, request)
    if row is None:
        return shown
    ground = grounds_with(rt.register.grounds).get(row.ground)
    evidence, reason = guarding.words_of(row, key)
    return shown | {
        "open": True,
        "facts": row.facts,
        "changed": row.facts != facts,
        "ground": row.ground,
        "ground_text": getattr(ground.text, language) if ground else row.ground,
        "scale": [(f.id, f"{_money(f.cents)} ({f.basis})") for f in ground.fees] if ground else [],
        "evidence": evidence,
        "reason": reason,
        "fee_word": row.fee_word,
        "fee": _money(row.fee_cents) if row.fee_cents else "",
        "fees": guarding.FEE_WORDS if row.fee_announced_at else guarding.FEE_WORDS[:1],
        "answer_by": guarding.fee_answer_by(rt, row),
        "announced": row.state is CaseState.FEE_ANNOUNCED,
        "prepared_by": row.prepared_by,
        "prepared_at": row.prepared_at,
        "mine": row.prepared_by == g.user.name,
        "digest": row.digest.hex(),
    }


def _money(cents: int) -> str:
    return guarding.money(cents, g.t.language)
