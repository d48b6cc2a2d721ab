"""Which hold rules an open schedule goes by: those it was decided with, until somebody has seen what new ones change.

New cases are decided by the rules as they are. A schedule that was approved is looked at by the last set that was
adopted; what that lets go and the new rules hold is not erased either, for they are asked right before an erasure.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.decision import Plan
from models.holds import RuleSet
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import PlanState, TaskKind, TaskState
from workflows.human import close_task, open_task
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


def noted(session: Session, rt: Runtime) -> RuleSet | None:
    """The register's rules as they were written down, if a sweep has seen them."""
    return session.get(RuleSet, rules_digest(rt))


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not as it was adopted: added, removed or changed; `parts` are (name, before, after), as text."""

    rule: str
    kind: str
    parts: tuple[tuple[str, str, str], ...] = ()


def rule_changes(session: Session, rt: Runtime) -> list[RuleChange]:
    """What of the register's rules differs from those that open schedules go by, as far as it decides anything."""
    last = adopted(session)
    if last is None or last.digest == rules_digest(rt):
        return []
    old = {rule["id"]: _deciding(rule) for rule in json.loads(last.rules)}
    new = {rule.id: _deciding(rule.model_dump(mode="json")) for rule in rt.register.holds}
    changes = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            changes.append(RuleChange(name, "added" if name not in old else "removed"))
        elif old[name] != new[name]:
            parts = ((p, old[name][p], new[name][p]) for p in sorted(_DECIDING) if old[name][p] != new[name][p])
            changes.append(RuleChange(name, "changed", tuple((p, _said(a), _said(b)) for p, a, b in parts)))
    return changes


def _deciding(rule: dict[str, Any]) -> dict[str, Any]:
    return {part: rule.get(part) for part in _DECIDING}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def note_rules(rt: Runtime) -> int:
    """Write the register's rules down, and call a person where they are not those that were adopted; 1 if so.

    The very first rules are adopted as they are: there is nothing that they could change.
    """
    digest = rules_digest(rt)
    with rt.unit() as session:
        last = adopted(session)
        if last is not None and last.digest == digest:
            _not_about(session, rt, "")
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
        row.refused_at, row.refused_by, row.refused_why = None, None, None
        key = f"rules:{digest.hex()}"
        _not_about(session, rt, key)
        open_task(session, rt, key=key, kind=TaskKind.CHECK, code=CHANGED)
        return 1


def _not_about(session: Session, rt: Runtime, key: str) -> None:
    """Nobody is asked any more about rules that the register does not hold now."""
    stale = select(HumanTask).where(HumanTask.code == CHANGED, HumanTask.state == TaskState.OPEN, HumanTask.key != key)
    for task in session.scalars(stale):
        close_task(session, rt, task, by="vastine", answer="settled")


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
