"""`Visitor` over HTTP: the same addresses, proxies and certificates as everybody who comes from outside."""

import html
import http.client
import json
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from workflows.errors import TryAgain

_SECONDS = 20.0
_MOST_BYTES = 1_000_000
_STATE = re.compile(r'name="state" value="([^"]*)"')
_PAGES = ("right", "who", "message", "check")


class HttpVisitor:
    """One connection a page; follows no redirect, since what it is sent to is not what it came to see."""

    def fill_form(self, portal: str, language: str, answers: Mapping[str, str]) -> None:
        """Walk through the form and send it; see `Visitor`."""
        status, page = _ask("GET", f"{portal}/{language}/request")
        for name in _PAGES:
            found = _STATE.search(page)
            if status != 200 or found is None:
                raise _refused(status, "door_form")
            fields = {**answers, "state": html.unescape(found[1]), "go": "next"}
            body = urlencode(fields).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            status, page = _ask("POST", f"{portal}/{language}/request/{name}", body=body, headers=kind)
        if status != 303:
            raise _refused(status, "door_form")

    def file(self, console: str, *, token: str, key: str, body: Mapping[str, Any]) -> None:
        """Post one request to the API; see `Visitor`."""
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key,
        }
        status, _ = _ask("POST", f"{console}/api/v1/requests", body=json.dumps(body).encode(), headers=headers)
        if not 200 <= status < 300:
            raise _refused(status, "door_api")


def _refused(status: int, code: str) -> TryAgain:
    return TryAgain("door_busy" if status in (429, 503) else code, detail=f"our own door answers {status}")


def _ask(method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """(status, page). Raises `TryAgain` where nobody answers."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, timeout=_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
    try:
        connection.request(method, parts.path, body=body or None, headers={"User-Agent": "vastine", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES).decode("utf-8", "replace")
    except ssl.SSLError:
        raise TryAgain("door_tls", detail="no secure connection to our own door") from None
    except (OSError, http.client.HTTPException):
        raise TryAgain("door_down", detail="nobody answers at our own door") from None
    finally:
        connection.close()


__all__ = ["HttpVisitor"]
