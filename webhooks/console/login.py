"""Log in, log out, choose the language."""

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models.staff import StaffUser
from models.vocabulary import LANGUAGES
from webhooks.console.roles import EVERYONE, allow, open_to_all
from webhooks.console.shell import LANGUAGE_COOKIE, Shell
from webhooks.security import client_network
from workflows import audit
from workflows.pace import Limit, within
from workflows.staffing import ABSOLUTE, check_password, lacks_nda, log_in, log_out

BY_NETWORK = Limit("login_network", most=60, minutes=15)
BY_NAME = Limit("login_name", most=20, minutes=15)
_A_YEAR = 365 * 24 * 3600
_LONGEST = 200


def pages(shell: Shell) -> Blueprint:
    """The pages before and after a session."""
    rt = shell.rt
    blueprint = Blueprint("login", __name__)

    @blueprint.get("/login")
    @open_to_all
    def login() -> BaseResponse:
        return shell.page("login.html", problem="", name="", next=_own_path(request.args.get("next", "")))

    @blueprint.post("/login")
    @open_to_all
    def enter() -> BaseResponse:
        name = request.form.get("name", "").strip().lower()[:_LONGEST].replace("\0", "�")  # PostgreSQL knows no NUL
        target = _own_path(request.form.get("next", ""))
        problem, token = _try(shell, name, request.form.get("password", "")[:_LONGEST])
        if problem:
            status = 429 if problem == "login.too_often" else 403
            return shell.page("login.html", status=status, problem=g.t(problem), name=name, next=target)
        response = redirect(target or url_for("today.today"))
        response.set_cookie(
            shell.cookie,
            token,
            max_age=int(ABSOLUTE.total_seconds()),
            httponly=True,
            secure=shell.secure,
            samesite="Lax",
            path="/",
        )
        return response

    @blueprint.post("/logout")
    @allow(EVERYONE)
    def leave() -> BaseResponse:
        with rt.unit() as session:
            log_out(session, rt, g.token)
        response = redirect(url_for("login.login"))
        response.delete_cookie(shell.cookie, path="/", secure=shell.secure, httponly=True, samesite="Lax")
        return response

    @blueprint.post("/language")
    @open_to_all
    def language() -> BaseResponse:
        response = redirect(_own_path(request.form.get("back", "")) or url_for("today.today"))
        chosen = request.form.get("language", "")
        if chosen in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, chosen, max_age=_A_YEAR, secure=shell.secure, httponly=True, samesite="Lax"
            )
        return response

    return blueprint


def _own_path(text: str) -> str:
    """A path of ours to go on to, or ""; never another host."""
    bad = not text.startswith("/") or text.startswith("//") or "\\" in text or any(ord(c) < 33 for c in text)
    return "" if bad else text[:500]


def _try(shell: Shell, name: str, password: str) -> tuple[str, str]:
    """("", session secret), or (key of what to say, ""). A stranger and a wrong password look the same."""
    rt = shell.rt
    with rt.unit() as session:
        network = client_network(request, rt.settings.console_url)
        paced = [within(session, rt, BY_NETWORK, network), within(session, rt, BY_NAME, name)]
        if not all(paced):
            return "login.too_often", ""
        user = check_password(session, name, password)
        if user is None:
            known = session.get(StaffUser, name)
            facts = {"name": known.name} if known else {}
            audit.record(session, "staff:login:failed", at=rt.now(), actor="unknown", facts=facts)
            return "login.wrong", ""
        if lacks_nda(rt, user):
            audit.record(session, "staff:login:failed", at=rt.now(), actor="unknown", facts={"name": user.name})
            return "login.nda_missing", ""
        if old := request.cookies.get(shell.cookie):
            log_out(session, rt, old)
        return "", log_in(session, rt, user)
