"""What every page and door shares: headers, where a POST may come from, signed values, whose address it is.

The portal holds no log-in: what authorises a POST there is a secret in its address or a signed value in the form.
The console binds `Signer.token` to its session besides.
"""

import hmac
import ipaddress
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, request
from itsdangerous import BadData, URLSafeTimedSerializer

from workflows.runtime import Runtime

MAX_BODY_BYTES = 262_144
MAX_FORM_BYTES = 131_072
MAX_FORM_PARTS = 100
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_CSP = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src {connect}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _InMemory(Request):
    """Keeps an upload in memory while it is taken in: a file on disk would hold it in the clear."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        return BytesIO()


class Signer:
    """Signed values and tokens of one purpose; a value signed for one purpose is worth nothing for another."""

    def __init__(self, rt: Runtime, purpose: str) -> None:
        self._key = rt.vault.digest("web", f"{purpose}:{rt.settings.secret_key}")
        self._serializer = URLSafeTimedSerializer(self._key, salt=purpose)

    def sign(self, value: Any) -> str:
        """A text that only we could have made; anybody who holds it can read it."""
        return self._text(self._serializer.dumps(value))

    def read(self, text: str, *, max_age_seconds: int) -> Any | None:
        """The value signed, or None if we did not sign it or it is too old."""
        try:
            return self._serializer.loads(text, max_age=max_age_seconds)
        except BadData:
            return None

    def token(self, bound_to: str) -> str:
        """A token against forged posts, the same for the same session."""
        return hmac.new(self._key, f"token:{bound_to}".encode(), "sha256").hexdigest()

    def is_token(self, given: str, bound_to: str) -> bool:
        """Whether the token belongs to this session."""
        return hmac.compare_digest(given.encode(), self.token(bound_to).encode())

    @staticmethod
    def _text(signed: str | bytes) -> str:
        return signed if isinstance(signed, str) else signed.decode()


def protect(app: Flask, *, public_url: str, scripts: bool, exempt: Callable[[str], bool] = lambda _path: False) -> None:
    """Set limits and headers for all pages, and refuse every POST that another site's page caused.

    `public_url` is the address people use; `scripts` lets the application's own script files run; `exempt`
    names paths that machines post to with a signature or token of their own.
    """
    app.request_class = _InMemory
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    https = public_url.startswith("https://")
    own = _origin(public_url)
    csp = _CSP.format(scripts="'self'" if scripts else "'none'", connect="'self'" if scripts else "'none'")

    @app.before_request
    def from_our_own_pages() -> None:
        if "\0" in request.path:
            abort(404)  # nothing has such an address, and PostgreSQL takes no NUL in a question either
        if request.method not in SAFE_METHODS and not exempt(request.path) and not is_from_ourselves(request, own):
            abort(403)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = csp
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def is_from_ourselves(asked: Request, own: str) -> bool:
    """Whether a browser says that one of our own pages, or no page at all, caused this request.

    A page that sends no referrer has the origin "null", and a program has none: there the signed value or
    the secret in the address is what counts.
    """
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = asked.headers.get("Origin")
    if origin is None or origin == "null":
        return True
    return origin in (own, _origin(asked.host_url))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def client_network(asked: Request, public_url: str) -> str:
    """Whose pace this request counts for: an IPv4 address or the /64 of an IPv6 one.

    Behind a TLS proxy, which an https address of ours always means, the proxy's word for the last hop
    counts; what stands further left in the header anybody may have written.
    """
    address = asked.remote_addr or ""
    forwarded = asked.headers.get("X-Forwarded-For", "")
    if forwarded and public_url.startswith("https://") and _is_near(address):
        address = forwarded.rpartition(",")[2].strip()
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _is_near(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_private


def cookie_name(base: str, public_url: str) -> str:
    """`__Host-` where the address is https: no other host and no plain connection can set it."""
    return f"__Host-{base}" if public_url.startswith("https://") else base
