"""How a service lets us in: headers made anew for every call, a token kept in memory until it ends."""

import base64
import threading
import time
from collections.abc import Mapping
from urllib.parse import quote_plus, urlencode

from workflows.connectors.http_client import Client, Headers
from workflows.connectors.http_json import at, parsed
from workflows.errors import NeverAgain
from workflows.register.http_connection import Auth, OAuth2
from workflows.register.secret import resolve
from workflows.rules.items import Json

_MARGIN = 30.0
_UNSAID = 300.0
_TOKEN_BYTES = 65_536


class Entry:
    """What goes with every call so that the service lets us in."""

    def __init__(self, auth: Auth | None, environ: Mapping[str, str]) -> None:
        self._fixed = _fixed(auth, environ) if auth else {}
        self._oauth2 = Tokens(auth.oauth2, environ) if auth and auth.oauth2 else None

    @property
    def renewable(self) -> bool:
        """Whether a refused call may be tried once more with a new token."""
        return self._oauth2 is not None

    def headers(self, client: Client, *, anew: str = "") -> Headers:
        """The headers; `anew` is a token that was refused."""
        if self._oauth2 is None:
            return self._fixed
        return {"Authorization": f"Bearer {self._oauth2.token(client, anew=anew)}"}


def _fixed(auth: Auth, environ: Mapping[str, str]) -> dict[str, str]:
    if auth.bearer:
        return {"Authorization": f"Bearer {_plain(resolve(auth.bearer.token, environ))}"}
    if auth.basic:
        pair = f"{resolve(auth.basic.user, environ)}:{resolve(auth.basic.password, environ)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    if auth.api_key:
        return {auth.api_key.header: _plain(resolve(auth.api_key.key, environ))}
    return {}


def _plain(secret: str) -> str:
    if not secret.isascii() or not secret.isprintable():
        raise NeverAgain("bad_secret", detail="a secret of this source can't be sent in a header")
    return secret


class Tokens:
    """Tokens of one client. One is asked for at a time, whoever needs it."""

    def __init__(self, spec: OAuth2, environ: Mapping[str, str]) -> None:
        self._spec = spec
        self._ident = resolve(spec.client_id, environ)
        self._secret = resolve(spec.client_secret, environ)
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def token(self, client: Client, *, anew: str = "") -> str:
        """A token that has not ended and is not the one in `anew`."""
        with self._lock:
            if not self._token or self._token == anew or time.monotonic() >= self._until:
                self._token, self._until = self._ask(client)
            return self._token

    def _ask(self, client: Client) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        form |= {name: value for name in ("scope", "audience") if (value := getattr(self._spec, name))}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._spec.client_auth == "basic":
            # Each half is form-encoded before it is joined. Source: RFC 6749 section 2.3.1.
            pair = f"{quote_plus(self._ident)}:{quote_plus(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self._ident, "client_secret": self._secret}
        answer = client.call(
            "POST", self._spec.token_url, headers=headers, content=urlencode(form).encode(), most_bytes=_TOKEN_BYTES
        )
        told = parsed(answer.body, answer.content_type)
        token = at(told, "access_token", missing=None)
        if not isinstance(token, str) or not token or str(at(told, "token_type", missing="bearer")).lower() != "bearer":
            raise NeverAgain("no_token", detail="the token service gave no bearer token")
        return _plain(token), time.monotonic() + _lasts(at(told, "expires_in", missing=None))


def _lasts(said: Json) -> float:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        seconds = _UNSAID
    return max(0.0, min(seconds, 86_400.0) - _MARGIN)
