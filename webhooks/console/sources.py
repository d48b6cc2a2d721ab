"""How the sources are doing, and the switch that pauses one."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.case import problems_of
from webhooks.console.roles import EVERYONE, PAUSE, allow
from webhooks.console.shell import Shell
from webhooks.console.tasklist import badge
from workflows import pausing
from workflows.errors import BadInput, Fault, VastineError
from workflows.rules.form import read_day
from workflows.sourceview import show_sources

TONES = {
    "ok": "ok", "unknown": "", "by_hand": "", "failing": "warn", "down": "bad", "blind": "bad", "paused": "warn",
}  # fmt: skip
_DONE = ("paused", "resumed")
_BAR = 60


def pages(shell: Shell) -> Blueprint:
    """Sources."""
    rt = shell.rt
    blueprint = Blueprint("sources", __name__)

    @blueprint.get("/sources")
    @allow(EVERYONE)
    def sources() -> BaseResponse:
        return _show(shell)

    @blueprint.post("/sources/<source>/pause")
    @allow(PAUSE)
    def pause(source: str) -> BaseResponse:
        try:
            given = request.form.get("until", "")[:100].strip()
            until = read_day(given)
            if given and until is None:
                raise BadInput([Fault("until", "pause_until_unreadable")])
            reason = request.form.get("reason", "")[:5000]
            with rt.unit() as session:
                pausing.pause(session, rt, source, user=g.user.name, reason=reason, until=until)
        except VastineError as error:
            return _show(shell, problem=error, source=source)
        return redirect(url_for("sources.sources", done="paused"))

    @blueprint.post("/sources/<source>/resume")
    @allow(PAUSE)
    def resume(source: str) -> BaseResponse:
        try:
            with rt.unit() as session:
                pausing.resume(session, rt, source, user=g.user.name)
        except VastineError as error:
            return _show(shell, problem=error, source=source)
        return redirect(url_for("sources.sources", done="resumed"))

    return blueprint


def _show(shell: Shell, *, problem: VastineError | None = None, source: str = "") -> BaseResponse:
    with shell.rt.unit() as session:
        rows = [_row(shell, row) for row in show_sources(session, shell.rt)]
    done = request.args.get("done", "")
    problems = problems_of(problem) if problem else []
    for one in problems:  # each source has its own fields
        one["field"] = one["field"] and f"{source}-{one['field']}"
    return shell.page(
        "sources.html",
        status=problem.status if problem else 200,
        rows=rows,
        done=done if done in _DONE else "",
        problems=problems,
        given={"source": source, "reason": request.form.get("reason", ""), "until": request.form.get("until", "")},
    )


def _row(shell: Shell, row: dict[str, Any]) -> dict[str, Any]:
    """A source in words, with its little bar of places."""
    due = row["next_due"]
    most = row["slots"]
    taken = max(row["running"], row["places_taken"])
    return {
        **row,
        "label": shell.catalogue.source_label(row["source"], g.t.language),
        "tone": TONES[row["status"]],
        "code": _code(row),
        "taken": taken,
        "bar": round(_BAR * min(1.0, taken / most)) if most else 0,
        "due": badge(shell.rt.today(), date.fromisoformat(due)) if due else None,
        "canary_at": _moment(row["canary"]["at"]) if row["canary"] else None,
        "last_ok": _moment(row["last_ok_at"]),
        "open_until": _moment(row["open_until"]),
        "paused_since": _moment(row["paused"]["since"]) if row["paused"] else None,
        "paused_until": _day(row["paused"]["until"]) if row["paused"] else None,
    }


def _code(row: dict[str, Any]) -> str:
    code = (row["canary"] or {}).get("code") if row["status"] == "blind" else row["last_code"]
    if not code:
        return ""
    return str(g.t(f"code.{code}")) if f"code.{code}" in g.t else str(code)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
