"""What a demo leaves behind: a table of the stories, and the packages and letters as files."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from workers.demo.play import End
from workers.speech import give_table
from workflows.answer import fetch
from workflows.demo.planting import CAST, as_person
from workflows.errors import NotFound
from workflows.runtime import Runtime
from workflows.views import find_request

COLUMNS = ("reference", "right", "who", "outcome", "due", "files", "as told")


def copy_files(rt: Runtime, found: Sequence[End], folder: Path) -> None:
    """Every package and letter, decrypted, as FOLDER/STORY/NAME; each is an entry in the audit like any fetch."""
    for one in found:
        target = folder / one.story.slug
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in one.shown["files"]:
            _copy(rt, one.reference, file["name"], target / file["name"])


def _copy(rt: Runtime, reference: str, name: str, target: Path) -> None:
    with rt.unit() as session:
        try:
            artifact, key = fetch(session, rt, find_request(session, reference, lock=True), name, actor="demo")
        except NotFound:
            return  # it was purged since
        blob = artifact.blob
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out, rt.blobs.read(blob, key) as plain:
        shutil.copyfileobj(plain, out, 1 << 20)


def show(found: Sequence[End]) -> None:
    """The table of the stories."""
    give_table([_row(one) for one in found], COLUMNS)


def _row(one: End) -> dict[str, str]:
    who = as_person(next(m for m in CAST if m.slug == one.story.member))
    return {
        "reference": one.reference,
        "right": one.story.right.value,
        "who": f"{who.first.partition(' ')[0]} {who.last}".strip(),
        "outcome": str(one.shown["outcome"] or one.shown["state"]).replace("_", " "),
        "due": str(one.shown["due_on"]),
        "files": " ".join(file["name"] for file in one.shown["files"]),
        "as told": "✖ " + "; ".join(one.wrong) if one.wrong else "✔",
    }
