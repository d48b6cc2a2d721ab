"""How long a letter takes, against how long WeasyPrint takes for plain text on as many pages."""

import html
import io
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.place import ROOT, Place
from bench.report import Figure, Report, spread

_ROUNDS = 7
_AIM = 1.5
_TAG = re.compile(r"<style.*?</style>|<[^>]+>", re.S)
_LETTERS = ("acknowledgement", "refusal", "partial_erasure", "access")


def measure(place: Place) -> Report:  # needs no house
    """Each letter of the demo register as its text, facts, checks and PDF together, by a warm printing process."""
    from weasyprint import HTML

    from models.vocabulary import Letter  # noqa: PLC0415
    from workflows.documents.catalogue import Catalogue  # noqa: PLC0415
    from workflows.documents.documents import Documents  # noqa: PLC0415
    from workflows.documents.letters import Letters  # noqa: PLC0415
    from workflows.documents.sample import sample_case  # noqa: PLC0415
    from workflows.register.load import load_register  # noqa: PLC0415

    register = load_register(ROOT / "register")
    documents, letters = Documents(register, signing_key=None), Letters(Catalogue(register))
    case = sample_case(register, "en")
    report = Report("Does a letter take at most one and a half times a bare WeasyPrint render of as many pages?")
    for name in _LETTERS:
        letter = Letter(name)
        pages = _pages(documents.letter(letter, case))
        markup = letters.html(letter, case)
        page = plain(markup, pages, lambda text: len(HTML(string=text).render().pages))
        ours, bare, same = _in_turns(
            partial(documents.letter, letter, case), partial(_printed, HTML, page), partial(_printed, HTML, markup)
        )
        told = f"{pages} pages; letter {spread(ours)}; bare {spread(bare)}"
        report.figures.append(Figure(f"{name}, times the bare render", min(ours) / min(bare), "×", aim=_AIM, told=told))
        whole = f"{name}, times its own markup without our style and checks"
        report.figures.append(Figure(whole, min(ours) / min(same), "×", told=f"markup {spread(same)}"))
    report.notes.append(
        "tables cost WeasyPrint more than paragraphs on as many pages: the second figure leaves that out"
    )
    documents.close()
    return report


def plain(composed: str, pages: int, count: Callable[[str], int]) -> str:
    """The letter's own words as bare paragraphs, repeated until they fill as many pages."""
    words = [html.unescape(part).strip() for part in _TAG.sub("\n", composed).split("\n")]
    once = "".join(f"<p>{html.escape(word)}</p>" for word in words if word)
    text = once
    while count(_page(text)) < pages:
        text += once
    return _page(text)


def _pages(pdf: bytes) -> int:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415

    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def _page(body: str) -> str:
    return f'<html lang="en"><head><title>Plain</title></head><body>{body}</body></html>'


def _printed(printer: Any, page: str) -> object:
    return printer(string=page).write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)


def _in_turns(*ways: Callable[[], object]) -> list[list[float]]:
    """Seconds of each round, one after the other so that all see the same machine; the first is not counted."""
    found: list[list[float]] = [[] for _ in ways]
    for n in range(_ROUNDS + 1):
        for times, work in zip(found, ways, strict=True):
            start = time.perf_counter()
            work()
            if n:
                times.append(time.perf_counter() - start)
    return found
