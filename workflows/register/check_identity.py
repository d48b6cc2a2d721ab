"""Faults of `identity:` in controller.yaml: a provider nobody could log in at, a ladder with a rung missing."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from models.vocabulary import Method
from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.model import Controller
from workflows.register.proofs import FRESH_SECONDS, RISKS, Identity, Name, Provider
from workflows.register.reading import Reading
from workflows.register.secret import secret_faults
from workflows.register.shape import nearest
from workflows.rules import identifiers

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_SELECTS = (identifiers.CUSTOMER_NUMBER, identifiers.NATIONAL_ID, identifiers.EMAIL, identifiers.BUSINESS_ID)
"""Identities that name one person where a provider vouches for them; a phone or a name never does."""


def identity_faults(reading: Reading) -> Iterator[Fault]:
    """Everything wrong with the providers and the ladder."""
    doc = reading.documents.get("controller.yaml")
    if doc is None:
        return
    said = doc.data.get("identity") if isinstance(doc.data, Mapping) else None
    if isinstance(said, Mapping):
        yield from secret_faults(said, doc, ("identity",), model=Identity)
    controller: Controller | None = reading.controller
    if controller is None:
        return
    identity = controller.identity
    for name, provider in identity.providers.items():
        path: Path = ("identity", "providers", name)
        if not _NAME.match(name):
            remedy = "write it like customer-portal"
            yield doc.fault(path, f"`{name}` can't stand in an address", remedy=remedy)
        yield from _labels(provider, doc, path)
        yield from _addresses(provider, doc, path)
        yield from _claims(provider, doc, path)
        yield from _dialect(provider, doc, path)
    yield from _ladder(identity, doc)


def _labels(provider: Provider, doc: Document, path: Path) -> Iterator[Fault]:
    for key in ("label", "service_name"):
        text: Name | None = getattr(provider, key)
        for language in ("fi", "sv", "en") if text else ():
            if not text or not text.get(language).strip():
                remedy = "write it in all of fi, sv and en"
                yield doc.fault((*path, key, language), f"`{key}` is empty in {language}", remedy=remedy)


def _addresses(provider: Provider, doc: Document, path: Path) -> Iterator[Fault]:
    near = {host.lower() for host in provider.allow_private}
    for key in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
        text = str(getattr(provider, key))
        if not text:
            continue
        url = urlsplit(text)
        plain = url.scheme == "http" and (url.hostname or "") in near
        if not url.hostname or (url.scheme != "https" and not plain) or url.username or url.fragment:
            what = f"`{key}` is no address that begins with https://"
            yield doc.fault((*path, key), what, remedy="write the address as the provider tells it")
    given = [bool(provider.authorization_endpoint), bool(provider.token_endpoint), bool(provider.jwks_uri)]
    if any(given) and not all(given):
        what = "some addresses are given and others would be discovered"
        remedy = "give all of `authorization_endpoint`, `token_endpoint` and `jwks_uri`, or none"
        yield doc.fault(path, what, remedy=remedy)


def _claims(provider: Provider, doc: Document, path: Path) -> Iterator[Fault]:
    if not provider.claims:
        remedy = "write which claim names the person, like customer_number: sub"
        yield doc.fault((*path, "claims"), "`claims` is empty", remedy=remedy)
    for identity, claim in provider.claims.items():
        if identity not in _SELECTS:
            what = f"`{identity}` names nobody for certain"
            yield doc.fault((*path, "claims", identity), what, remedy=nearest(identity, _SELECTS))
        elif not claim.strip():
            what, remedy = f"the claim of `{identity}` is empty", "write the claim's name as the provider does"
            yield doc.fault((*path, "claims", identity), what, remedy=remedy)


def _dialect(provider: Provider, doc: Document, path: Path) -> Iterator[Fault]:
    if provider.dialect == "plain":
        if (provider.client_secret is None) == (provider.signing_key is None):
            what = "a plain provider needs `client_secret` or `signing_key`, and not both"
            yield doc.fault(path, what, remedy="give the one that the provider wants")
        return
    for key in ("signing_key", "decryption_key", "service_name"):
        if getattr(provider, key) is None:
            yield doc.fault(path, f"a provider of dialect ftn needs `{key}`", remedy="add it; see the how-to on proofs")
    if provider.client_secret is not None:
        what = "dialect ftn knows no `client_secret`"
        yield doc.fault((*path, "client_secret"), what, remedy="remove it; the signing key takes its place")
    if provider.signing_key is not None and provider.signing_key == provider.decryption_key:
        what, remedy = "one key would sign and decrypt", "make two keys"
        yield doc.fault((*path, "decryption_key"), what, remedy=remedy)
    if not provider.acr:
        what, remedy = "`acr` is empty: any level of assurance would do", "name the levels that are accepted"
        yield doc.fault((*path, "acr"), what, remedy=remedy)
    if identifiers.NATIONAL_ID not in provider.claims:
        what, remedy = "no claim carries the personal identity code", "add national_id under `claims`"
        yield doc.fault((*path, "claims"), what, remedy=remedy)
    if provider.max_age_seconds > FRESH_SECONDS:
        what = f"`max_age_seconds` is over {FRESH_SECONDS}: who logged in then may be gone"
        yield doc.fault((*path, "max_age_seconds"), what, remedy=f"write {FRESH_SECONDS} or less")


def _ladder(identity: Identity, doc: Document) -> Iterator[Fault]:
    dialects = {provider.dialect for provider in identity.providers.values()}
    wider = set(identity.enough("low"))
    for risk in RISKS:
        methods, path = identity.enough(risk), ("identity", risk)
        if not methods:
            yield doc.fault(path, f"nothing proves a person for {risk} risk", remedy="name at least one proof")
        for method, dialect in ((Method.STRONG, "ftn"), (Method.SESSION, "plain")):
            if getattr(identity, risk) is not None and method in methods and dialect not in dialects:
                what = f"`{method.value}` is named, and no provider of dialect {dialect} gives it"
                yield doc.fault(path, what, remedy="add the provider, or take it off the list")
        if odd := [m.value for m in methods if m not in wider]:
            what = f"{odd[0]} is enough for {risk} risk and not for less"
            yield doc.fault(path, what, remedy="name it for the lower risks too")
        wider &= set(methods)
