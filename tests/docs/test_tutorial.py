"""The tutorial is true: a newcomer who types every command in an empty folder sees what the page says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.composed import ROOT

PAGE = (ROOT / "docs" / "tutorial" / "first-request.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
MARK = "-- the next block --"


def blocks() -> list[tuple[str, list[str]]]:
    """Each block of commands, and the lines that the page shows after it."""
    found: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(PAGE):
        if kind == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def shown(line: str) -> str:
    """A line without what differs each time."""
    return " ".join(re.sub(r"TP-[-0-9A-Z…]+", "TP", line).split())


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
    }
    command = ["bash", "-eu", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_command_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    told = blocks()
    ran = run(f"\necho '{MARK}'\n".join(script for script, _ in told), tmp_path)
    parts = ran.stdout.split(MARK)
    assert ran.returncode == 0, f"block {len(parts)}: {ran.stderr}"
    for (_, lines), part in zip(told, parts, strict=True):
        seen = {shown(line) for line in part.splitlines()}
        assert {shown(line) for line in lines} <= seen


def test_the_tutorial_has_commands_and_shows_what_they_say() -> None:
    told = blocks()
    assert len(told) >= 9
    assert sum(len(lines) for _, lines in told) >= 7
