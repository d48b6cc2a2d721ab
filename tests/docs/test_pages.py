"""What the pages name exists: pages and headings they link to, commands with their options, settings, files."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from tests.composed import ROOT
from workers.cli import cli
from workflows.settings import Settings

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
OURS = re.compile(r"`((?:tests|workflows|workers|webhooks|models|register|docs|bench)/[\w./-]*\w)`")
SETTING = re.compile(r"\bVASTINE_[A-Z_]+\b")
ENDS = {"|", "||", "&&", ";", ">", ">>", ")", "2>"}


def words_of(page: Path) -> tuple[str, list[tuple[str, str]]]:
    """A page without its blocks, and its blocks as (kind, text)."""
    text = page.read_text(encoding="utf-8")
    return FENCE.sub("", text), FENCE.findall(text)


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    text, _ = words_of(page)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each command of ours on a page, whatever the shell does around it."""
    text, blocks = words_of(page)
    lines = [line for kind, block in blocks if kind in ("sh", "console") for line in _lines(block)]
    for line in [*lines, *re.findall(r"`(vastine [^`]+)`", text)]:
        for found in re.findall(r"(?:^|[\s(])(vastine(?: [^`]*)?)$", line.split("$(")[-1]):
            lexer = shlex.shlex(found.replace("…", "X"), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            yield list(takewhile(lambda word: word not in ENDS, lexer))[1:]


def _lines(block: str) -> list[str]:
    without_here = re.sub(r"<<'(\w+)'\n.*?^\1$", "", block, flags=re.M | re.S)
    return without_here.replace("\\\n", " ").splitlines()


def _fault(words: list[str]) -> str:
    command: click.Command = cli
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-") or words[0] in ("REF", "NAME"):
            return ""
        name, *words = words
        found = command.get_command(click.Context(command), name)
        if found is None:
            return f"no command {name}"
        command = found
    known = {opt for p in command.params if isinstance(p, click.Option) for opt in p.opts} | {"--help"}
    return ", ".join(word for word in words if re.match(r"--[a-z]", word) and word.split("=")[0] not in known)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text, _ = words_of(page)
    for link in LINK.findall(text):
        path, _, heading = link.partition("#")
        if link.startswith(("http://", "https://")):
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        assert not heading or heading in anchors(there), link


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_on_a_page_exists_with_these_options(page: Path) -> None:
    faults = [(words, fault) for words in commands(page) if (fault := _fault(words))]
    assert faults == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    known = set(SETTING.findall((DOCS / "reference" / "settings.md").read_text(encoding="utf-8")))
    known |= set(SETTING.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    known |= set(SETTING.findall((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")))
    known |= set(SETTING.findall((ROOT / "tests" / "servers.py").read_text(encoding="utf-8")))
    known |= set(SETTING.findall((ROOT / "tests" / "mail_servers.py").read_text(encoding="utf-8")))
    named = set(SETTING.findall(page.read_text(encoding="utf-8")))
    missing = {n for n in named if n.removesuffix("_FILE") not in known and not n.startswith("VASTINE_SOURCE_")}
    assert missing - known == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text, _ = words_of(page)
    assert [name for name in OURS.findall(text) if "NNNN" not in name and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", [p for p in PAGES if "```ini" in p.read_text(encoding="utf-8")], ids=lambda p: p.stem)
def test_the_settings_that_a_page_proposes_are_accepted(page: Path) -> None:
    lines = [line for kind, block in words_of(page)[1] if kind == "ini" for line in block.splitlines() if line]
    environ = dict(line.split("=", 1) for line in lines)
    environ.pop("VASTINE_REGISTER_DIR", None)  # of docker-compose.yml
    assert Settings.from_environ(environ)


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert _fault(["nothing"]) == "no command nothing"
    assert _fault(["request", "list", "--late"]) == "--late"
    assert _fault(["request", "list", "--overdue"]) == ""
    assert len([words for page in PAGES for words in commands(page)]) >= 60


def test_the_way_in_leads_to_every_page() -> None:
    """Decisions have one link to the first, since they are read in their folder."""
    text, _ = words_of(DOCS / "README.md")
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(text)}
    there = {page for page in PAGES if page.parent.parent == DOCS and page.parent.name != "decisions"}
    assert sorted(str(page.relative_to(DOCS)) for page in there - linked) == []
