"""Faults of `controller.yaml` and `categories.yaml` that a shape alone does not show."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from fideslang.default_taxonomy import DEFAULT_TAXONOMY
from pydantic import BaseModel
from stdnum.fi import ytunnus

from workflows.errors import BadInput, Fault
from workflows.register.document import Document, Path
from workflows.register.model import Controller, Text
from workflows.register.reading import Reading
from workflows.register.shape import nearest
from workflows.rules.cel import compile_expression
from workflows.rules.deadlines import holidays_of

DATA_CATEGORIES = frozenset(str(c.fides_key) for c in DEFAULT_TAXONOMY.data_category or ())

_EMAIL = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;.]+(?:\.[^@\s<>\",;.]+)+\Z")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


def controller_faults(reading: Reading) -> Iterator[Fault]:
    """Everything wrong with who we are."""
    controller, doc = reading.controller, reading.documents.get("controller.yaml")
    if controller is None or doc is None:
        return
    if not controller.name.strip():
        yield doc.fault(("name",), "`name` is empty", remedy="write the organisation's name")
    if not controller.languages or len(set(controller.languages)) != len(controller.languages):
        yield doc.fault(("languages",), "`languages` is empty or names one twice", remedy="write [fi, sv, en]")
    yield from blank_texts(controller, doc, ())
    yield from _contacts(controller, doc)
    yield from _place_and_time(controller, doc)
    yield from _own_records(controller, doc)
    if not _COLOUR.match(controller.brand_colour):
        yield doc.fault(("brand_colour",), "`brand_colour` is no colour", remedy='write "#rrggbb", in quotes')
    elif (ratio := contrast_on_white(controller.brand_colour)) < 4.5:
        what = f"`brand_colour` has a contrast of {ratio:.1f}:1 on white, at least 4.5:1 is needed"
        yield doc.fault(("brand_colour",), what, remedy="take a darker shade (WCAG 2.2, 1.4.3)")


def _own_records(controller: Controller, doc: Document) -> Iterator[Fault]:
    own = controller.own_records
    if own.packages.days < controller.delivery.link_days:
        what = f"`packages` go after {own.packages.days} days, but links to them last {controller.delivery.link_days}"
        yield doc.fault(("own_records", "packages", "days"), what, remedy="keep them as long as `delivery.link_days`")
    if own.cases.days < max(own.messages.days, own.packages.days):
        what = "`cases` go before what belongs to them"
        yield doc.fault(("own_records", "cases", "days"), what, remedy="keep them at least as long as the others")


def contrast_on_white(colour: str) -> float:
    """The contrast ratio of `#rrggbb` on white, 1 to 21. Source: WCAG 2.2, 1.4.3 and its relative luminance."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def blank_texts(model: BaseModel, doc: Document, path: Path) -> Iterator[Fault]:
    """Texts that are there but empty in a language: the person would read nothing."""
    for name in type(model).model_fields:
        yield from _blank(getattr(model, name), doc, (*path, name))


def _blank(value: object, doc: Document, path: Path) -> Iterator[Fault]:
    if isinstance(value, Text):
        for language in ("fi", "sv", "en"):
            if not value.get(language).strip():
                what = f"`{path[-1]}` is empty in {language}"
                yield doc.fault((*path, language), what, remedy="write it in all of fi, sv and en")
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _blank(entry, doc, (*path, key))
    elif isinstance(value, BaseModel) and type(value).__module__ == Text.__module__:
        yield from blank_texts(value, doc, path)


def _contacts(controller: Controller, doc: Document) -> Iterator[Fault]:
    emails: list[tuple[Path, str]] = [
        (("email",), controller.email),
        (("dpo", "email"), controller.dpo.email),
        (("signer", "email"), controller.signer.email),
    ]
    if controller.authority:
        emails.append((("authority", "email"), controller.authority.email))
        if not controller.authority.website.startswith(("https://", "http://")):
            yield doc.fault(("authority", "website"), "`website` is no web address", remedy="begin it with https://")
    for path, email in emails:
        if email and not _EMAIL.match(email):
            yield doc.fault(path, f"`{'.'.join(map(str, path))}` is no e-mail address", remedy="write name@example.fi")
    if controller.website and not controller.website.startswith(("https://", "http://")):
        yield doc.fault(("website",), "`website` is no web address", remedy="begin it with https://")
    if controller.business_id and controller.deadlines.country == "FI" and not ytunnus.is_valid(controller.business_id):
        yield doc.fault(("business_id",), "`business_id` has a wrong check digit", remedy="write it like 1234567-1")


