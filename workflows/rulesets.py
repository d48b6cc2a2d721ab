"""Which hold rules an open schedule goes by: those it was decided with, until somebody has seen what new ones change.

New cases are decided by the rules as they are. A schedule that was approved is looked at by the last set that was
adopted; what that lets go and the new rules hold is not erased either, for they are asked right before an erasure.
"""

import hashlib
import json
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan
from models.holds import RuleSet
from models.request import Request
from models.vocabulary import PlanState, TaskKind
from workflows.human import open_task
from workflows.register.model import HoldRule
from workflows.rules.holds import CompiledRules, compile_rules
from workflows.rules.items import canonical
from workflows.runtime import Runtime

CHANGED = "rules_changed"
_DECIDING = {"id", "active", "valid_from", "valid_to", "law", "categories", "trigger", "until"}
"""What a rule's outcome rests on; its words may change without anybody's leave."""


def rules_digest(rt: Runtime) -> bytes:
    """Of the register's rules, as far as they decide anything."""
    said = [rule.model_dump(mode="json", include=_DECIDING) for rule in rt.register.holds]
    return hashlib.sha256(b"vastine-rules-1\n" + canonical(said).encode()).digest()


def adopted(session: Session) -> RuleSet | None:
    """The set that was adopted last; None before the first."""
    return session.scalar(
        select(RuleSet).where(RuleSet.adopted_at.is_not(None)).order_by(RuleSet.adopted_at.desc()).limit(1)
    )


def note_rules(rt: Runtime) -> int:
    """Write the register's rules down, and call a person where they are not those that were adopted; 1 if so.

    The very first rules are adopted as they are: there is nothing that they could change.
    """
    digest = rules_digest(rt)
    with rt.unit() as session:
        last = adopted(session)
        if last is not None and last.digest == digest:
            return 0
        row = session.get(RuleSet, digest)
        if row is None:
            rules = canonical([rule.model_dump(mode="json") for rule in rt.register.holds])
            row = RuleSet(digest=digest, rules=rules, seen_at=rt.now())
            session.add(row)
        elif last is not None and last.adopted_at is not None and row.seen_at > last.adopted_at:
            return 0  # somebody was called since
        if last is None:
            row.adopted_at, row.adopted_by = rt.now(), "vastine"
            return 0
        row.seen_at = rt.now()
        open_task(session, rt, key=f"rules:{digest.hex()}", kind=TaskKind.CHECK, code=CHANGED)
        return 1


def in_force(session: Session, rt: Runtime) -> CompiledRules:
    """The rules that open schedules go by."""
    last = adopted(session)
    if last is None or last.digest == rules_digest(rt):
        return rt.holds
    return compiled(last.rules)


def schedule_rules(session: Session, rt: Runtime, request: Request) -> CompiledRules | None:
    """Those that this case goes by; None: the register's, for nothing of it is approved yet."""
    plan = select(Plan.id).where(Plan.request_id == request.id, Plan.state == PlanState.APPROVED)
    return None if session.scalar(plan.limit(1)) is None else in_force(session, rt)


@lru_cache(maxsize=8)
def compiled(rules: str) -> CompiledRules:
    """A kept set, ready to run."""
    return compile_rules([HoldRule.model_validate(rule) for rule in json.loads(rules)])
