"""Bearer tokens: who calls, and whether their role may."""

from flask import Flask, Response, g, request

from models.staff import ApiToken
from webhooks.console.roles import roles_of, takes_token
from webhooks.problems import problem
from webhooks.security import client_network
from workflows.pace import Limit, within
from workflows.runtime import Runtime
from workflows.staffing import token_of

PREFIX = "/api/"
CALLS = Limit("api_calls", most=3000)
"""Of one token in an hour; what it filed stays filed."""

WRONG_TOKENS = Limit("api_wrong_token", most=60, minutes=15)


def guard_tokens(app: Flask, rt: Runtime) -> None:
    """Ask every route of the API for a token of the right role; sets `g.api_token`."""

    @app.before_request
    def who_calls() -> Response | None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or not takes_token(view):
            return None
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        with rt.unit() as session:
            known = token_of(session, rt, token.strip()) if kind.lower() == "bearer" and token else None
            paced = known is not None or within(
                session, rt, WRONG_TOKENS, client_network(request, rt.settings.console_url)
            )
            often = known is not None and not within(session, rt, CALLS, known.token_digest.hex())
        if often:
            answer = problem(429, "too_often", "too many calls with this token; wait until the next full hour")
            answer.headers["Retry-After"] = "3600"
            return answer
        if not paced:
            return problem(429, "too_often", "too many calls with a wrong token; wait fifteen minutes")
        if known is None:
            answer = problem(401, "token", "send a token that is in force: Authorization: Bearer ...")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if known.role not in roles_of(view):
            return problem(403, "role", "the role of this token may not do this")
        g.api_token = known
        return None


def caller() -> ApiToken:
    """Whose call this is."""
    found: ApiToken = g.api_token
    return found


def actor() -> str:
    """The caller's name in the audit."""
    return f"api:{caller().label}"[:64]
