"""Members of staff in front of the console, without a browser: log in, look, fill in forms and send them."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.staff import StaffUser
from models.vocabulary import Role
from tests.world import World

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Quick to check: how much work a real one takes is a matter of `staffing`."""
EVERY_ROLE = {
    "ilse": Role.INTAKE,
    "cleo": Role.CASEWORKER,
    "ben": Role.APPROVER,
    "anna": Role.DPO,
    "otto": Role.AUDITOR,
    "ada": Role.ADMIN,
}


def give_passwords(world: World) -> None:
    """One member of staff for each role, all with `PASSWORD`."""
    with world.rt.unit() as session:
        for name, role in EVERY_ROLE.items():
            user = session.get(StaffUser, name)
            if user is None:
                user = StaffUser(name=name, role=role, display_name=name.title(), created_at=world.rt.now())
                session.add(user)
            user.password_hash = HASH


class Desk:
    """One browser of one member of staff."""

    def __init__(self, app: Flask, name: str = "", *, language: str = "en") -> None:
        self.client: FlaskClient = app.test_client()
        self.client.set_cookie("vastine_language", language)
        self.answer: TestResponse | None = None
        if name:
            assert self.log_in(name).status_code == 302

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """Send the log-in form."""
        return self.client.post("/login", data={"name": name, "password": password, **more})

    def get(self, path: str) -> TestResponse:
        """Look at a page."""
        self.answer = self.client.get(path)
        return self.answer

    def text(self, path: str) -> str:
        """A page that must be there, as a person reads it."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return words_of(answer.text)

    def send(self, page: str, action: str, fields: Mapping[str, Any] | None = None) -> TestResponse:
        """Open a page, fill in the form with this action and send it as a browser would, hidden fields included."""
        form = form_of(self.get(page).text, action)
        return self.post(action, {**form, **(fields or {})})

    def post(self, path: str, fields: Mapping[str, Any]) -> TestResponse:
        """Send fields as they are, without looking at the form."""
        self.answer = self.client.post(path, data=dict(fields))
        return self.answer

    def token(self) -> str:
        """The token of this session's forms."""
        return form_of(self.get("/").text, "/logout")["csrf"]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._now: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        if tag == "form":
            self._now = self.forms.setdefault(given.get("action", ""), {})
        elif tag == "input" and self._now is not None and given.get("type") not in ("checkbox", "radio"):
            self._now[given.get("name", "")] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._now = None


def form_of(page: str, action: str) -> dict[str, str]:
    """The fields of the form with this action, as they are filled."""
    parser = _Forms()
    parser.feed(page)
    assert action in parser.forms, f"no form leads to {action}, only {sorted(parser.forms)}"
    return parser.forms[action]


def has_form(page: str, action: str) -> bool:
    """Whether a page offers a form with this action."""
    parser = _Forms()
    parser.feed(page)
    return action in parser.forms


def words_of(page: str) -> str:
    """The words of a page without its markup, spaces made one."""
    body = page[page.find("<body") :]
    plain = re.sub(r"<[^>]+>", " ", body)
    for entity, char in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(entity, char)
    return " ".join(plain.split())
