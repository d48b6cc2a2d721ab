"""A person with a browser and no JavaScript: follows the portal's pages by their forms alone."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit

from workflows.errors import NeverAgain

MOST_PAGES = 12
_ANSWER_SECONDS = 60.0
_ONWARD = ("go", "next")


@dataclass(slots=True)
class Form:
    """One form of a page: what it would send, and what it lets the person choose."""

    action: str
    method: str
    hidden: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # name -> what is filled in already
    choices: dict[str, list[str]] = field(default_factory=dict)  # radio buttons and check boxes
    chosen: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, answers: Mapping[str, str]) -> dict[str, str]:
        """What is sent when the person types these answers where they are asked for, and goes on."""
        sent = {**self.hidden, **self.texts, **self.chosen}
        for name in (*self.texts, *self.choices):
            if name in answers and (name in self.texts or answers[name] in self.choices[name]):
                sent[name] = answers[name]
        pressed = _ONWARD if self.leads_on() else next(iter(self.buttons), ("", ""))
        if pressed[0]:
            sent[pressed[0]] = pressed[1]
        return sent

    def leads_on(self) -> bool:
        """Whether it has the button that goes to the next page."""
        return _ONWARD in self.buttons


class _Forms(HTMLParser):
    """Every form of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None:
            self._control(self._open, tag, given)

    def _control(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "text").lower()
        if tag == "button":
            form.buttons.append((name, value))
        elif tag in ("textarea", "select") and name:
            form.texts.setdefault(name, "")
            self._area = name if tag == "textarea" else ""
        elif tag == "input" and name:
            if kind == "hidden":
                form.hidden[name] = value
            elif kind in ("radio", "checkbox"):
                form.choices.setdefault(name, []).append(given.get("value", "on"))
                if "checked" in given:
                    form.chosen[name] = given.get("value", "on")
            elif kind == "submit":
                form.buttons.append((name, value))
            else:
                form.texts[name] = value

    def handle_data(self, data: str) -> None:
        if self._area and self._open is not None:
            self._open.texts[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._area = ""


class Visitor:
    """One visit, with its own cookies. Raises `NeverAgain` where a page is not as the walk expects."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open
        self.url = ""
        self.page = ""

    def get(self, path: str) -> None:
        """Open a page."""
        self._load(urllib.request.Request(urljoin(self._base, path)))  # noqa: S310  # our own address

    def send(self, form: Form, answers: Mapping[str, str]) -> None:
        """Fill a form in and send it."""
        body = urlencode(form.filled(answers))
        target = urljoin(self.url, form.action or self.url)
        if form.method != "post":
            self._load(urllib.request.Request(f"{target.partition('?')[0]}?{body}"))  # noqa: S310
            return
        self._load(urllib.request.Request(target, data=body.encode(), headers={"Origin": self._base}))  # noqa: S310

    def forms(self) -> list[Form]:
        """The forms of the page that is open."""
        parser = _Forms()
        parser.feed(self.page)
        return parser.forms

    def form_with(self, name: str) -> Form | None:
        """The form that asks for this field."""
        return next((f for f in self.forms() if name in f.texts or name in f.choices), None)

    def ask(self, start: str, answers: Mapping[str, str]) -> str:
        """Walk from the form's first page to the status page, which is the confirmation; returns its address."""
        self.get(start)
        for _ in range(MOST_PAGES):
            if "/status/" in urlsplit(self.url).path:
                return self.url
            asked = next((f for f in self.forms() if f.method == "post" and f.leads_on()), None)
            if asked is None:
                break
            self.send(asked, answers)
        raise NeverAgain(
            "demo_form", detail=f"the form did not lead to a status page (last: {urlsplit(self.url).path})"
        )

    def _load(self, asked: urllib.request.Request) -> None:
        try:
            with self._open(asked, timeout=_ANSWER_SECONDS) as answer:
                self.url, self.page = answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            path = urlsplit(asked.full_url).path.split("/status/")[0]
            raise NeverAgain("demo_page", detail=f"{path} answered {error.code}") from None
        except OSError as error:
            raise NeverAgain("demo_page", detail=f"the portal does not answer ({type(error).__name__})") from None
