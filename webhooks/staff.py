"""The console for members of staff and the REST API, on an address of their own."""

from flask import Flask, Response, g, jsonify, request
from sqlalchemy import text
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from webhooks.api import metrics, requests, restrictions, suppression
from webhooks.api.tokens import PREFIX, guard_tokens
from webhooks.brand import brand_sheet
from webhooks.console import (
    asking,
    audit,
    belonging,
    bulk,
    case,
    code_letter,
    collection,
    corrections,
    decision,
    ending,
    files,
    hand,
    hand_erase,
    holding,
    login,
    lowering,
    mandate,
    narrowing,
    near,
    newcase,
    notices,
    outbox,
    posting,
    queue,
    refusing,
    restriction,
    retention,
    rules,
    sources,
    supporting,
    tasks,
    thread,
    today,
    triage,
    verification,
    withholding,
)
from webhooks.console.case import problems_of
from webhooks.console.roles import open_to_all
from webhooks.console.shell import Shell
from webhooks.problems import problem, problem_of
from webhooks.security import Signer, protect
from webhooks.words import load_words
from workflows.documents.catalogue import Catalogue
from workflows.errors import VastineError
from workflows.runtime import Runtime

ROOMS = (
    login,
    today,
    queue,
    newcase,
    bulk,
    case,
    belonging,
    decision,
    corrections,
    notices,
    restriction,
    refusing,
    asking,
    ending,
    withholding,
    holding,
    verification,
    mandate,
    narrowing,
    near,
    lowering,
    supporting,
    code_letter,
    collection,
    files,
    hand,
    hand_erase,
    posting,
    tasks,
    thread,
    sources,
    retention,
    rules,
    triage,
    audit,
    outbox,
)
_TOLD = {400: "bad", 401: "expired", 403: "forbidden", 404: "missing", 405: "bad", 413: "too_large", 429: "too_often"}
_PLAIN = {404: "there is no such address", 405: "this address does not take this method", 413: "the body is too large"}


def create_app(rt: Runtime) -> Flask:
    """The console over one runtime. Every route names the roles it is for; one that names none is closed."""
    app = Flask("webhooks.staff", template_folder="templates", static_folder="static")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    shell = Shell(rt, load_words("console."), Signer(rt, "console"), Catalogue(rt.register))
    protect(app, public_url=rt.settings.console_url, scripts=False, exempt=lambda path: path.startswith(PREFIX))
    shell.guard(app)
    near.guard_near(app, shell)
    guard_tokens(app, rt)
    open_to_all(app.view_functions["static"])
    for room in ROOMS:
        app.register_blueprint(room.pages(shell))
    app.register_blueprint(requests.blueprint(rt))
    app.register_blueprint(restrictions.blueprint(rt))
    app.register_blueprint(suppression.blueprint(rt))
    app.register_blueprint(metrics.blueprint(rt))
    _plain(app, rt)
    _errors(app, shell)
    return app


def _plain(app: Flask, rt: Runtime) -> None:
    @app.get("/brand.css")
    @open_to_all
    def brand() -> Response:
        return Response(brand_sheet(rt.register.controller.brand_colour), mimetype="text/css")

    @app.get("/healthz")
    @open_to_all
    def healthz() -> Response:
        with rt.unit() as session:
            session.execute(text("SELECT 1"))
        return jsonify(status="ok")


def _errors(app: Flask, shell: Shell) -> None:
    @app.errorhandler(VastineError)
    def ours(error: VastineError) -> BaseResponse:
        if request.path.startswith(PREFIX):
            return problem_of(error)
        words = problems_of(error)[0]["text"]
        return shell.page("error.html", status=error.status, title=g.t("error.title"), text=words)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> BaseResponse:
        status = error.code or 500
        if request.path.startswith(PREFIX):
            return problem(status, error.name.lower().replace(" ", "_"), _PLAIN.get(status, "the call failed"))
        if "t" not in g:
            g.t = shell.words[shell.language()]
        key = _TOLD.get(status, "failed")
        return shell.page("error.html", status=status, title=g.t("error.title"), text=g.t(f"error.page_{key}"))
