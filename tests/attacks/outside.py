"""Whoever attacks: a browser on a real socket, a mail server that hands mail over, and nothing else.

What is asked and what comes back is bytes on a line; no test of this folder calls a route or opens a mailbox otherwise.
"""

import html
import re
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.webhooks.desk import PASSWORD, form_of

FORM = "application/x-www-form-urlencoded"
HELPER = {"mandate_kind": "power", "holder_name": "Harri", "holder_email": "harri@home.example"}
PERSON = {"right": "access", "name": "Jane", "email": "jane@shop.example"}
WISH = "Please send me a copy of all personal data that you hold about me."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    def seen(self, *hidden: str) -> tuple[int, list[tuple[str, str]], str]:
        """All that an observer can compare, without what differs in any case: the hour and these words."""
        hide = re.compile("|".join(map(re.escape, hidden)) or r"(?!)")
        headers = [(k, hide.sub("", v)) for k, v in self.headers.items() if k not in ("Date", "Content-Length")]
        return self.status, headers, hide.sub("", self.text)


@dataclass(slots=True)
class Browser:
    """One browser with its cookies, which follows no redirect by itself."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One call, as it is."""
        place = urlsplit(self.base)
        line = HTTPConnection(place.hostname or "", place.port, timeout=60)
        given = {**self.headers, **(headers or {})}
        if self.cookies:
            given.setdefault("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        try:
            line.request(method, path, body=body, headers=given)
            got = line.getresponse()
            self.answer = Answer(got.status, got.headers, got.read())
        finally:
            line.close()
        for cookie in self.answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(cookie).items():
                self.cookies[name] = morsel.value
        return self.answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """A form, as a browser sends it."""
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.send("POST", path, urlencode(fields or {}, doseq=True).encode(), {"Content-Type": FORM, **given})

    @property
    def state(self) -> str:
        """The signed answers of the form's page that is shown."""
        assert self.answer is not None
        found = re.search(r'name="state" value="([^"]*)"', self.answer.text)
        assert found is not None, "this is no page of the form"
        return html.unescape(found[1])

    def fill(self, lang: str = "en", **answers: str) -> Answer:
        """The public form from its first page to its last button; stops where the form does."""
        answer = self.get(f"/{lang}/request")
        acting = answers.get("on_behalf") == "yes"
        answers = {**(HELPER if acting else {}), **answers}
        for name in ("right", "who", *(["mandate"] if acting else []), "message", "check"):
            answer = self.post(f"/{lang}/request/{name}", {**answers, "state": self.state, "go": "next"})
            if answer.status != 200:
                break
        return answer

    def ask(self, lang: str = "en", **answers: str) -> str:
        """Send the form; the address of the request's own page."""
        answer = self.fill(lang, **{**PERSON, **answers})
        assert answer.status == 303, answer.text
        return answer.location

    def log_in(self, name: str, password: str = PASSWORD) -> "Browser":
        """At the console."""
        assert self.post("/login", {"name": name, "password": password}).status == 302
        return self

    def press(self, page: str, action: str, fields: Mapping[str, Any] | None = None) -> Answer:
        """Open a page of the console, fill in the form that leads to `action`, send it with its hidden fields."""
        return self.post(action, {**form_of(self.get(page).text, action), **(fields or {})})


def letter(
    sender: str, text: str = WISH, *, subject: str = "My data", name: str = "", ident: str = "1", **headers: str
) -> EmailMessage:
    """A mail as an attacker writes it."""
    made = EmailMessage()
    made["From"] = f"{name} <{sender}>" if name else sender
    made["To"], made["Subject"] = "privacy@shop.example", subject
    made["Message-ID"] = f"<{ident}@{sender.rpartition('@')[2]}>"
    for key, value in headers.items():
        made[key.replace("_", "-")] = value
    made.set_content(text)
    return made


def hand_over(port: int, raw: bytes, *, sender: str = "mx@isp.example") -> None:
    """A mail server delivers this to our mailbox."""
    with smtplib.LMTP("127.0.0.1", port) as line:
        line.sendmail(sender, ["privacy@shop.example"], raw)
