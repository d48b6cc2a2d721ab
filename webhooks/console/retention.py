"""Data whose time is over although nobody asked: make a list, look at it, and approve it by category."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models.retention import RetentionState
from webhooks.console.case import problems_of
from webhooks.console.roles import DECIDE, allow
from webhooks.console.shell import Shell
from workflows.errors import NotFound, VastineError
from workflows.retention import lists, showing
from workflows.retention.looking import unread_of

PAGE = 100
_LAST_PAGE = 100_000


def pages(shell: Shell) -> Blueprint:
    """The categories, and the list of one of them."""
    rt = shell.rt
    blueprint = Blueprint("retention", __name__)

    @blueprint.get("/retention")
    @allow(DECIDE)
    def retention() -> BaseResponse:
        with rt.unit() as session:
            rows = [_row(shell, code, showing.waiting(session, code)) for code in sorted(rt.register.categories)]
        return shell.page("retention.html", rows=rows)

    @blueprint.get("/retention/<category>")
    @allow(DECIDE)
    def category(category: str) -> BaseResponse:
        return _show(shell, category)

    @blueprint.post("/retention/<category>/list")
    @allow(DECIDE)
    def freeze(category: str) -> BaseResponse:
        return _act(shell, category, lambda: lists.freeze(rt, category, user=g.user.name))

    @blueprint.post("/retention/<category>/approve")
    @allow(DECIDE)
    def approve(category: str) -> BaseResponse:
        plan = request.form.get("plan", "")
        return _act(shell, category, lambda: lists.approve(rt, category, plan, user=g.user.name))

    return blueprint


def _act(shell: Shell, category: str, work: Callable[[], object]) -> BaseResponse:
    try:
        _known(shell, category)
        found = work()
    except NotFound:
        raise
    except VastineError as error:
        return _show(shell, category, problem=error)
    return redirect(url_for("retention.category", category=category, nothing=None if found else "1"))


def _known(shell: Shell, category: str) -> None:
    if category not in shell.rt.register.categories:
        raise NotFound("category")


def _row(shell: Shell, code: str, state: RetentionState | None) -> dict[str, Any]:
    keeps = shell.rt.register.categories[code].keeps
    return {
        "code": code,
        "label": shell.catalogue.category_label(code, g.t.language) or code,
        "until": keeps.until if keeps else "",
        "state": state.value if state else "",
    }


def _unread(shell: Shell, category: str) -> dict[str, tuple[str, ...]]:
    """Source to what of this category can't be read through in it."""
    named = {name: unread_of(shell.rt, name, category) for name in sorted(shell.rt.connectors)}
    return {name: what for name, what in named.items() if what}


def _show(shell: Shell, category: str, *, problem: VastineError | None = None) -> BaseResponse:
    _known(shell, category)
    typed = request.args.get("page", "")
    page = min(int(typed), _LAST_PAGE) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 7 else 1
    first = (max(page, 1) - 1) * PAGE
    try:
        found = showing.show(shell.rt, category, user=g.user.name, offset=first, most=PAGE)
    except NotFound:
        found = None
    mine = found is not None and g.user.name in found.approved_by
    more = found is not None and first + PAGE < found.items
    return shell.page(
        "retention_list.html",
        status=problem.status if problem else 200,
        row=_row(shell, category, found.state if found else None),
        found=found,
        unread=_unread(shell, category),
        source=lambda name: shell.catalogue.source_label(name, g.t.language),
        may_approve=found is not None and found.state is RetentionState.FROZEN and not mine,
        nothing=request.args.get("nothing") == "1",
        needed=lists.NEEDED,
        first=first + 1,
        older=url_for("retention.category", category=category, page=page + 1) if more else "",
        problems=problems_of(problem) if problem else [],
    )
