"""Pages whose commands are typed by a test: blocks of `sh`, each followed by what it must show as `text`."""

import os
import re
import subprocess
from pathlib import Path

from tests.composed import ROOT

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
MARK = "-- the next block --"


def blocks(page: str) -> list[tuple[str, list[str]]]:
    """Each block of commands, and the lines that the page shows after it."""
    found: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(page):
        if kind == "sh":
            found.append((text, []))
        else:
            found[-1][1].extend(text.splitlines())
    return found


def shown(line: str) -> str:
    """A line without what differs each time."""
    return " ".join(re.sub(r"TP-[-0-9A-Z…]+", "TP", line).split())


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type the script in a folder, in a shell that knows nothing but where Vastine is."""
    env = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
    }
    command = ["bash", "-eu", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
