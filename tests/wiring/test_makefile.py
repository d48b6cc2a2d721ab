"""`make help` tells the truth, and set-up is quick once it is done."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z][a-z-]*):", MAKEFILE))


def test_help_lists_every_target_with_one_line() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = dict(re.findall(r"(?m)^  make (\S+) +(\S.*)$", shown))
    assert set(lines) == targets()
    assert all(len(line) < 100 for line in lines.values())


def test_the_promised_commands_are_there_and_none_is_taken_for_a_file() -> None:
    assert {"help", "demo", "test", "check", "bench", "lock", "clean"} <= targets()
    phony = re.search(r"(?m)^\.PHONY: (.*)$", MAKEFILE)
    assert phony is not None
    assert set(phony[1].split()) == targets()


def test_continuous_integration_runs_make_test() -> None:
    run = ROOT / ".ci" / "run"
    assert re.search(r"(?m)^exec make .*\btest$", run.read_text(encoding="utf-8"))


def test_set_up_refuses_a_word_it_does_not_know() -> None:
    result = subprocess.run(["bash", "setup.sh", "everything"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "usage" in result.stderr
