"""What people write to us outside the form: on the page of their case, and about the accessibility of the pages."""

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webhooks.portal.house import house, network, page, words
from webhooks.portal.status import find, show_status
from workflows.mailroom import take_feedback, take_note
from workflows.pace import Limit, within
from workflows.rules.form import MESSAGE_CHARACTERS

bp = Blueprint("writing", __name__)

NOTES = Limit("note", most=10)
NOTES_FROM = Limit("note-from", most=30)
FEEDBACK = Limit("feedback", most=10)


@bp.post("/<lang>/status/<reference>/<secret>/message")
def note(lang: str, reference: str, secret: str) -> AnyResponse:
    """Keep a message about the case for a person to read; it proves nobody and changes nothing by itself."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret, lock=True)
        fault = _fault(request.form.get("note", ""))
        if fault:
            return show_status(session, lang, asked, secret, errors=[("note", fault)], status=422)
        here = within(session, rt, NOTES_FROM, network())
        if not within(session, rt, NOTES, str(asked.id)) or not here:
            return show_status(session, lang, asked, secret, errors=[("", words()("fault.too_often"))], status=429)
        take_note(session, rt, asked, text=request.form["note"].strip(), language=lang)
    place = {"lang": lang, "reference": asked.reference, "secret": secret}
    return redirect(url_for("status.show", **place, note="written"), 303)  # type: ignore[arg-type]


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
