"""Somebody before the portal with a plain HTTP client: follows forms as they stand in the pages."""

import html
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.world import World
from workflows.rules.reference import parse_reference

HELPER = {"mandate_kind": "power", "holder_name": "Helena Helper", "holder_email": "helper@elsewhere.example"}
PERSON = {"right": "access", "name": "Jane", "email": "jane@shop.example"}


class Caller:
    """One client with its cookies; `answer` is the last response."""

    def __init__(self, app: Flask, **environ: Any) -> None:
        self.client = app.test_client()
        self.environ = environ
        self.answer: TestResponse

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET without following redirects."""
        self.answer = self.client.get(path, environ_base=self.environ, **more)
        return self.answer

    def post(self, path: str, data: Any = None, **more: Any) -> TestResponse:
        """POST without following redirects."""
        self.answer = self.client.post(path, data=data or {}, environ_base=self.environ, **more)
        return self.answer

    @property
    def state(self) -> str:
        """The signed answers of the form page shown."""
        found = re.search(r'name="state" value="([^"]*)"', self.answer.text)
        assert found is not None, "this page is no page of the form"
        return html.unescape(found[1])

    def fill(self, lang: str = "en", **answers: str) -> TestResponse:
        """From the first page to the last button; stops where the form does."""
        self.get(f"/{lang}/request")
        if answers.get("on_behalf") == "yes":
            answers = {**HELPER, **answers}
        pages = ("right", "who", "mandate", "message", "check")
        for name in pages if answers.get("on_behalf") == "yes" else [n for n in pages if n != "mandate"]:
            self.post(f"/{lang}/request/{name}", {**answers, "state": self.state, "go": "next"})
            if self.answer.status_code != 200:
                break
        return self.answer

    def ask(self, lang: str = "en", **answers: str) -> str:
        """Send a request; the address of its page."""
        self.fill(lang, **{**PERSON, **answers})
        assert self.answer.status_code == 303, self.answer.text
        return self.answer.headers["Location"]


def reference_of(page: str) -> str:
    """The reference in a status page's address."""
    found = parse_reference(page.split("/")[3])
    assert found is not None
    return found


def code_in_mail(world: World, to: str) -> str:
    """The last code that was sent to this address."""
    world.work()
    codes = [m[1] for mail in world.mailer.sent if mail.to == to and (m := re.search(r"\b(\d{8})\b", mail.body))]
    assert codes, "no code was sent to this address"
    return codes[-1]


def link_in_mail(world: World, word: str) -> str:
    """The path of the last link in a mail whose address has this word."""
    found = [m for mail in world.mailer.sent for m in re.findall(rf"https?://[^/\s]+(/\S*/{word}/\S+)", mail.body)]
    assert found, f"no mail has a link with {word}"
    return found[-1]
