"""The receipt of a request as a PDF, for whoever holds the address of its page. It says nothing about the person."""

from flask import Blueprint, Response, url_for
from werkzeug.exceptions import NotFound

from models.vocabulary import Letter
from webhooks.portal.house import house, language, network, page
from webhooks.portal.status import find
from workflows.casefile import open_key
from workflows.caseview import case_facts
from workflows.errors import NeverAgain
from workflows.pace import Limit, within

bp = Blueprint("receipt", __name__)

OFTEN = Limit("receipt", most=5)
OFTEN_FROM = Limit("receipt-from", most=20)


@bp.get("/<lang>/status/<reference>/<secret>/receipt.pdf")
def receipt(lang: str, reference: str, secret: str) -> Response:
    """The acknowledgement as a letter in the page's language; a few times an hour, since making one takes work."""
    rt = house().rt
    with rt.unit() as session:
        asked = find(session, reference, secret)
        here = within(session, rt, OFTEN_FROM, network())
        if not within(session, rt, OFTEN, str(asked.id)) or not here:
            return page("error", status=429, code=429, lang=language())
        try:
            key = open_key(session, rt, asked.data_key_id)
        except NeverAgain as gone:
            raise NotFound from gone
        link = rt.settings.public_url + url_for("status.show", lang=lang, reference=asked.reference, secret=secret)
        case = case_facts(rt, asked, key, name="", language=lang, link=link, verified_method="")
    answer = Response(rt.documents.letter(Letter.ACKNOWLEDGEMENT, case), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{asked.reference}_receipt.pdf"'
    return answer
