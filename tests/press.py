"""One warm printing process for all runtimes of a test process: starting one takes longer than many letters."""

from workflows.documents import documents
from workflows.documents.pdf import PdfRenderer


class SharedRenderer(PdfRenderer):
    """A real renderer that outlives the runtimes which use it; its child ends with this process."""

    def close(self) -> None:
        """The next runtime prints with it as well."""


def share() -> None:
    """From now on every `Documents` made in this process prints with the same renderer."""
    renderer = SharedRenderer()
    documents.PdfRenderer = lambda: renderer  # type: ignore[assignment,misc]
