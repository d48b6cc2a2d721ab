"""What the story needs of somebody who vouches for people: where to send them, and what was said of them."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from models.vocabulary import Method
from workflows.errors import VastineError
from workflows.register.proofs import Provider


class Refused(VastineError):  # noqa: N818
    """What came back from the provider proves nobody; the code says why."""

    status = 403


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one way there and back. `state` comes back in the open, the other two in the token alone."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """The digest of the verifier that goes ahead. Source: RFC 7636 section 4.2."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


def new_attempt() -> Attempt:
    """Three secrets of 256 bits."""
    return Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider saw: the identities it vouches for, when they logged in and on which level."""

    identifiers: Mapping[str, str]
    at: datetime
    acr: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signatures of a PDF are worth: "good" where every one is whole, covers all of the file and
    is by somebody whom one of our roots vouches for. `signer` is whom its certificate names, `mark` that one's digest.
    """

    result: Literal["good", "unknown_signer", "broken", "added_to", "none", "unreadable"]
    signer: str = ""
    mark: str = ""


class IdentityProvider(Protocol):
    """One provider. Every call may raise `SourceDown`, `TryAgain` or `NeverAgain` if it does not answer properly."""

    spec: Provider

    @property
    def method(self) -> Method:
        """What its word counts as."""
        ...

    def start(self, attempt: Attempt, *, back: str, language: str, now: datetime) -> str:
        """The address to send the person to; they return to `back`."""
        ...

    def finish(self, answer: Mapping[str, str], attempt: Attempt, *, back: str, now: datetime) -> Vouched:
        """Whom the answer is about, after every check. Raises `Refused`."""
        ...

    def public_keys(self) -> Mapping[str, Any]:
        """Our public keys, as a JWK set."""
        ...
