"""The portal: everything the public may reach, in one application of its own."""

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from webhooks.intake import events, form, post
from webhooks.portal import code_letter, download, notices, pages, receipt, remainder, signin, status, writing
from webhooks.portal.house import language, open_house, page
from webhooks.problems import problem, problem_of
from webhooks.security import MAX_BODY_BYTES, protect
from webhooks.words import load_words
from workflows.errors import VastineError
from workflows.runtime import Runtime

MACHINES = "/webhooks/"
_PAGES_FOR = (400, 403, 404, 405, 413, 429, 500, 503)


def create_app(rt: Runtime) -> Flask:
    """The portal of a runtime, as a WSGI application. Raises `KeyError` at once where a word is missing."""
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["vastine"] = open_house(rt, load_words())
    protect(app, public_url=rt.settings.public_url, scripts=False, exempt=lambda path: path.startswith(MACHINES))
    app.before_request(_read_whole)
    for blueprint in (
        pages.bp,
        form.bp,
        events.bp,
        post.bp,
        status.bp,
        code_letter.bp,
        download.bp,
        notices.bp,
        receipt.bp,
        remainder.bp,
        signin.bp,
        writing.bp,
    ):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_say_when)
    app.register_error_handler(VastineError, _our_error)
    return app


def _read_whole() -> None:
    """A form is here before anything is looked up for it: who sends one slowly holds no case and no connection."""
    if request.method == "POST" and not request.path.startswith(MACHINES):
        request.max_content_length = writing.WITH_FILES.get(request.endpoint or "", MAX_BODY_BYTES)
        request.form  # noqa: B018  # parsed here, kept for the view


def _say_when(answer: Response) -> Response:
    """Programs that come too often are told when to come again; limits count by the hour."""
    if answer.status_code == 429:
        answer.headers.setdefault("Retry-After", "3600")
    return answer


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if request.path.startswith(MACHINES):
        return problem(code, error.name.lower().replace(" ", "_"), error.description or error.name)
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    shown = code if code in _PAGES_FOR else (500 if code >= 500 else 400)
    return page("error", status=code, code=shown, lang=language())


def _our_error(error: VastineError) -> Response:
    if request.path.startswith(MACHINES):
        return problem_of(error)
    code = error.status if error.status in _PAGES_FOR else 500
    return page("error", status=error.status, code=code, lang=language())
