"""`vastine demo`: every story at its documented end, files left behind, and a second start that takes it up."""

import json
import os
import stat
import subprocess
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.composed import ROOT
from tests.processes import free_port
from workers.demo import place, postbox, run
from workers.demo.place import DemoPlace
from workers.demo.visitor import Visitor, _Forms
from workflows.demo.build import DemoFiles
from workflows.demo.stories import STORIES
from workflows.documents.verify import verify_package
from workflows.errors import BadInput, NeverAgain


def demo(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "VASTINE_REGISTER": str(ROOT / "register")}
    ports = ("--port", str(free_port()), "--console-port", str(free_port()))
    command = [ROOT / ".venv/bin/vastine", "demo", "--once", "--dir", folder / "demo", "--people", "50", *ports, *args]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=400, check=False, cwd=folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_ends_with_every_story_at_its_documented_end(tmp_path: Path) -> None:
    ran = demo(tmp_path)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.count("✔") == len(STORIES)
    assert "✖" not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    files = {path.relative_to(tmp_path / "demo/files").as_posix() for path in (tmp_path / "demo/files").rglob("*.*")}
    assert {name.partition("/")[0] for name in files} == {story.slug for story in STORIES}
    assert verify_package(tmp_path / "demo/files/access-by-form/package.zip") == []
    with zipfile.ZipFile(tmp_path / "demo/files/portability-of-five-points/package.zip") as package:
        assert any(name.endswith(".csv") for name in package.namelist())
    with zipfile.ZipFile(tmp_path / "demo/files/access-with-recordings/package.zip") as package:
        assert len([name for name in package.namelist() if name.endswith(".wav")]) == 2
        assert b"Urpo Naapuri" not in b"".join(map(package.read, package.namelist()))
    with zipfile.ZipFile(tmp_path / "demo/files/access-with-recordings/package.zip") as package:
        assert "muutan kuun lopussa pois" in "".join(
            package.read(name).decode() for name in package.namelist() if name.endswith(".json")
        )
    mails = b"".join(path.read_bytes() for path in (tmp_path / "demo/sources/mail/cur").iterdir())
    assert b"iida.kallio" not in mails
    assert b"marjatta.hirvela" in mails
    drops = b"".join(path.read_bytes() for path in (tmp_path / "demo/sources/drops/kysely").glob("*.csv"))
    assert b"iida.kallio" not in drops
    assert b"marjatta.hirvela" in drops
    assert stat.S_IMODE((tmp_path / "demo/log-ins.json").stat().st_mode) == 0o600

    second = demo(tmp_path)
    assert second.returncode == 0, second.stderr[-3000:]
    assert second.stdout == ran.stdout  # nothing was played again: the references are the same
    assert "playing" not in second.stderr

    played = json.loads((tmp_path / "demo/played.json").read_text())
    played["access-by-form"], played["erasure-refused"] = played["erasure-refused"], played["access-by-form"]
    (tmp_path / "demo/played.json").write_text(json.dumps(played))
    other = demo(tmp_path)
    assert other.returncode == 1
    assert f"2 of {len(STORIES)} stories did not end as told" in other.stderr
    assert "ended refused, not delivered" in other.stdout


@pytest.mark.parametrize("there", ["", "true"])
def test_without_a_mail_server_the_demo_goes_without_its_mail_archive_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    """A source that is not there is searched by nobody, and no answer may name it."""
    for room in (run, postbox):  # one that is not there, or that ends at once
        monkeypatch.setattr(room, "mail_server", lambda: there)

    def built(folder: Path, **_: object) -> DemoFiles:
        (folder / "mail/cur").mkdir(parents=True, exist_ok=True)
        return DemoFiles({})

    monkeypatch.setattr(run, "_open", lambda *_, **__: 0)
    monkeypatch.setattr(run, "serving", lambda _: nullcontext({}))
    monkeypatch.setattr(place, "build_demo", built)
    wish = run.Wish(tmp_path / "demo", ROOT / "register", once=True, people=1, portal_port=0, console_port=0)
    assert run.run(wish) == 0
    assert "the mail archive (posti) is left out and not searched" in capsys.readouterr().err
    sources = {path.stem for path in (tmp_path / "demo/register/sources").iterdir()}
    assert "paperiarkisto" in sources
    assert "posti" not in sources


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear to somebody")
    with pytest.raises(BadInput, match=r"thesis\.txt"):
        DemoPlace(tmp_path).clear()
    assert (tmp_path / "thesis.txt").exists()


def test_a_visitor_types_only_what_a_page_asks_and_keeps_what_it_chose() -> None:
    parser = _Forms()
    parser.feed(
        '<form action="/lang" method="post"><button name="go" value="stay">sv</button></form>'
        '<form method="post"><input type="hidden" name="state" value="s"><input name="name" value="old">'
        '<input type="radio" name="right" value="access" checked><input type="radio" name="right" value="erasure">'
        '<input type="checkbox" name="on_behalf" value="1"><textarea name="message">\nkept</textarea>'
        '<button name="go" value="back">Back</button><button name="go" value="next">On</button></form>'
    )
    switch, form = parser.forms
    assert not switch.leads_on()
    assert form.leads_on()
    sent = form.filled({"name": "Aino", "right": "erasure", "email": "a@b.example"})
    assert sent == {"state": "s", "name": "Aino", "right": "erasure", "message": "kept", "go": "next"}
    assert form.filled({"right": "tea"})["right"] == "access"


def test_a_visitor_says_that_nobody_answers() -> None:
    with pytest.raises(NeverAgain, match="demo_page"):
        Visitor(f"http://127.0.0.1:{free_port()}").get("/fi/")
