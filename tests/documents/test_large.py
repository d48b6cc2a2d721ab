"""Large and untrusted surroundings: many rows in little memory, a real browser that asks nothing."""

import io
import json
import subprocess
import sys
import threading
import zipfile
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from workflows.documents.verify import verify_package

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")

MEASURE = """
import sys, zipfile
from pathlib import Path
from tests.documents import conftest, test_book
from workflows.documents.documents import Documents

def mib():
    # Not getrusage: its peak begins with that of the process that forked us.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024

documents = Documents(conftest.make_register(), signing_key=conftest.KEY, render_pdf=False)
small = {"metering": lambda: (test_book.day(n) for n in range(10))}
large = {"metering": lambda: (test_book.day(n) for n in range(5475))}
with open(sys.argv[1], "wb") as out:
    documents.package(conftest.make_case(), small, out)
before = mib()
with open(sys.argv[1], "wb") as out:
    documents.package(conftest.make_case(), large, out)
print(before, mib())
"""


@pytest.mark.slow
def test_five_points_of_three_years_of_quarter_hours_need_little_memory(tmp_path):
    path = tmp_path / "large.zip"
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    before, after = map(int, out.split())
    assert after - before < 60
    assert after < 250
    assert verify_package(path) == []
    with zipfile.ZipFile(path) as z, z.open("data/metering_reading.csv") as rows:
        assert sum(1 for _ in rows) == 525_600 + 1


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_no_one_and_a_hundred_thousand_records_are_all_delivered(register, case, item, count):
    from workflows.documents.documents import Documents

    out = io.BytesIO()
    documents = Documents(register, signing_key=None, render_pdf=False)
    one = item()
    summary = documents.package(case(), {"crm": lambda: (one for _ in range(count))}, out)
    assert summary.items == count
    with zipfile.ZipFile(out) as z:
        assert len(json.loads(z.read("data/crm_customer.json"))["records"]) == count
        assert z.read("data/crm_customer.csv").count(b"\r\n") == count + 1


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_every_page_asks_nothing_else_and_finds_no_barrier(documents, case, item, tmp_path, scheme):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    from tests.documents.test_book import contacts, day

    path = tmp_path / "package.zip"
    items = {"crm": lambda: [item(), *contacts(item, 30)], "metering": lambda: [day(n) for n in range(40)]}
    with path.open("wb") as out:
        documents.package(case(), items, out)
    folder = tmp_path / "package"
    with zipfile.ZipFile(path) as z:
        z.extractall(folder)
        pages = [n for n in z.namelist() if n.endswith(".html")]

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}/"
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=switches)
            context = browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 800}, bypass_csp=True)
            page = context.new_page()
            asked = []
            page.on("request", lambda request: asked.append(request.url))
            for name in pages:
                page.goto(base + name)
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
                report = Axe().run(page).response
                assert [(v["id"], v["nodes"][0]["html"]) for v in report["violations"]] == [], name
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
    outside = {url for url in asked if not url.startswith("data:image/svg+xml;base64,")}
    assert outside - {base + "favicon.ico"} == {base + name for name in pages}
