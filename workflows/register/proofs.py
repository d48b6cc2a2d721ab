"""`identity:` of controller.yaml: who may vouch for people, and which proof is enough for which data."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import Method, Right
from workflows.register.source_parts import Secret

Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")
FRESH_SECONDS = 300
"""A log-in older than this says who once sat at the machine, not who sits there now."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Name(_Part):
    """What people call it, in the three languages."""

    fi: str
    sv: str
    en: str

    def get(self, language: str) -> str:
        """The name in this language, Finnish if it is none of the three."""
        return str(getattr(self, language, self.fi))


class Provider(_Part):
    """One service that people log in to: `plain` is the controller's own, `ftn` a broker of strong identification.

    `claims` maps identities of the register to the claims that carry them.
    """

    dialect: Literal["plain", "ftn"]
    label: Name
    issuer: str
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: Secret | None = None
    signing_key: Secret | None = None  # a private RSA key, PEM: ours alone
    decryption_key: Secret | None = None  # another one, which ID tokens are encrypted to
    authorization_endpoint: str = ""  # these three only where the service publishes no discovery document
    token_endpoint: str = ""
    jwks_uri: str = ""
    claims: Mapping[str, str]
    acr: tuple[str, ...] = ()
    max_age_seconds: int = Field(default=FRESH_SECONDS, ge=30, le=3600)
    scope: str = "openid"
    service_name: Name | None = None  # what the bank shows the person
    allow_private: tuple[str, ...] = ()
    timeout_seconds: int = Field(default=10, ge=1, le=60)


class Identity(_Part):
    """The ladder: for each class of risk the proofs that are enough. None: the default of `enough`."""

    providers: Mapping[str, Provider] = {}
    low: tuple[Method, ...] | None = None
    medium: tuple[Method, ...] | None = None
    high: tuple[Method, ...] | None = None
    rights: Mapping[Right, Risk] = {Right.ERASURE: "high"}
    letter_days: int = Field(default=21, ge=7, le=60)  # how long a code that came by post can be typed
    letter_tries: int = Field(default=5, ge=3, le=10)
    signature_roots: tuple[str, ...] = ()  # files of the register with certificates that vouch for who signs PDFs
    unchanged_days: int = Field(default=30, ge=0, le=365)  # how long a number or postal address stood before it proves

    def enough(self, risk: Risk) -> tuple[Method, ...]:
        """The proofs that are enough for data of this class.

        Unless said otherwise every proof is, but for high risk only strong identification and the desk, wherever
        strong identification can be had.
        """
        said: tuple[Method, ...] | None = getattr(self, risk)
        if said is not None:
            return said
        strong = any(provider.dialect == "ftn" for provider in self.providers.values())
        return (Method.STRONG, Method.DESK) if risk == "high" and strong else tuple(Method)
