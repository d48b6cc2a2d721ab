"""Post signed events to other parties' programs. Source: Standard Webhooks specification."""

import ssl
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from workflows.connectors.http_client import Client, Service
from workflows.errors import BadInput, NeverAgain
from workflows.register.recipients import Hook
from workflows.register.secret import resolve
from workflows.setting_values import Wrong, webhook_secrets

_SECONDS = 10.0
_MOST_BYTES = 65_536
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class SignedHooks:
    """The way out for events. Plain http goes to this machine only; what they answer beyond yes or no is not read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def post(self, hook: Hook, *, ident: str, at: datetime, body: bytes) -> None:
        """Post one event; raises as `Client.call` does, and `NeverAgain("hook_secret")` where the secret is none."""
        base = urlsplit(hook.url)
        host = (base.hostname or "").lower()
        if base.scheme != "https" and not (base.scheme == "http" and host in _THIS_MACHINE):
            raise NeverAgain("not_encrypted", detail="an event goes over https only")
        try:
            secret = webhook_secrets(resolve(hook.secret, self._environ))[0]
        except (BadInput, Wrong, IndexError):
            raise NeverAgain("hook_secret", detail="the secret of this webhook is missing or too weak") from None
        headers = {
            "Content-Type": "application/json",
            "webhook-id": ident,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(ident, at, body.decode()),
        }
        service = Service(
            base=base,
            private_hosts=[host] if hook.allow_private else [],
            tls=ssl.create_default_context(),
            seconds=_SECONDS,
            most_bytes=_MOST_BYTES,
        )
        with Client(service) as client:
            client.call("POST", hook.url, headers=headers, content=body)


class SilentHooks:
    """In place of the way out during a trial: nobody is told of what was never done."""

    def post(self, hook: Hook, *, ident: str, at: datetime, body: bytes) -> None:  # noqa: ARG002
        """Raises `NeverAgain("trial_mode")`."""
        raise NeverAgain("trial_mode", detail="a trial tells no other party anything")
