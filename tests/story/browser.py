"""The demo's visitor, without JavaScript, in front of the portal in this process instead of over a network."""

import re
import urllib.request
from urllib.parse import urlsplit

from flask import Flask

from workers.demo.visitor import Visitor

HOST = "http://127.0.0.1:8080"


class Browser(Visitor):
    """One visit with its own cookies."""

    def __init__(self, app: Flask) -> None:
        super().__init__(HOST)
        self._client = app.test_client()
        self.status = 0

    def _load(self, asked: urllib.request.Request) -> None:
        where = urlsplit(asked.full_url)
        answer = self._client.open(
            where._replace(scheme="", netloc="").geturl(),
            method=asked.get_method(),
            base_url=HOST,
            data=asked.data,
            headers={"Origin": HOST, "Content-Type": "application/x-www-form-urlencoded"},
            follow_redirects=True,
        )
        self.url, self.page, self.status = answer.request.url, answer.text, answer.status_code

    def type_code(self, code: str) -> None:
        """Into the field that asks for it."""
        form = self.form_with("code")
        assert form is not None, "the page asks for no code"
        self.send(form, {"code": code})

    def press(self, action: str) -> None:
        """Send the form that leads to this page."""
        self.send(next(f for f in self.forms() if f.action.endswith(action)), {})

    def download(self, name: str) -> bytes:
        """The file that a link on the page leads to."""
        found = re.search(rf'href="([^"]*/{re.escape(name)})"', self.page)
        assert found is not None, f"no link leads to {name}"
        return self._client.get(found[1], base_url=HOST).data
