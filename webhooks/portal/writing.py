"""What people write to us outside the form: on the page of their case, and about the accessibility of the pages."""

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models.request import Request
from webhooks.portal import download
from webhooks.portal.house import house, network, page, words
from webhooks.portal.opened import is_open
from webhooks.portal.status import find, show_status
from webhooks.security import MAX_BODY_BYTES
from workflows.errors import BadInput
from workflows.mailroom import take_complaint, take_feedback, take_note
from workflows.pace import Limit, within
from workflows.rules.form import MESSAGE_CHARACTERS
from workflows.thread import is_over
from workflows.uploads import LARGEST_BYTES, take_file

bp = Blueprint("writing", __name__)

NOTES = Limit("note", most=10)
NOTES_FROM = Limit("note-from", most=30)
FILES_FROM = Limit("files-from", most=20)
FEEDBACK = Limit("feedback", most=10)
WITH_FILES = {"writing.note": LARGEST_BYTES + MAX_BODY_BYTES}
"""Endpoint to the largest body, where a file may come along."""


@bp.post("/<lang>/status/<reference>/<secret>/message")
def note(lang: str, reference: str, secret: str) -> AnyResponse:
    """Keep a message about the case, and a file that goes with it, for a person to look at.

    It proves nobody and changes nothing by itself.
    """
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        content = _uploaded()
        text = request.form.get("note", "").strip()
        fault, status = _refused(session, asked, text or ("file" if content else ""))
        if not fault and content:
            fault, status = _took(session, asked, content)
        if fault:
            return show_status(session, lang, asked, secret, errors=[fault], status=status)
        if text:
            take_note(session, rt, asked, text=text, language=lang)
    place = {"lang": lang, "reference": asked.reference, "secret": secret}
    return redirect(url_for("status.show", **place, note="written"), 303)  # type: ignore[arg-type]


def _uploaded() -> bytes:
    """The bytes of the file that was chosen; its name says nothing to us, and is kept nowhere."""
    file = request.files.get("file")
    return file.read() if file is not None else b""


def _took(session: Session, asked: Request, content: bytes) -> tuple[tuple[str, str] | None, int]:
    """(field and what to mend, status) of a file that is not taken."""
    rt = house().rt
    if not within(session, rt, FILES_FROM, network()):
        return ("", words()("fault.too_often")), 429
    try:
        take_file(session, rt, asked, content)
    except BadInput as error:
        return ("file", words()(f"fault.{error.faults[0].what}")), 422
    return None, 200


@bp.post("/<lang>/fetch/<token>/message")
def note_by_link(lang: str, token: str) -> AnyResponse:
    """Answer on the page of a mailed link, in the browser in which the person was proven."""
    rt = house().rt
    place = {"lang": lang, "token": token}
    with rt.unit() as session:
        grant, asked = download.find(session, token)
        if not is_open(session, asked, download.scope(grant)):
            return redirect(url_for("download.show", **place), 303)  # type: ignore[arg-type]
        fault, status = _refused(session, asked, request.form.get("note", ""))
        if fault:
            return download.show_page(session, lang, token, grant=grant, asked=asked, errors=[fault], status=status)
        take_note(session, rt, asked, text=request.form["note"].strip(), language=lang)
    return redirect(url_for("download.show", **place, note="written"), 303)  # type: ignore[arg-type]


@bp.post("/<lang>/status/<reference>/<secret>/complaint")
def complain(lang: str, reference: str, secret: str) -> AnyResponse:
    """Keep what the person is unhappy with, also once the case is closed. Source: GDPR Art. 12(4), 38(4)."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        fault, status = _too_much(session, asked, request.form.get("complaint", ""), field="complaint")
        if fault:
            return show_status(session, lang, asked, secret, errors=[fault], status=status)
        take_complaint(session, rt, asked, text=request.form["complaint"].strip(), language=lang)
    place = {"lang": lang, "reference": asked.reference, "secret": secret}
    return redirect(url_for("status.show", **place, note="complained"), 303)  # type: ignore[arg-type]


def _refused(session: Session, asked: Request, text: str) -> tuple[tuple[str, str] | None, int]:
    """(field and what to mend, status) of a message that is not taken."""
    if is_over(asked):
        return ("", words()("thread.over")), 409
    return _too_much(session, asked, text, field="note")


def _too_much(session: Session, asked: Request, text: str, *, field: str) -> tuple[tuple[str, str] | None, int]:
    if fault := _fault(text):
        return (field, fault), 422
    here = within(session, house().rt, NOTES_FROM, network())
    if not within(session, house().rt, NOTES, str(asked.id)) or not here:
        return ("", words()("fault.too_often")), 429
    return None, 200


@bp.get("/<lang>/accessibility")
def accessibility(lang: str) -> Response:  # noqa: ARG001
    """The accessibility statement. Source: Act 306/2019 s. 9."""
    return page("accessibility", done=request.args.get("done") == "1", longest_message=MESSAGE_CHARACTERS)


@bp.post("/<lang>/accessibility")
def feedback(lang: str) -> AnyResponse:
    """Feedback on accessibility, for a person to answer. Source: Act 306/2019 s. 8."""
    rt = house().rt
    fault = _fault(request.form.get("note", ""))
    if fault:
        return page("accessibility", status=422, errors=[("note", fault)], longest_message=MESSAGE_CHARACTERS)
    with rt.unit() as session:
        if not within(session, rt, FEEDBACK, network()):
            return page(
                "accessibility",
                status=429,
                errors=[("", words()("fault.too_often"))],
                longest_message=MESSAGE_CHARACTERS,
            )
        take_feedback(session, rt, text=request.form["note"].strip(), language=lang)
    return redirect(url_for("writing.accessibility", lang=lang, done="1"), 303)


def _fault(text: str) -> str:
    if not text.strip():
        return words()("fault.note_missing")
    return words()("fault.too_long") if len(text) > MESSAGE_CHARACTERS else ""
