"""Who may see files: the browser in which a right code was typed a short while ago, and nothing else.

The cookie names the code that was answered; the database says when that was and for which request.
"""

import uuid
from datetime import timedelta

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.request import Request
from models.verification import Challenge
from webhooks.portal.house import house
from webhooks.security import cookie_name
from workflows.ladder import rungs

EVERY_PAGE = "case"
"""For a code that is typed on a page of its own: it opens whichever page of its case the person comes from."""

OPEN_FOR = timedelta(minutes=30)


def remember(answer: Response, challenge_id: uuid.UUID, scope: str) -> None:
    """Give this browser the cookie of an answered code, for one page (`scope`) or for `EVERY_PAGE` of its case."""
    url = house().rt.settings.public_url
    answer.set_cookie(
        cookie_name("vastine-open", url),
        house().sessions.sign([str(challenge_id), scope]),
        max_age=int(OPEN_FOR.total_seconds()),
        path="/",
        secure=url.startswith("https://"),
        httponly=True,
        samesite="Strict",
    )


def is_open(session: Session, asked: Request, scope: str) -> bool:
    """Whether this browser answered a code for this request on this page, not long ago."""
    here = house()
    given = request.cookies.get(cookie_name("vastine-open", here.rt.settings.public_url), "")
    value = here.sessions.read(given, max_age_seconds=int(OPEN_FOR.total_seconds()))
    if not isinstance(value, list) or len(value) != 2 or value[1] not in (scope, EVERY_PAGE):
        return False
    row = session.get(Challenge, uuid.UUID(str(value[0])))
    if row is None or row.request_id != asked.id or row.used_at is None:
        return False
    if not rungs.suffices(session, here.rt, asked, row.method):
        return False  # what proved enough to ask may be less than what it takes to open the answer now
    return here.rt.now() - row.used_at < OPEN_FOR
