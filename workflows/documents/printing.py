"""The child process that turns HTML into PDF; it is started by `pdf.PdfRenderer` and talks over pipes.

A message is a four-byte length and that many bytes. In: one byte that names the style, then the HTML.
Out: one byte, `0` and the PDF, or `1` and a code. The process imports WeasyPrint once, parses the style
sheet once, and ends itself when its parent is gone or has asked for nothing for a while.
"""

import base64
import binascii
import gc
import logging
import os
import resource
import select
import struct
import sys
from pathlib import Path
from typing import IO, Any

ASSETS = Path(__file__).parent / "assets"
PICTURE = "data:image/svg+xml;base64,"
MEMORY_BYTES = 1 << 30
CPU_SECONDS = 60  # a render
IDLE_SECONDS = 60
PAGES = 5000
KEPT_BYTES = 40_000  # of HTML whose boxes may lie about before they are swept away
_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "urllib.", "ftplib.")


def main() -> None:
    """Serve until the input ends."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing a library prints may get between the messages
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    printer = Printer()
    gc.freeze()  # what the libraries hold is not looked through again at each collection
    gc.disable()  # a document is one great cycle: looking for rubbish while it is made finds none
    kept = 0
    sys.addaudithook(_forbid)
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        html = receive(source)
        if html is None:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        send(target, printer.answer(html.decode()))
        kept += len(html)
        if kept > KEPT_BYTES:
            gc.collect()
            kept = 0


class Printer:
    """WeasyPrint, warm."""

    def __init__(self) -> None:
        from weasyprint import CSS  # importing it takes about a second
        from weasyprint.text.fonts import FontConfiguration

        # Its warnings quote the document.
        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
        logging.getLogger("fontTools").setLevel(logging.CRITICAL)
        self._fetcher = _fetcher()
        self._fonts = FontConfiguration()
        self._css = CSS(
            string=(ASSETS / "print.css").read_text(encoding="utf-8"),
            font_config=self._fonts,
            url_fetcher=self._fetcher,
        )

    def answer(self, html: str) -> bytes:
        """`0` and the PDF, or `1` and the code of what went wrong; never a word of the document."""
        from weasyprint.urls import FatalURLFetchingError

        self._fetcher.blocked = False
        try:
            pdf = self.render(html)
            # While it draws an SVG, WeasyPrint swallows even the fatal error and leaves a hole.
            return b"1blocked_fetch" if self._fetcher.blocked else b"0" + pdf
        except FatalURLFetchingError:
            return b"1blocked_fetch"
        except MemoryError:
            return b"1too_large"
        except Exception:  # noqa: BLE001 - whatever it was, its message may quote the document
            return b"1render"

    def render(self, html: str) -> bytes:
        """A tagged PDF."""
        from weasyprint import HTML

        document = HTML(string=html, url_fetcher=self._fetcher, base_url=None).render(
            stylesheets=[self._css], font_config=self._fonts, pdf_variant="pdf/ua-1", pdf_tags=True
        )
        if len(document.pages) > PAGES:
            raise MemoryError
        pdf = document.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
        return bytes(pdf or b"")


def _fetcher() -> Any:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class OurPicturesOnly(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
        """Opens the SVG pictures that stand in the document itself and refuses all else, loudly."""

        blocked = False

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ARG002
            try:
                if not url.startswith(PICTURE):
                    raise ValueError
                body = base64.b64decode(url[len(PICTURE) :], validate=True)
            except (ValueError, binascii.Error):
                self.blocked = True
                raise FatalURLFetchingError("blocked") from None
            return URLFetcherResponse("data:image/svg+xml", body, {"Content-Type": "image/svg+xml"})

    return OurPicturesOnly()


def _forbid(event: str, _arguments: tuple[Any, ...]) -> None:
    """Second wall behind the fetcher: this process has no business with the network or other programs."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)


def receive(source: IO[bytes]) -> bytes | None:
    """The next message, or None at the end."""
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = source.read(length)
    return body if len(body) == length else None


def send(target: IO[bytes], body: bytes) -> None:
    """One message, out at once."""
    target.write(struct.pack(">I", len(body)))
    target.write(body)
    target.flush()


if __name__ == "__main__":
    main()
