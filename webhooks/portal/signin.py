"""To an identity provider and back.

The way there is a link on a page that says what will be confirmed: a form may lead to our own pages only, and
nobody is to confirm what somebody else asked for. The way back ends on a page of ours for a like reason: a browser
keeps strict cookies from a page that another site led to.
"""

import json
from typing import Any

from flask import Blueprint, Response, g, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from models.request import Request
from models.vocabulary import RequestState
from webhooks.portal import download, status
from webhooks.portal.house import house, network, page
from webhooks.portal.opened import remember
from webhooks.security import cookie_name
from workflows.errors import Conflict, NeverAgain, NotAllowed, TryAgain
from workflows.ladder import signin
from workflows.pace import Limit, within
from workflows.vouching import Refused, Vouched, new_attempt

bp = Blueprint("signin", __name__)

OFTEN = Limit("signin", most=10)
OFTEN_FROM = Limit("signin-from", most=30)
_COOKIE = "vastine-signin"
_SHOWN = {"cancelled": "cancelled", "other_person": "other_person", "attempt": "expired"}


@bp.post("/<lang>/status/<reference>/<secret>/signin/<name>")
def from_status(lang: str, reference: str, secret: str, name: str) -> Response:
    """Begin on the page of a request: to prove the person, or later to open the answer."""
    place: dict[str, Any] = {"lang": lang, "reference": reference, "secret": secret}
    with house().rt.unit() as session:
        asked = status.find(session, reference, secret, lock=True)
        purpose: signin.Purpose = "identify" if asked.state is RequestState.VERIFYING else "fetch"
        if purpose == "fetch" and not status.may_open(session, asked):
            raise NotFound
        return _begin(session, asked, name, purpose=purpose, back=url_for("status.show", **place), scope=status.SCOPE)


@bp.post("/<lang>/fetch/<token>/signin/<name>")
def from_link(lang: str, token: str, name: str) -> Response:
    """Begin on the page of a mailed link: to open the answer."""
    with house().rt.unit() as session:
        grant, asked = download.find(session, token)
        back = url_for("download.show", lang=lang, token=token)
        return _begin(session, asked, name, purpose="fetch", back=back, scope=download.scope(grant))


def _begin(session: Session, asked: Request, name: str, *, purpose: signin.Purpose, back: str, scope: str) -> Response:
    rt = house().rt
    here = within(session, rt, OFTEN_FROM, network())
    if not within(session, rt, OFTEN, str(asked.id)) or not here:
        return page("signin_failed", status=429, why="too_often", back=back)
    lang, attempt = g.language, new_attempt()
    try:
        signin.require(session, rt, asked, name, purpose=purpose)
        address = signin.return_address(rt, name)
        url = signin.provider_of(rt, name).start(attempt, back=address, language=lang, now=rt.now())
    except NotAllowed:
        return page("signin_failed", status=403, why="failed", back=back)
    except (TryAgain, NeverAgain):
        return page("signin_failed", status=503, why="down", back=back)
    there = signin.Back(back, lang, scope)
    browser = signin.begin(session, rt, asked, name, purpose=purpose, attempt=attempt, back=there)
    label = rt.providers[name].spec.label.get(lang)
    facts: dict[str, Any] = {"url": url, "provider": label, "purpose": purpose, "back": back}
    shown = page("signin_go", reference=asked.reference, right=asked.right.value, **facts)
    _set_cookie(shown, browser, seconds=int(signin.LASTS.total_seconds()))
    return shown


def _set_cookie(answer: Response, value: str, *, seconds: int) -> None:
    url = house().rt.settings.public_url
    # Lax, not strict: the browser has to bring it along when the provider sends the person back.
    answer.set_cookie(
        cookie_name(_COOKIE, url),
        value,
        max_age=seconds,
        path="/",
        secure=url.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )


@bp.get("/signin/return/<name>")
def come_back(name: str) -> Response:
    """Take what the provider says. The attempt is used up first, whatever comes of it."""
    rt = house().rt
    if name not in rt.providers:
        raise NotFound
    browser = request.cookies.get(cookie_name(_COOKIE, rt.settings.public_url), "")
    try:
        with rt.unit() as session:
            taken = signin.take(session, rt, name, state=request.args.get("state", "")[:200], browser=browser[:200])
    except Refused:
        return page("signin_failed", status=403, why="expired", back="")
    if taken.back.language in house().languages:
        g.language = taken.back.language
    try:
        address = signin.return_address(rt, name)
        vouched = rt.providers[name].finish(request.args, taken.attempt, back=address, now=rt.now())
        answer = _accepted(taken, name, vouched)
    except Refused as error:
        return _failed(taken, name, code=error.code, why=_SHOWN.get(error.code, "failed"), http=403)
    except (NotAllowed, Conflict) as error:
        return _failed(taken, name, code=error.code, why="failed", http=409)
    except (TryAgain, NeverAgain) as error:
        return _failed(taken, name, code=error.code, why="down", http=503)
    _set_cookie(answer, "", seconds=0)
    return answer


def _accepted(taken: signin.Taken, name: str, vouched: Vouched) -> Response:
    rt = house().rt
    with rt.unit() as session:
        asked = session.get_one(Request, taken.request_id, with_for_update=True)
        if taken.purpose == "identify":
            signin.accept(session, rt, asked, name, vouched=vouched)
            return page("signin_done", back=taken.back.path, purpose=taken.purpose)
        opened = signin.open_answer(session, rt, asked, name, vouched=vouched)
    answer = page("signin_done", back=taken.back.path, purpose=taken.purpose)
    remember(answer, opened, taken.back.scope)
    return answer


def _failed(taken: signin.Taken, name: str, *, code: str, why: str, http: int) -> Response:
    with house().rt.unit() as session:
        asked = session.get_one(Request, taken.request_id, with_for_update=True)
        signin.refused(session, house().rt, asked, name, code=code)
    answer = page("signin_failed", status=http, why=why, back=taken.back.path)
    _set_cookie(answer, "", seconds=0)
    return answer


@bp.get("/signin/keys/<name>")
def keys(name: str) -> Response:
    """Our public keys, for the provider."""
    if name not in house().rt.providers:
        raise NotFound
    told = json.dumps(house().rt.providers[name].public_keys(), sort_keys=True)
    return Response(told, mimetype="application/jwk-set+json")
