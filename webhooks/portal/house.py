"""What the pages of the portal have at hand: the runtime, the words, the signatures, the way to render."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Response, current_app, g, make_response, render_template, request, url_for

from webhooks.security import Signer, client_network
from webhooks.words import Words, best_language
from workflows.runtime import Runtime

STYLE = Path(__file__).parent.parent / "static" / "app.css"
LANGUAGE_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}


@dataclass(frozen=True, slots=True)
class House:
    """One portal; made once by `webhooks.public.create_app`."""

    rt: Runtime
    words: Mapping[str, Words]
    forms: Signer
    sessions: Signer
    style_version: str

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages this controller answers in."""
        return tuple(self.rt.register.controller.languages)


def open_house(rt: Runtime, words: Mapping[str, Words]) -> House:
    """The house of a runtime."""
    version = hashlib.sha256(STYLE.read_bytes()).hexdigest()[:12]
    return House(rt, words, Signer(rt, "portal-form"), Signer(rt, "portal-session"), version)


def house() -> House:
    """The house that answers this request."""
    found: House = current_app.extensions["vastine"]
    return found


def language() -> str:
    """The language of this page: the one in its address, else the reader's best one."""
    known = house().languages
    chosen = g.get("language")
    if chosen in known:
        return str(chosen)
    return best_language(request.accept_languages.values(), known)


def words() -> Words:
    """The words of this page's language."""
    return house().words[language()]


def network() -> str:
    """Whose pace this request counts for."""
    return client_network(request, house().rt.settings.public_url)


def page(template: str, *, status: int = 200, **facts: object) -> Response:
    """A page of the portal in the language of its address."""
    lang, here = language(), house()
    controller = here.rt.register.controller
    shared = {
        "t": here.words[lang],
        "lang": lang,
        "languages": [(code, LANGUAGE_NAMES[code], _same_page(code)) for code in here.languages],
        "controller": controller,
        "trial": here.rt.settings.simulates,
        "mail": controller.email or controller.dpo.email,
        "style": url_for("static", filename="app.css", v=here.style_version),
        "errors": [],
        "form_page": None,
    }
    return make_response(render_template(f"portal/{template}.html", **{**shared, **facts}), status)


def _same_page(code: str) -> str:
    """The address of this page in another language; the start page where this one has no address of its own."""
    if request.endpoint is None or request.view_args is None or "lang" not in request.view_args:
        return url_for("pages.start", lang=code)
    rule = request.url_rule
    if rule is None or rule.methods is None or "GET" not in rule.methods:
        return url_for("pages.start", lang=code)
    return url_for(request.endpoint, **{**request.view_args, "lang": code})
