"""The tutorial is true: a newcomer who types every command in an empty folder sees what the page says."""

from pathlib import Path

import pytest

from tests.composed import ROOT
from tests.docs.typed import MARK, blocks, run, shown

PAGE = (ROOT / "docs" / "tutorial" / "first-request.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_command_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    told = blocks(PAGE)
    ran = run(f"\necho '{MARK}'\n".join(script for script, _ in told), tmp_path)
    parts = ran.stdout.split(MARK)
    assert ran.returncode == 0, f"block {len(parts)}: {ran.stderr}"
    for (_, lines), part in zip(told, parts, strict=True):
        seen = {shown(line) for line in part.splitlines()}
        assert {shown(line) for line in lines} <= seen


def test_the_tutorial_has_commands_and_shows_what_they_say() -> None:
    told = blocks(PAGE)
    assert len(told) >= 9
    assert sum(len(lines) for _, lines in told) >= 7
