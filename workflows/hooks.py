"""Events of ours that go to other parties' programs, signed. Source: Standard Webhooks specification."""

from datetime import datetime
from typing import Protocol

from workflows.register.recipients import Hook


class Hooks(Protocol):
    """The way out for events."""

    def post(self, hook: Hook, *, ident: str, at: datetime, body: bytes) -> None:
        """Post one event; the same `ident` is the same event. Raises `TryAgain`, or `NeverAgain` for good."""
        ...
