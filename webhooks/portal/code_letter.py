"""A code by post: asked for on the page of a request, typed weeks later on a page that its letter names."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from models.request import Request
from models.vocabulary import RequestState
from webhooks.portal import download
from webhooks.portal.fetching import may_send, may_try
from webhooks.portal.house import house, page, words
from webhooks.portal.opened import EVERY_PAGE, remember
from webhooks.portal.progress import progress_of
from webhooks.portal.status import find, show_status
from workflows.errors import Conflict
from workflows.ladder import by_post
from workflows.rules.reference import parse_reference
from workflows.stages import verification

bp = Blueprint("code_letter", __name__)


@bp.post("/<lang>/status/<reference>/<secret>/letter")
def ask(lang: str, reference: str, secret: str) -> AnyResponse:
    """Ask for a letter to the postal address on file; it looks the same whether anybody is."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        doing = progress_of(session, rt, asked).doing
        if doing != ("code" if asked.state is RequestState.VERIFYING else "fetch"):
            raise NotFound
        if not may_send(session, asked):
            return show_status(session, lang, asked, secret, errors=[("", words()("fault.too_often"))], status=429)
        try:
            by_post.ask(session, rt, asked, actor="person")
        except Conflict:
            raise NotFound from None
    place: dict[str, Any] = {"lang": lang, "reference": asked.reference, "secret": secret}
    return redirect(url_for("status.show", **place) + "#now", 303)


@bp.post("/<lang>/fetch/<token>/letter")
def ask_by_link(lang: str, token: str) -> AnyResponse:
    """Ask for one on the page of a mailed link, by whoever can read the mail and prove it in no other way."""
    rt = house().rt
    with rt.unit() as session:
        grant, asked = download.find(session, token)
        if not may_send(session, asked):
            errors = [("", words()("fault.too_often"))]
            return download.show_page(session, lang, token, grant=grant, asked=asked, errors=errors, status=429)
        try:
            by_post.ask(session, rt, asked, actor="person")
        except Conflict:
            raise NotFound from None
    return redirect(url_for("download.show", lang=lang, token=token), 303)


@bp.get("/<lang>/letter")
def show(lang: str) -> Response:  # noqa: ARG001
    """Where a code that came by post is typed."""
    return page("code_letter", typed="", errors=[])


@bp.post("/<lang>/letter")
def take(lang: str) -> AnyResponse:  # noqa: ARG001
    """Take it; an unknown reference, a wrong code and one that is too old are the same page."""
    rt = house().rt
    typed = request.form.get("reference", "")[:60]
    with rt.unit() as session:
        if not may_try(session):
            return _again(typed, "", words()("fault.too_often"), status=429)
        known = parse_reference(typed) or "-"
        asked = session.scalar(select(Request).where(Request.reference == known).with_for_update())
        given = request.form.get("code", "")[:40]
        row = verification.answer_letter(session, rt, asked, given) if asked is not None else None
        if row is None:
            return _again(typed, "code", words()("letter.wrong"), status=422)
        done = page("code_letter_done")
        remember(done, row.id, EVERY_PAGE)
        return done


def _again(typed: str, field: str, text: str, *, status: int) -> Response:
    return page("code_letter", status=status, typed=typed, errors=[(field, text)])
