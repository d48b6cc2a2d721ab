"""A provider that speaks OpenID Connect: as most do, or in the dialect of the Finnish Trust Network.

Source: OpenID Connect Core 1.0; RFC 7636, 9101, 9207; Traficom Recommendation 213/2023 S.
"""

import base64
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from models.vocabulary import Method
from workflows.adapters.oidc_tokens import UnknownKey, checked, opened, signing_keys, verified
from workflows.errors import BadInput, Fault, NeverAgain
from workflows.register.proofs import Provider
from workflows.register.secret import resolve
from workflows.register.source_parts import Secret
from workflows.vouching import Attempt, Refused, Vouched

Call = Callable[[str, str, Mapping[str, str], bytes], bytes]
"""`call(method, url, headers, content)`: the body of what is answered; raises as sources do."""

_KEPT_SECONDS = 3600.0
_LIVES = 300  # seconds: request objects and assertions
_CANCELLED = frozenset({"access_denied", "cancel", "user_cancel", "user_cancelled"})


class OidcProvider:
    """One provider as the register describes it. What it publishes is kept for an hour, in this process alone."""

    def __init__(self, name: str, spec: Provider, *, environ: Mapping[str, str], call: Call, live: bool) -> None:
        """Raises `BadInput` where a key or secret is not there or can't be used, or live mode would take tests."""
        self.spec = spec
        self._call, self._live = call, live
        self._secret = resolve(spec.client_secret, environ) if spec.client_secret else ""
        self._signing = _key(name, "signing_key", spec.signing_key, environ=environ, use="sig")
        self._opening = _key(name, "decryption_key", spec.decryption_key, environ=environ, use="enc")
        if live and any("loatest" in level for level in spec.acr):
            remedy = "name the levels of the real service, or run in trial mode"
            raise BadInput([Fault(f"identity.providers.{name}.acr", "live mode would accept test log-ins", remedy)])
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, Any]] = {}

    @property
    def method(self) -> Method:
        """Strong identification for a broker, a session for one's own portal."""
        return Method.STRONG if self.spec.dialect == "ftn" else Method.SESSION

    def public_keys(self) -> Mapping[str, Any]:
        """Our public keys, one to verify and one to encrypt to."""
        keys = [key for key in (self._signing, self._opening) if key is not None]
        return {"keys": [key.as_dict(private=False) for key in keys]}

    def start(self, attempt: Attempt, *, back: str, language: str, now: datetime) -> str:
        """The address to send the person to."""
        spec = self.spec
        asked = {
            "response_type": "code",
            "client_id": spec.client_id,
            "redirect_uri": back,
            "scope": spec.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        asked |= {"acr_values": " ".join(spec.acr)} if spec.acr else {}
        there = self._address("authorization_endpoint")
        if spec.dialect == "ftn":
            named = spec.service_name.get(language) if spec.service_name else ""
            claims = {**asked, "ftn_spname": named, "iss": spec.client_id, "aud": spec.issuer}
            plain = {name: asked[name] for name in ("response_type", "client_id", "scope")}
            query = {**plain, "request": self._signed(claims, now)}
        else:
            # A session that is open already says who once sat there: the person logs in anew.
            query = {**asked, "prompt": "login", "max_age": str(spec.max_age_seconds)}
        return f"{there}{'&' if urlsplit(there).query else '?'}{urlencode(query)}"

    def finish(self, answer: Mapping[str, str], attempt: Attempt, *, back: str, now: datetime) -> Vouched:
        """Whom the answer is about; the code in it is spent on the way. Raises `Refused`."""
        if "iss" in answer and answer["iss"] != self.spec.issuer:
            raise Refused("iss")  # another provider's answer, mixed up with this one's
        if error := answer.get("error"):
            raise Refused("cancelled" if error in _CANCELLED else "provider_error")
        code = answer.get("code", "")
        if not 0 < len(code) <= 4096:
            raise Refused("no_code")
        token = self._token(code, attempt, back=back, now=now)
        if self._opening is not None and self.spec.dialect == "ftn":
            token = opened(token, self._opening)
        try:
            claims = verified(token, self._keys())
        except UnknownKey:
            claims = verified(token, self._keys(anew=True))  # they may have changed keys since
        return checked(claims, self.spec, nonce=attempt.nonce, now=now, live=self._live)

    def _token(self, code: str, attempt: Attempt, *, back: str, now: datetime) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": attempt.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        there, us = self._address("token_endpoint"), self.spec.client_id
        if self._signing is not None:
            form |= {
                "client_id": us,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self._signed({"iss": us, "sub": us, "aud": there}, now),
            }
        else:
            pair = f"{quote_plus(us)}:{quote_plus(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        try:
            told = _json(self._call("POST", there, headers, urlencode(form).encode()))
        except NeverAgain:
            raise Refused("token_refused") from None
        token = told.get("id_token")
        if not isinstance(token, str):
            raise Refused("no_token")
        return token

    def _signed(self, claims: Mapping[str, Any], now: datetime) -> str:
        if self._signing is None:
            raise Refused("no_signing_key")
        second = int(now.timestamp())
        whole = {**claims, "iat": second, "exp": second + _LIVES, "jti": secrets.token_urlsafe(24)}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._signing.kid}
        return jwt.encode(header, whole, self._signing, algorithms=["RS256"])

    def _address(self, which: str) -> str:
        if said := getattr(self.spec, which):
            return str(said)
        document = self._published(f"{self.spec.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.spec.issuer:
            raise NeverAgain("discovery", detail="the provider calls itself something else")
        url = document.get(which)
        parts = urlsplit(url if isinstance(url, str) else "")
        near = parts.scheme == "http" and (parts.hostname or "") in self.spec.allow_private
        if not parts.hostname or (parts.scheme != "https" and not near):
            raise NeverAgain("discovery", detail="the provider publishes an address that is not https")
        return parts.geturl()

    def _keys(self, *, anew: bool = False) -> KeySet:
        return signing_keys(self._published(self._address("jwks_uri"), anew=anew))

    def _published(self, url: str, *, anew: bool = False) -> dict[str, Any]:
        with self._lock:
            until, told = self._told.get(url, (0.0, None))
            if anew or told is None or time.monotonic() >= until:
                told = _json(self._call("GET", url, {}, b""))
                self._told[url] = (time.monotonic() + _KEPT_SECONDS, told)
            document: dict[str, Any] = told
            return document


def _json(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NeverAgain("no_json", detail="the provider's answer is no JSON") from None
    if not isinstance(told, dict):
        raise NeverAgain("no_json", detail="the provider's answer is no JSON object")
    return told


def _key(name: str, what: str, secret: Secret | None, *, environ: Mapping[str, str], use: str) -> RSAKey | None:
    if secret is None:
        return None
    where, remedy = f"identity.providers.{name}.{what}", "make one with: openssl genrsa -out key.pem 3072"
    pem = resolve(secret.model_dump(exclude_none=True), environ)
    try:
        bare = RSAKey.import_key(pem)
        if not bare.is_private or bare.raw_value.key_size < 2048:
            raise ValueError
    except Exception:  # noqa: BLE001  # whatever the library says may quote the key
        raise BadInput([Fault(where, "this is no private RSA key of 2048 bits or more", remedy)], "secret") from None
    kid = bare.thumbprint()
    alg = "RS256" if use == "sig" else "RSA-OAEP"
    return RSAKey.import_key(pem, {"kid": kid, "use": use, "alg": alg})
