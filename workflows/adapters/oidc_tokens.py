"""ID tokens: opened, verified and checked, in this order, before anything in them is believed.

Source: OpenID Connect Core 1.0 section 3.1.3.7; RFC 8725; Traficom Recommendation 213/2023 S.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from workflows.register.proofs import Provider
from workflows.rules import identifiers
from workflows.vouching import Refused, Vouched

SIGNED_BY = ("RS256", "PS256", "ES256")
_SEALED_BY = ("RSA-OAEP", "A128CBC-HS256", "A128GCM")
_LEEWAY = 30
_LONGEST = 65_536
_OLDEST = 600
"""Seconds between the making of a token and our look at it."""


class UnknownKey(Refused):
    """The token names a key that the provider did not publish when we last looked."""


def opened(token: str, key: RSAKey) -> str:
    """The signed token inside an encrypted one. Raises `Refused` for one that is not encrypted to us."""
    if len(token) > _LONGEST or token.count(".") != 4:
        raise Refused("not_encrypted")
    # Providers write `iss` and `aud` into the header too, which the library's own list does not know.
    registry = jwe.JWERegistry(algorithms=_SEALED_BY, strict_check_header=False)
    try:
        found = jwe.decrypt_compact(token, key, registry=registry)
    except (JoseError, ValueError):
        raise Refused("undecryptable") from None
    return (found.plaintext or b"").decode("ascii", "replace")


def verified(token: str, keys: KeySet) -> dict[str, Any]:
    """The claims of a token that one of these keys signed. Raises `Refused`, or `UnknownKey`."""
    if len(token) > _LONGEST or token.count(".") != 2:
        raise Refused("not_signed")
    registry = jws.JWSRegistry(algorithms=SIGNED_BY, strict_check_header=False)
    try:
        header = jws.extract_compact(token.encode("ascii", "replace")).headers()
        if header.get("alg") not in SIGNED_BY or "crit" in header:
            raise Refused("signature")
        key = _named(header.get("kid"), keys)
        body = jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError, TypeError):
        raise Refused("signature") from None
    try:
        claims = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("claims") from None
    if not isinstance(claims, dict):
        raise Refused("claims")
    return claims


def _named(kid: object, keys: KeySet) -> RSAKey | ECKey:
    mine = [key for key in keys.keys if isinstance(key, RSAKey | ECKey)]
    if kid is None and len(mine) == 1:
        return mine[0]
    for key in mine:
        if key.kid == kid:
            return key
    raise UnknownKey("signature")


def signing_keys(told: object) -> KeySet:
    """The keys of a JWK set that may sign: RSA of 2048 bits and more, or of a curve; nothing that both sides know."""
    listed = told.get("keys") if isinstance(told, dict) else None
    keys: list[Any] = []
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict) or one.get("use") == "enc":
            continue
        try:
            key: RSAKey | ECKey
            if one.get("kty") == "RSA":
                key = RSAKey.import_key(one)
                if key.raw_value.key_size < 2048:
                    continue
            elif one.get("kty") == "EC":
                key = ECKey.import_key(one)
            else:
                continue
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # a key of a kind that is not known here must not take the others with it
        if not key.is_private:
            keys.append(key)
    return KeySet(keys)


def checked(claims: Mapping[str, Any], spec: Provider, *, nonce: str, now: datetime, live: bool) -> Vouched:
    """Whom the claims are about. Raises `Refused` with the code of the first check that fails."""
    _addressed(claims, spec)
    second = now.timestamp()
    if _seconds(claims, "exp") <= second - _LEEWAY:
        raise Refused("exp")
    if not second - _OLDEST <= _seconds(claims, "iat") <= second + _LEEWAY:
        raise Refused("iat")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise Refused("nonce")
    acr = claims.get("acr")
    acr = acr if isinstance(acr, str) else ""
    if spec.acr and acr not in spec.acr:
        raise Refused("acr")
    at = _seconds(claims, "auth_time")
    if not second - spec.max_age_seconds <= at <= second + _LEEWAY:
        raise Refused("auth_time")
    return Vouched(_identifiers(claims, spec, live=live), datetime.fromtimestamp(at, UTC), acr)


def _addressed(claims: Mapping[str, Any], spec: Provider) -> None:
    if claims.get("iss") != spec.issuer:
        raise Refused("iss")
    audience = claims.get("aud")
    readers = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if spec.client_id not in readers:
        raise Refused("aud")
    if (len(readers) > 1 or "azp" in claims) and claims.get("azp") != spec.client_id:
        raise Refused("azp")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise Refused(name)
    return float(value)


def _identifiers(claims: Mapping[str, Any], spec: Provider, *, live: bool) -> dict[str, str]:
    found = {}
    for identity, name in spec.claims.items():
        value = claims.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise Refused("claim_missing")
        plain = identifiers.normalise(identity, value)
        if plain is None or (identity == identifiers.NATIONAL_ID and live and is_for_tests(plain)):
            raise Refused("claim_invalid")
        found[identity] = plain
    if not found:
        raise Refused("claim_missing")
    return found


def is_for_tests(national_id: str) -> bool:
    """Whether nobody has this code: individual numbers from 900 on are never given out."""
    return national_id[7:10].isdigit() and int(national_id[7:10]) >= 900
