"""A broker of strong identification in this process, in the Finnish dialect, that misbehaves when told to."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwe, jwt
from joserfc.jwk import RSAKey

from workflows.errors import NeverAgain

ISSUER = "https://broker.example"
LEVEL = "http://ftn.ficora.fi/2017/loatest2"
HETU = "urn:oid:1.2.246.21"


@cache
def pem(_name: str) -> str:
    """A private key, made once for each name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    raw = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*raw).decode()


def key_of(name: str) -> RSAKey:
    """The same as a key with a name."""
    return RSAKey.import_key(pem(name), {"kid": name, "use": "sig"})


@dataclass
class Broker:
    """`spoil` changes the claims, `key` signs, `sealed` false leaves the token bare, `published` are its keys."""

    now: Callable[[], Any]
    spoil: Callable[[dict[str, Any]], Any] = lambda _claims: None
    key: str = "first"
    published: tuple[str, ...] = ("first",)
    sealed: bool = True
    seal_to: RSAKey | None = None
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    assertions: set[str] = field(default_factory=set)
    looks: int = 0

    def call(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> bytes:
        """What `workflows.adapters.oidc` calls."""
        path = urlsplit(url).path
        if path == "/.well-known/openid-configuration":
            told: Any = {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/jwks",
            }
        elif path == "/jwks":
            self.looks += 1
            told = {"keys": [key_of(name).as_dict(private=False) for name in self.published]}
        else:
            told = {"id_token": self._token({k: v[0] for k, v in parse_qs(content.decode()).items()})}
        return json.dumps(told).encode()

    def log_in(self, url: str, hetu: str, **claims: Any) -> dict[str, str]:
        """What the person's browser brings back after a log-in."""
        query = dict(parse_qsl(urlsplit(url).query))
        asked = jwt.decode(query["request"], RSAKey.import_key(pem("ours")), algorithms=["RS256"])
        assert asked.header["kid"]
        assert (asked.claims["iss"], asked.claims["aud"], asked.claims["client_id"]) == ("vastine", ISSUER, "vastine")
        assert asked.claims["acr_values"] == LEVEL
        assert asked.claims["ftn_spname"]
        code = f"code-{len(self.asked)}"
        self.asked[code] = {**asked.claims, "hetu": hetu, "more": claims}
        return {"code": code, "state": asked.claims["state"], "iss": ISSUER}

    def _token(self, form: dict[str, str]) -> str:
        told = jwt.decode(form["client_assertion"], RSAKey.import_key(pem("ours")), algorithms=["RS256"]).claims
        asked = self.asked.pop(form["code"], None)  # a code is good once
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or told["jti"] in self.assertions or asked["code_challenge"] != challenge:
            raise NeverAgain("http_400")
        self.assertions.add(told["jti"])
        second = int(self.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": "vastine",
            "sub": "pairwise",
            "exp": second + 300,
            "iat": second,
            "nonce": asked["nonce"],
            "acr": LEVEL,
            "auth_time": second - 20,
            HETU: asked["hetu"],
            **asked["more"],
        }
        self.spoil(claims)
        inner = jwt.encode({"alg": "RS256", "kid": self.key}, claims, key_of(self.key), algorithms=["RS256"])
        if not self.sealed:
            return inner
        header = {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "cty": "JWT", "iss": ISSUER, "aud": "vastine"}
        registry = jwe.JWERegistry(algorithms=["RSA-OAEP", "A128CBC-HS256"], strict_check_header=False)
        to = self.seal_to or RSAKey.import_key(pem("opens"))
        return jwe.encrypt_compact(header, inner.encode(), to, registry=registry)


def back(answer: Mapping[str, str]) -> str:
    """The path that the person's browser asks for."""
    return f"/signin/return/bank?{urlencode(answer)}"
