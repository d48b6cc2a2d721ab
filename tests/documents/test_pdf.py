"""PDFs: tagged as PDF/UA asks, fonts inside, nothing fetched, limits kept."""

import base64
import io
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pikepdf
import pytest

from models.vocabulary import LANGUAGES, Letter
from workflows.documents.pdf import PdfRenderer
from workflows.errors import NeverAgain


@pytest.fixture(scope="module")
def renderer():
    made = PdfRenderer()
    yield made
    made.close()


def elements(pdf, kind):
    """All structure elements of one kind."""
    found, waiting = [], [pdf.Root.StructTreeRoot]
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Array):
            waiting += list(node)
        elif isinstance(node, pikepdf.Dictionary):
            if node.get("/S") == kind:
                found.append(node)
            if "/K" in node:
                waiting.append(node["/K"])
    return found


def fonts_without_file(pdf):
    """Names of fonts that are not embedded."""
    missing = []
    for page in pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner.FontDescriptor.keys()):
                missing.append(str(font.BaseFont))
    return missing


def assert_accessible(data: bytes, language: str) -> pikepdf.Pdf:
    """The rules of PDF/UA-1 that a machine can check in our documents."""
    pdf = pikepdf.open(io.BytesIO(data))
    assert str(pdf.Root.Lang) == language
    assert pdf.Root.MarkInfo.Marked
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert str(pdf.docinfo["/Title"])
    assert str(pdf.docinfo["/Author"]) == "Lakeuden Esimerkkisähkö Oy"
    with pdf.open_metadata() as meta:
        assert meta["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    assert all(page.get("/Tabs") == "/S" for page in pdf.pages)
    assert all(str(figure.get("/Alt", "")).strip() for figure in elements(pdf, "/Figure"))
    for table in elements(pdf, "/Table"):
        assert "/TH" in str(kinds(table)), "a table without headings"
    assert elements(pdf, "/H1")
    assert fonts_without_file(pdf) == []
    assert "/Names" not in pdf.Root or "/EmbeddedFiles" not in pdf.Root.Names
    return pdf


def kinds(node):
    """The kinds of all elements below."""
    if isinstance(node, pikepdf.Array):
        return [k for child in node for k in kinds(child)]
    if isinstance(node, pikepdf.Dictionary):
        return [str(node.get("/S", ""))] + (kinds(node["/K"]) if "/K" in node else [])
    return []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", [Letter.ACCESS, Letter.PARTIAL_ERASURE, Letter.ERASURE, Letter.REFUSAL, Letter.CODE])
def test_a_letter_is_tagged_titled_and_has_its_fonts_inside(documents, case, letter, language):
    pdf = assert_accessible(documents.letter(letter, case(language)), language)
    assert len(elements(pdf, "/TD")) > 0


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="file:///etc/hostname" alt="x">',
        '<img src="http://127.0.0.1:{port}/x.png" alt="x">',
        '<img src="ftp://127.0.0.1:{port}/x.png" alt="x">',
        '<img src="//127.0.0.1:{port}/x.png" alt="x"><base href="http://127.0.0.1:{port}/">',
        '<link rel="stylesheet" href="http://127.0.0.1:{port}/x.css">',
        '<style>@import url("http://127.0.0.1:{port}/x.css");</style>',
        '<style>@import "file:///etc/hostname";</style>',
        '<style>p {{ background: url("http://127.0.0.1:{port}/x.png"); }}</style>',
        '<style>@font-face {{ font-family: x; src: url("http://127.0.0.1:{port}/x.ttf") }} p {{ font: 9pt x }}</style>',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<a rel="attachment" href="file:///etc/hostname">x</a>',
        '<object data="http://127.0.0.1:{port}/x.svg"></object>',
        '<embed src="http://127.0.0.1:{port}/x.svg">',
        '<svg width="9" height="9"><image href="http://127.0.0.1:{port}/x.png" width="9" height="9"/></svg>',
        '<img alt="x" src="data:image/svg+xml;base64,{svg}">',
        '<img alt="x" src="data:image/png;base64,iVBORw0KGgo=">',
        '<img alt="x" src="data:image/svg+xml;base64,%%%">',
    ],
)
def test_a_document_that_would_load_anything_is_refused_and_nothing_is_asked(renderer, markup):
    asked = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_address[1]
        image = f'<image href="http://127.0.0.1:{port}/i.png" width="9" height="9"/>'
        inner = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{image}</svg>'
        html = markup.format(port=port, svg=base64.b64encode(inner.encode()).decode())
        with pytest.raises(NeverAgain, match="blocked_fetch"):
            renderer.render(f'<html lang="fi"><title>x</title><body><p>x</p>{html}</body></html>')
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []


def test_an_outside_symbol_is_not_even_looked_for(renderer):
    # WeasyPrint drops it before it asks the fetcher; the page is whole without it.
    use = '<svg width="9" height="9"><use href="http://127.0.0.1:9/x.svg#a"/></svg>'
    assert b"127.0.0.1" not in renderer.render(f"<html lang='fi'><title>x</title><p>x</p>{use}</html>")


def test_a_refused_document_does_not_spoil_the_next_one(renderer):
    with pytest.raises(NeverAgain):
        renderer.render('<img src="file:///etc/hostname" alt="x">')
    assert renderer.render("<html lang='fi'><title>x</title><p>Hei</p></html>").startswith(b"%PDF-")


def test_a_document_that_takes_too_long_is_stopped():
    slow = PdfRenderer(wall_seconds=0.01)
    try:
        with pytest.raises(NeverAgain, match="too_slow"):
            slow.render("<p>x</p>" * 20000)
        slow._wall_seconds = 120
        assert slow.render("<html lang='fi'><title>x</title><p>x</p></html>").startswith(b"%PDF-")
    finally:
        slow.close()


def test_a_child_that_died_is_replaced(renderer):
    page = "<html lang='fi'><title>x</title><p>Hei</p></html>"
    renderer.render(page)
    first = renderer._child.pid
    renderer._child.kill()
    renderer._child.wait()
    assert renderer.render(page).startswith(b"%PDF-")
    assert renderer._child.pid != first


def test_a_fork_does_not_share_its_parents_child(renderer):
    page = "<html lang='fi'><title>x</title><p>Hei</p></html>"
    renderer.render(page)
    parent_child = renderer._child.pid
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ok = renderer.render(page).startswith(b"%PDF-") and renderer._child.pid != parent_child
            renderer.close()
            os.write(write, b"1" if ok else b"0")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 1) == b"1"
    os.close(read)
    os.close(write)
    assert renderer.render(page).startswith(b"%PDF-")
    assert renderer._child.pid == parent_child


def test_the_printing_process_does_not_get_our_secrets(monkeypatch):
    monkeypatch.setenv("VASTINE_MAIL_URL", "smtp://user:secret@localhost")
    own = PdfRenderer()
    try:
        own.render("<html lang='fi'><title>x</title><p>x</p></html>")
        assert b"VASTINE" not in Path(f"/proc/{own._child.pid}/environ").read_bytes()
    finally:
        own.close()


def test_the_letters_of_the_north_are_drawn(documents, case):
    pdf = documents.letter(Letter.ACKNOWLEDGEMENT, case(name="Čuovga Eŋŋasaš Ŧuomas Đåäö"))
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert "Čuovga Eŋŋasaš Ŧuomas Đåäö" in text
