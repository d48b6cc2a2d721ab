"""The way to our own doors, as somebody outside would come to them."""

from collections.abc import Mapping
from typing import Any, Protocol


class Visitor(Protocol):
    """Comes over HTTP. Every call returns when what was sent was taken, and raises `TryAgain` with the code why not."""

    def fill_form(self, portal: str, language: str, answers: Mapping[str, str]) -> None:
        """Walk through the form of the portal at this address, page by page, and send it."""
        ...

    def file(self, console: str, *, token: str, key: str, body: Mapping[str, Any]) -> None:
        """Post one request to the API at this address."""
        ...
