"""The rules of the register that hold data, what a change of them does to open schedules, and the officer's word."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.case import problems_of
from webhooks.console.roles import DECIDE, LIST, OFFICER, allow
from webhooks.console.shell import Shell
from workflows import rulediff, rulesets
from workflows.errors import Conflict, VastineError
from workflows.nearness import cases_kept_from
from workflows.register.model import HoldRule
from workflows.rules.hold_rules import law_text

MOST_CASES = 500
"""More open schedules than a page looks at while somebody waits for it; the command line takes any number."""

SHOWN = 200
DONE = ("adopted", "refused")


def pages(shell: Shell) -> Blueprint:
    """The list, the difference, adopt and refuse."""
    rt = shell.rt
    blueprint = Blueprint("rules", __name__)

    @blueprint.get("/rules")
    @allow(LIST)
    def rules() -> BaseResponse:
        return _show(shell)

    @blueprint.get("/rules/change")
    @allow(DECIDE)
    def change() -> BaseResponse:
        try:
            with rt.unit() as session:
                if rulediff.held_cases(session) > MOST_CASES:
                    raise Conflict("too_many_cases", detail="compare them with `vastine holds diff`")
            seen = rulediff.diff(rt)
        except VastineError as error:
            return _show(shell, problem=error)
        if not seen.changed:
            return redirect(url_for("rules.rules"))
        return _show_change(shell, seen)

    @blueprint.post("/rules/adopt")
    @allow(OFFICER)
    def adopt() -> BaseResponse:
        given = request.form.get("diff", "")[:100]
        return _act(shell, lambda: rulediff.adopt(rt, given, user=g.user.name), done="adopted")

    @blueprint.post("/rules/refuse")
    @allow(OFFICER)
    def refuse() -> BaseResponse:
        digest, reason = request.form.get("rules", "")[:100], request.form.get("reason", "")[:5000]
        return _act(shell, lambda: rulediff.refuse(rt, digest, user=g.user.name, reason=reason), done="refused")

    return blueprint


def _act(shell: Shell, work: Callable[[], object], *, done: str) -> BaseResponse:
    try:
        work()
    except VastineError as error:
        return _show(shell, problem=error)
    return redirect(url_for("rules.rules", done=done))


def _show(shell: Shell, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    with rt.unit() as session:
        state = _state(session, shell)
    done = request.args.get("done", "")
    rows = [_row(shell, rule) for rule in rt.register.holds]
    return shell.page(
        "rules.html",
        status=problem.status if problem else 200,
        rows=rows,
        unapproved=sum(row["active"] and not row["approved_by"] for row in rows),
        state=state,
        typed=request.form if problem else {},
        problems=problems_of(problem) if problem else [],
        done=done if done in DONE else "",
    )


def _show_change(shell: Shell, seen: rulediff.Diff) -> BaseResponse:
    with shell.rt.unit() as session:
        state = _state(session, shell)
        kept = cases_kept_from(session, g.user.name)
    cases = [case for case in seen.cases if case.reference not in kept]
    labels = shell.catalogue.category_label
    return shell.page(
        "rules_change.html",
        state=state,
        hash=seen.hash,
        total=len(seen.cases),
        cases=cases[:SHOWN],
        by_rule=[(rule, code, labels(code, g.t.language), kind, n) for rule, code, kind, n in seen.by_rule()],
        officer=g.user.role in OFFICER,
    )


def _state(session: Session, shell: Shell) -> dict[str, Any]:
    """Since when which rules are in force, and what the register would change."""
    rt = shell.rt
    last, now = rulesets.adopted(session), rulesets.noted(session, rt)
    changes = rulesets.rule_changes(session, rt)
    refused = now is not None and bool(changes) and now.refused_at is not None
    return {
        "since": last.adopted_at if last else None,
        "by": last.adopted_by if last else "",
        "changes": changes,
        "now": rulesets.rules_digest(rt).hex(),
        "refused": {"by": now.refused_by, "at": now.refused_at, "why": now.refused_why} if refused and now else None,
    }


def _row(shell: Shell, rule: HoldRule) -> dict[str, Any]:
    labels, today = shell.catalogue.category_label, shell.rt.today()
    begun = rule.valid_from is None or rule.valid_from <= today
    return {
        "id": rule.id,
        "active": rule.active,
        "why_inactive": rule.why_inactive,
        "in_force": rule.active and begun and (rule.valid_to is None or today <= rule.valid_to),
        "law": law_text(rule),
        "source": rule.source,
        "checked_on": rule.checked_on,
        "approved_by": rule.approved_by or "",
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "categories": [
            (code, labels(code, g.t.language), "" if keeps == "all" else ", ".join(keeps))
            for code, keeps in rule.categories.items()
        ],
        "trigger": rule.trigger,
        "until": rule.until,
        "text": rule.text.get(g.t.language),
    }
