"""Ask for the rest of what was asked for in part, from the page of that request: one button, another request."""

from flask import Blueprint, redirect, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from webhooks.intake.form import SENDING
from webhooks.portal.house import house, network, words
from webhooks.portal.status import find, show_status
from workflows.errors import Conflict
from workflows.pace import within
from workflows.remainder import ask_for_rest

bp = Blueprint("remainder", __name__)


@bp.post("/<lang>/status/<reference>/<secret>/rest")
def ask(lang: str, reference: str, secret: str) -> AnyResponse:
    """Open the request for the rest, once, and go to its page; who holds this address proves nobody by it."""
    rt = house().rt
    try:
        with rt.unit() as session:
            asked = find(session, reference, secret, lock=True)
            if not within(session, rt, SENDING, network()):
                errors = [("", words()("fault.too_often"))]
                return show_status(session, lang, asked, secret, errors=errors, status=429)
            other, key = ask_for_rest(session, rt, asked, language=lang)
    except Conflict as gone:
        raise NotFound from gone
    return redirect(url_for("status.show", lang=lang, reference=other, secret=key), 303)
