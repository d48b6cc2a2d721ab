"""What every page of the console shares: whose session it is, what their role may do, the language, the frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from models.staff import HumanTask, StaffUser
from models.step import Step
from models.vocabulary import LANGUAGES, Kind, Role, StepState, TaskState
from webhooks.console import roles
from webhooks.security import SAFE_METHODS, Signer, cookie_name
from webhooks.words import Words, best_language
from workflows.documents.catalogue import Catalogue
from workflows.doors.minding import alarms, is_idle
from workflows.runtime import Runtime
from workflows.staffing import user_of

COOKIE = "vastine_staff"
LANGUAGE_COOKIE = "vastine_language"
SILENT_AFTER = timedelta(minutes=2)

NAVIGATION: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("today.today", "nav.today", roles.EVERYONE),
    ("queue.queue", "nav.queue", roles.LIST),
    ("tasks.tasks", "nav.tasks", roles.LIST),
    ("notices.notices", "notices.title", roles.NAMES),
    ("sources.sources", "nav.sources", roles.EVERYONE),
    ("retention.retention", "retention.title", roles.DECIDE),
    ("holding.holds", "holding.nav", roles.NAMES),
    ("rules.rules", "rules.nav", roles.LIST),
    ("newcase.new", "nav.new", roles.REGISTER),
    ("audit.audit", "nav.audit", roles.AUDIT),
    ("outbox.outbox", "nav.outbox", roles.VERIFY),
)


@dataclass(frozen=True)
class Shell:
    """The parts that the pages are built with."""

    rt: Runtime
    words: Mapping[str, Words]
    signer: Signer
    catalogue: Catalogue

    @property
    def cookie(self) -> str:
        """The name of the session cookie."""
        return cookie_name(COOKIE, self.rt.settings.console_url)

    @property
    def secure(self) -> bool:
        """Whether cookies go over TLS only."""
        return self.rt.settings.console_url.startswith("https://")

    @property
    def keeps_mail(self) -> bool:
        """Whether mail stays in a folder here, where the outbox page shows it."""
        return self.rt.settings.mail_url.startswith("outbox:")

    def guard(self, app: Flask) -> None:
        """Look up the session and the role before every request; what has no guard is closed."""

        @app.before_request
        def who_is_it() -> BaseResponse | None:
            g.t = self.words[self.language()]
            g.alarms = []
            g.user, g.token, g.silent, g.open_tasks = None, request.cookies.get(self.cookie, ""), False, 0
            if request.endpoint is None:
                return None  # the page that says so needs no guard
            view = app.view_functions[request.endpoint]
            if roles.is_open(view) or roles.takes_token(view):
                return None  # programs show a token instead, which their own guard looks at
            if (most := roles.most_bytes(view)) is not None:
                request.max_content_length = most
            self._look()
            if g.user is None:
                if request.method in SAFE_METHODS:
                    return redirect(url_for("login.login", next=request.full_path.rstrip("?")))
                abort(401)
            if g.user.role not in roles.roles_of(view):
                abort(403)
            if request.method not in SAFE_METHODS and not self.is_ours(request.form.get("csrf", "")):
                abort(403)
            return None

    def _look(self) -> None:
        if not g.token:
            return
        with self.rt.unit() as session:
            g.user = user_of(session, self.rt, g.token)
            if g.user is not None:
                g.silent = worker_is_silent(session, self.rt) or is_idle(session, self.rt)
                g.alarms = [(task.id, task.code, task.facts.get("mailbox") or "") for task in alarms(session)]
                open_ones = select(func.count()).where(HumanTask.state == TaskState.OPEN)
                g.open_tasks = session.scalar(open_ones) or 0

    def language(self) -> str:
        """The reader's choice, else what their browser prefers, else the controller's first."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen in LANGUAGES:
            return chosen
        first = self.rt.register.controller.languages[0]
        return best_language(request.accept_languages.values(), list(dict.fromkeys((first, *LANGUAGES))))

    def is_ours(self, token: str) -> bool:
        """Whether a form came from a page of this session."""
        return self.signer.is_token(token, g.token)

    def page(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """A page in the reader's language, inside the frame."""
        user: StaffUser | None = g.get("user")
        links = [
            (url_for(endpoint), g.t(key), endpoint == request.endpoint)
            for endpoint, key, allowed in NAVIGATION
            if user and user.role in allowed and (endpoint != "outbox.outbox" or self.keeps_mail)
        ]
        controller = self.rt.register.controller
        text = render_template(
            f"console/{template}",
            t=g.t,
            user=user,
            navigation=links,
            csrf=self.signer.token(g.token) if user else "",
            controller=controller,
            trial=self.rt.settings.simulates,
            silent=g.get("silent", False),
            alarms=g.get("alarms", []),
            open_tasks=g.get("open_tasks", 0),
            zone=controller.time_zone,
            may=lambda name: user is not None and user.role in getattr(roles, name),
            **facts,
        )
        return make_response(text, status)


def worker_is_silent(session: Session, rt: Runtime) -> bool:
    """Whether work has been due for minutes and nobody does it."""
    late = rt.now() - SILENT_AFTER
    return bool(
        session.scalar(
            select(exists().where(Step.state == StepState.READY, Step.run_at < late, Step.kind != Kind.DECIDE))
        )
    )
