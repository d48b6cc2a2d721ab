"""The page of a notice to a recipient: what they are asked to do, and one button that says it is done."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from models.notices import Notice
from models.request import Request
from webhooks.portal.house import house, language, network, page
from workflows.casefile import open_key
from workflows.documents.catalogue import Catalogue
from workflows.errors import NotFound
from workflows.pace import Limit, within
from workflows.recipients import answering
from workflows.recipients.content import open_content
from workflows.recipients.listed import name_of

bp = Blueprint("notices", __name__)

TRIES = Limit("notice", most=60)


@bp.get("/<lang>/notices/<token>")
def show(lang: str, token: str) -> Response:
    """What the recipient is asked to do. A link that was used, or never was one, is the same page."""
    rt = house().rt
    with rt.unit() as session:
        try:
            notice = answering.by_token(session, rt, token)
        except NotFound:
            return page("notice_gone", status=404)
        return page("notice", notice=_facts(session, notice), place={"lang": lang, "token": token})


@bp.post("/<lang>/notices/<token>")
def acknowledge(lang: str, token: str) -> Response:  # noqa: ARG001
    """They have done it; the link is of no use any more."""
    rt = house().rt
    with rt.unit() as session:
        if not within(session, rt, TRIES, network()):
            return page("error", status=429, code=429, lang=language())
        try:
            found = answering.by_token(session, rt, token)
            notice, _ = answering.locked_notice(session, found.id)
            answering.by_token(session, rt, token)  # again under the lock: of two clicks one counts
        except NotFound:
            return page("notice_gone", status=404)
        answering.acknowledge(session, rt, notice, by=answering.RECIPIENT)
    return page("notice_done")


def _facts(session: Session, notice: Notice) -> dict[str, Any]:
    rt, lang = house().rt, language()
    catalogue = Catalogue(rt.register)
    request = session.get_one(Request, notice.request_id)
    content = open_content(open_key(session, rt, request.data_key_id), notice)
    return {
        "kind": notice.kind.value,
        "recipient": name_of(rt, notice.recipient),
        "reference": request.reference,
        "due_on": notice.due_on,
        "categories": [catalogue.category_label(code, lang) or code for code in notice.categories],
        "identifiers": [(kind, value) for kind, values in content.identifiers.items() for value in values],
        "changes": [(_label(catalogue, name, lang), value) for name, value in content.changes],
    }


def _label(catalogue: Catalogue, name: str, lang: str) -> str:
    source, _, rest = name.partition(":")
    collection, _, field = rest.partition(".")
    return catalogue.column_label(source, collection, name=field, language=lang)
