"""The page of one request: receipt, progress, the one thing to do now. Opened by reference and secret together."""

import hmac
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from models.request import Request
from models.vocabulary import RequestState
from webhooks.kinds import names_of
from webhooks.portal.fetching import may_send, may_try, stream_file
from webhooks.portal.house import house, page, words
from webhooks.portal.opened import is_open, remember
from webhooks.portal.progress import files_of, progress_of
from webhooks.portal.thread import messages
from webhooks.portal.ways import ways_of
from workflows import answer, expiring
from workflows.errors import Conflict
from workflows.ladder.codes import open_challenge
from workflows.remainder import has_rest
from workflows.rules.form import MESSAGE_CHARACTERS
from workflows.rules.reference import parse_reference
from workflows.stages import decision, verification

bp = Blueprint("status", __name__)

_PAGE = "/<lang>/status/<reference>/<secret>"
SCOPE = "status"
_NOTES = frozenset({"sent", "withdrawn", "written", "complained", "renewed"})


def find(session: Session, reference: str, secret: str, *, lock: bool = False) -> Request:
    """The request of this page; an unknown reference and a wrong secret are the same page that does not exist."""
    digest = house().rt.vault.digest("status", secret)
    found = select(Request).where(Request.status_digest == digest)
    row = session.scalar(found.with_for_update() if lock else found)
    known = row.reference if row else ""
    if row is None or not hmac.compare_digest(known.encode(), (parse_reference(reference) or "-").encode()):
        raise NotFound
    return row


@bp.get(_PAGE)
def show(lang: str, reference: str, secret: str) -> Response:
    """Where the request stands."""
    with house().rt.unit() as session:
        note = request.args.get("note", "")
        return show_status(session, lang, find(session, reference, secret), secret, note=note if note in _NOTES else "")


def show_status(
    session: Session,
    lang: str,
    asked: Request,
    secret: str,
    *,
    note: str = "",
    errors: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    """The page; with `errors` what is to be mended stands on top."""
    progress = progress_of(session, house().rt, asked)
    opened = is_open(session, asked, SCOPE)
    place: dict[str, Any] = {"lang": lang, "reference": asked.reference, "secret": secret}
    return page(
        "status",
        status=status,
        progress=progress,
        files=files_of(session, asked) if opened and progress.doing == "fetch" else [],
        thread=messages(session, asked, opened=opened and asked.proof_sealed is not None),
        until=expiring.until(session, house().rt, asked) if opened else None,
        more_time=opened and expiring.may_renew(session, house().rt, asked),
        zone=house().rt.register.controller.time_zone,
        opened=opened,
        ways=ways_of(session, asked),
        note=note,
        errors=errors or [],
        place=place,
        longest_message=MESSAGE_CHARACTERS,
        code_url=url_for("status.code", **place),
        resend_url=url_for("status.resend", **place),
        file_endpoint="status.file",
        asked_for=names_of(house().rt, words(), asked.categories or []) if has_rest(session, asked) else [],
    )


def may_open(session: Session, asked: Request) -> bool:
    """Whether there is anything that a proof given again would open: an answer, or messages of ours."""
    if progress_of(session, house().rt, asked).doing == "fetch":
        return True
    return asked.proof_sealed is not None and messages(session, asked, opened=False).locked


@bp.post(f"{_PAGE}/code")
def code(lang: str, reference: str, secret: str) -> AnyResponse:
    """Take a typed code: the one that proves the person, or later the one that opens the answer."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        if not may_try(session):
            return show_status(session, lang, asked, secret, errors=[("", words()("fault.too_often"))], status=429)
        given = request.form.get("code", "")[:40]
        row = open_challenge(session, rt, asked)
        if asked.state is RequestState.VERIFYING:
            right = row if verification.answer(session, rt, asked, given) else None
        else:
            right = answer.take_code(session, rt, asked, given)
        if right is None:
            return show_status(session, lang, asked, secret, errors=[("code", words()("fault.code"))], status=422)
        done = redirect(url_for("status.show", lang=lang, reference=asked.reference, secret=secret), 303)
        remember(done, right.id, SCOPE)
        return done


@bp.post(f"{_PAGE}/resend")
def resend(lang: str, reference: str, secret: str) -> AnyResponse:
    """A fresh code to the contact on file, a few times an hour."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        if not may_send(session, asked):
            return show_status(session, lang, asked, secret, errors=[("", words()("fault.too_often"))], status=429)
        if asked.state is RequestState.VERIFYING:
            verification.again(session, rt, asked)
        elif may_open(session, asked) and ways_of(session, asked).code:
            answer.send_code(session, rt, asked)
        return redirect(
            url_for("status.show", lang=lang, reference=asked.reference, secret=secret, note="sent") + "#now", 303
        )


@bp.get(f"{_PAGE}/files/<name>")
def file(lang: str, reference: str, secret: str, name: str) -> AnyResponse:
    """One file, for the browser in which the code was typed."""
    with house().rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        if not is_open(session, asked, SCOPE):
            return redirect(url_for("status.show", lang=lang, reference=asked.reference, secret=secret), 303)
        return stream_file(session, asked, name)


@bp.post(f"{_PAGE}/renew")
def renew(lang: str, reference: str, secret: str) -> AnyResponse:
    """More time to fetch the answer, for the browser in which the person was proven again."""
    place: dict[str, Any] = {"lang": lang, "reference": reference, "secret": secret}
    with house().rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        if not is_open(session, asked, SCOPE) or not expiring.may_renew(session, house().rt, asked):
            return redirect(url_for("status.show", **place), 303)
        expiring.renew(session, house().rt, asked)
    return redirect(url_for("status.show", **place, note="renewed"), 303)


@bp.get(f"{_PAGE}/withdraw")
def withdraw(lang: str, reference: str, secret: str) -> AnyResponse:
    """Ask once more before a request is taken back."""
    with house().rt.unit() as session:
        asked = find(session, reference, secret)
        place: dict[str, Any] = {"lang": lang, "reference": asked.reference, "secret": secret}
        if not progress_of(session, house().rt, asked).may_withdraw:
            return redirect(url_for("status.show", **place), 303)
        return page("withdraw", place=place, progress=progress_of(session, house().rt, asked))


@bp.post(f"{_PAGE}/withdraw")
def withdrawn(lang: str, reference: str, secret: str) -> AnyResponse:
    """Take the request back, if nothing was delivered or erased yet."""
    rt = house().rt
    place: dict[str, Any] = {"lang": lang, "reference": reference, "secret": secret}
    try:
        with rt.unit() as session:
            decision.withdraw(session, rt, find(session, reference, secret, lock=True), actor="person")
    except Conflict:
        return redirect(url_for("status.show", **place), 303)
    return redirect(url_for("status.show", **place, note="withdrawn"), 303)
