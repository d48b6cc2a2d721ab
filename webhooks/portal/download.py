"""The link from the mail that says an answer is ready. It alone opens nothing: a code to the contact on file does.

GET changes nothing, so a scanner that follows links in mails uses nothing up; an unknown and an expired link
are the same page.
"""

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from models.delivery import Grant
from models.request import Request
from webhooks.portal.fetching import may_send, may_try, stream_file
from webhooks.portal.house import house, page, words
from webhooks.portal.opened import is_open, remember
from webhooks.portal.progress import files_of
from webhooks.portal.thread import messages
from webhooks.portal.ways import ways_of
from workflows import answer, expiring
from workflows.rules.form import MESSAGE_CHARACTERS
from workflows.thread import thread_of

bp = Blueprint("download", __name__)

MOST_FETCHES = 100
_PAGE = "/<lang>/fetch/<token>"


class Gone(Exception):  # noqa: N818  # a page to show, not a failure
    """This link opens nothing, whether it ever did or not."""


@bp.app_errorhandler(Gone)
def gone(_error: Gone) -> Response:
    """The one page for links that are unknown, expired, revoked or used up."""
    return page("gone", status=404)


def find(session: Session, token: str) -> tuple[Grant, Request]:
    """The grant and its request, locked; raises `Gone`."""
    rt = house().rt
    digest = rt.vault.digest("grant", token)
    grant = session.get(Grant, digest)
    if grant is None:
        raise Gone
    asked = session.get(Request, grant.request_id, with_for_update=True)
    # Anew: whoever fetches by it, or revokes, lengthens or deletes it, held the request.
    grant = session.get(Grant, digest, populate_existing=True)
    if grant is None or grant.revoked_at is not None or grant.expires_at <= rt.now() or grant.fetches >= MOST_FETCHES:
        raise Gone
    if asked is None or not (files_of(session, asked) or thread_of(session, rt, asked, all_words=False)):
        raise Gone
    return grant, asked


def scope(grant: Grant) -> str:
    """What an answer opened by this link is bound to."""
    return f"grant:{grant.token_digest.hex()}"


@bp.get(_PAGE)
def show(lang: str, token: str) -> Response:
    """A button that asks for a code; with the code typed, the files."""
    with house().rt.unit() as session:
        grant, asked = find(session, token)
        note = request.args.get("note", "")
        note = note if note in ("sent", "written", "renewed") else ""
        return show_page(session, lang, token, grant=grant, asked=asked, note=note)


def show_page(
    session: Session,
    lang: str,
    token: str,
    *,
    grant: Grant,
    asked: Request,
    note: str = "",
    errors: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    """The page; with `errors` what is to be mended stands on top."""
    opened = is_open(session, asked, scope(grant))
    return page(
        "fetch",
        status=status,
        opened=opened,
        ways=ways_of(session, asked),
        files=files_of(session, asked) if opened else [],
        has_files=bool(files_of(session, asked)),
        thread=messages(session, asked, opened=opened) if opened else None,
        more_time=opened and expiring.may_renew(session, house().rt, asked),
        zone=house().rt.register.controller.time_zone,
        longest_message=MESSAGE_CHARACTERS,
        reference=asked.reference if opened else "",
        expires_on=grant.expires_at.date(),
        note=note,
        errors=errors or [],
        place={"lang": lang, "token": token},
        code_url=url_for("download.code", lang=lang, token=token),
        resend_url=url_for("download.send", lang=lang, token=token),
        file_endpoint="download.file",
    )


@bp.post(f"{_PAGE}/send")
def send(lang: str, token: str) -> AnyResponse:
    """Send a code to the contact on file."""
    with house().rt.unit() as session:
        grant, asked = find(session, token)
        if not may_send(session, asked):
            errors = [("", words()("fault.too_often"))]
            return show_page(session, lang, token, grant=grant, asked=asked, errors=errors, status=429)
        if ways_of(session, asked).code:
            answer.send_code(session, house().rt, asked)
        return redirect(url_for("download.show", lang=lang, token=token, note="sent"), 303)


@bp.post(f"{_PAGE}/code")
def code(lang: str, token: str) -> AnyResponse:
    """Take the code; the right one opens the files to this browser for a while."""
    with house().rt.unit() as session:
        grant, asked = find(session, token)
        if not may_try(session):
            errors = [("", words()("fault.too_often"))]
            return show_page(session, lang, token, grant=grant, asked=asked, errors=errors, status=429)
        right = answer.take_code(session, house().rt, asked, request.form.get("code", "")[:40])
        if right is None:
            errors = [("code", words()("fault.code"))]
            return show_page(session, lang, token, grant=grant, asked=asked, errors=errors, status=422)
        done = redirect(url_for("download.show", lang=lang, token=token), 303)
        remember(done, right.id, scope(grant))
        return done


@bp.post(f"{_PAGE}/renew")
def renew(lang: str, token: str) -> AnyResponse:
    """More time to fetch the answer, for the browser in which the code was typed."""
    with house().rt.unit() as session:
        grant, asked = find(session, token)
        if not is_open(session, asked, scope(grant)) or not expiring.may_renew(session, house().rt, asked):
            return redirect(url_for("download.show", lang=lang, token=token), 303)
        expiring.renew(session, house().rt, asked)
    return redirect(url_for("download.show", lang=lang, token=token, note="renewed"), 303)


@bp.get(f"{_PAGE}/files/<name>")
def file(lang: str, token: str, name: str) -> AnyResponse:
    """One file, for the browser in which the code was typed."""
    with house().rt.unit() as session:
        grant, asked = find(session, token)
        if not is_open(session, asked, scope(grant)):
            return redirect(url_for("download.show", lang=lang, token=token), 303)
        grant.fetches += 1
        return stream_file(session, asked, name)
