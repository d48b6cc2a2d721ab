"""Whoever looks for malware in what strangers send."""

from typing import Protocol


class Scanner(Protocol):
    """Looks at bytes; what it finds is a name of malware and nothing of the file."""

    def find(self, content: bytes) -> str:
        """The name of the malware in it, "" for none. Raises `TryAgain` where it can't tell: then nothing passes."""
        ...

    def health(self) -> None:
        """Raise `TryAgain` where it does not answer."""
        ...