def _place_and_time(controller: Controller, doc: Document) -> Iterator[Fault]:
    if controller.time_zone not in (zones := _zones()):
        yield doc.fault(("time_zone",), "`time_zone` is no known time zone", remedy=_like(controller.time_zone, zones))
    deadlines = controller.deadlines
    try:
        listed = {
            n
            for year in (2024, 2025, 2026)
            for names in holidays_of(deadlines.country, year).values()
            for n in names.split("; ")
        }
    except BadInput:
        remedy = "write an ISO 3166 code such as FI"
        yield doc.fault(("deadlines", "country"), "no holidays are known for this `country`", remedy=remedy)
        listed = None
    for n, name in enumerate(deadlines.not_holidays):
        if listed is not None and name not in listed:
            path: Path = ("deadlines", "not_holidays", n)
            yield doc.fault(path, "`not_holidays` names no holiday of the country", remedy=nearest(name, listed))
    if not 1 <= deadlines.months <= 3:
        yield doc.fault(("deadlines", "months"), "`months` must be 1, 2 or 3", remedy="GDPR Art. 12(3) says 1")
    if not 1 <= deadlines.target_days <= 28 * max(1, deadlines.months):
        what = "`target_days` must be at least 1 and before the last day"
        yield doc.fault(("deadlines", "target_days"), what, remedy="20 is usual")
    if not 0 <= deadlines.prompt_days <= 10:
        what = "`prompt_days` must be from 0 to 10"
        yield doc.fault(
            ("deadlines", "prompt_days"), what, remedy="3 is usual: without undue delay (EDPB 01/2022, 159)"
        )
    try:
        month, day = controller.fiscal_year_end.split("-")
        date(2023, int(month), int(day))  # a year without a leap day: the fiscal year ends in each year
        if len(controller.fiscal_year_end) != 5:
            raise ValueError
    except ValueError:
        what = "`fiscal_year_end` is no day of every year"
        yield doc.fault(("fiscal_year_end",), what, remedy='write month and day, like "12-31"')


@cache
def _zones() -> set[str]:
    """All time zones there are: looking opens hundreds of files."""
    return available_timezones()


def _like(word: str, known: set[str]) -> str:
    remedy = nearest(word, known)
    return remedy if remedy.startswith("did") else "write a name like Europe/Helsinki"


def category_faults(reading: Reading) -> Iterator[Fault]:
    """Everything wrong with the categories: codes, empty texts, keys that two of them claim."""
    doc = reading.documents.get("categories.yaml")
    if doc is None:
        return
    claimed: dict[str, str] = {}
    for code, category in reading.categories.items():
        path = reading.category_at[code]
        if not _CODE.match(code):
            yield doc.fault(path, "`code` must be letters, digits, `_`, `.` and `-`", remedy="write it like C07")
        yield from blank_texts(category, doc, path)
        if category.consent_only and category.interest_only:
            what = f"{code} can't rest on consent alone and on an interest alone"
            yield doc.fault((*path, "interest_only"), what, remedy="set one of `consent_only` and `interest_only`")
        if category.keeps is not None:
            found = compile_expression(category.keeps.until, gives=str, where="")
            for fault in found if isinstance(found, list) else ():
                what = f"`keeps.until` of {code} at {fault.where.removeprefix(':')}: {fault.what}"
                yield doc.fault((*path, "keeps", "until"), what, remedy=fault.remedy)
        for n, key in enumerate(category.keys):
            at: Path = (*path, "keys", n)
            if key in claimed:
                what = f"`{key}` already belongs to {claimed[key]}"
                yield doc.fault(at, what, remedy="a data category belongs to one category; remove it from one")
            claimed.setdefault(key, code)
            if slip := likely_slip(key):
                yield doc.fault(at, f"`{key}` is no Fideslang data category", remedy=slip)


def likely_slip(key: str) -> str:
    """The remedy if this looks like a misspelt data category, else ""; own keys may extend the taxonomy."""
    if key in DATA_CATEGORIES or any(key.startswith(known + ".") for known in DATA_CATEGORIES - {"user", "system"}):
        return ""
    close = nearest(key, DATA_CATEGORIES, likeness=0.85)
    return close if close.startswith("did") else ""
