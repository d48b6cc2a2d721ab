"""The how-to pages are true: what they tell to type is typed, in the shop of the tutorial, and shows what they say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.composed import ROOT
from tests.docs.typed import MARK, blocks, run, shown

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
TRIED = [page for page in PAGES if "tests/docs/test_howto.py" in page.read_text(encoding="utf-8")]
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-request.md").read_text(encoding="utf-8")
IN_THE_SHOP = "export SHOP_URL=sqlite:///shop.db\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first three chapters of the tutorial were typed."""
    folder = tmp_path_factory.mktemp("shop")
    begun = TUTORIAL.partition("## 4.")[0]
    ran = run("\n".join(script for script, _ in blocks(begun)), folder)
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", TRIED, ids=lambda page: page.stem)
def test_every_command_of_a_page_does_what_the_page_says(page: Path, shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    shutil.copytree(shop, folder)
    told = blocks(page.read_text(encoding="utf-8"))
    assert told
    ran: subprocess.CompletedProcess[str] = run(IN_THE_SHOP + f"\necho '{MARK}'\n".join(s for s, _ in told), folder)
    parts = ran.stdout.split(MARK)
    assert ran.returncode == 0, f"block {len(parts)}: {ran.stderr}"
    for (_, lines), part in zip(told, parts, strict=True):
        seen = {shown(line) for line in part.splitlines()}
        assert {shown(line) for line in lines} <= seen, part


def test_every_page_ends_with_how_to_see_that_it_worked() -> None:
    assert len(PAGES) >= 2
    assert [
        p.name for p in PAGES if not re.search(r"^## Check that it worked$", p.read_text(encoding="utf-8"), re.M)
    ] == []
