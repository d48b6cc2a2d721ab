"""`vastine task`: people's work from a shell, by the same rules as on the console's pages."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.hand.archive import CATEGORIES, HOLDS, PAPER, SHELVES
from tests.workers.conftest import Run
from tests.world import JANE, write_register

ERASURE = ("request", "open", "--right", "erasure", "--verified-by", "desk", "--as", "cleo", "--wait")


@pytest.fixture
def archive(vastine: Run) -> Run:
    """The small controller with a paper archive; Cleo and Anna have signed to keep its secrets."""
    changes = {"sources/archive.yaml": PAPER, "categories.yaml": CATEGORIES, "holds.yaml": HOLDS}
    write_register(Path("world/register"), changes)
    for name in ("cleo", "anna"):
        assert vastine("user", "sign", name, "--nda-signed-on", date(2026, 1, 7).isoformat()).code == 0
    return vastine


def asked(archive: Run) -> tuple[str, str]:
    """An erasure, and the task of its search."""
    reference = archive(*ERASURE, "--identity", f"email={JANE}", "--json").json["reference"]
    (task,) = searches(archive, "--request", reference)
    return reference, task["id"]


def searches(archive: Run, *options: str) -> list[Any]:
    """The tasks that ask to look; the acknowledgement of one without an address is another, to print and post."""
    return [task for task in archive("task", "list", *options, "--json").json if task["code"] == "search_by_hand"]


def answered(archive: Run, ident: str, **more: Any) -> Any:
    """Cleo found a loose note."""
    shown = archive("task", "show", ident, "--as", "cleo", "--json").json
    records = [{"values": {"content": "a loose note"}, "location": SHELVES[0]}]
    text = json.dumps({**shown, "found": True, "records": records, **more})
    return archive("task", "answer", ident, "--as", "cleo", "--search", "-", stdin=text.encode())


def test_a_search_is_listed_shown_and_answered(archive: Run) -> None:
    reference, ident = asked(archive)
    (told,) = searches(archive)
    assert (told["source"], told["reference"]) == ("archive", reference)
    assert told["id"] in archive("task", "list").out
    shown = archive("task", "show", ident, "--as", "cleo", "--json").json
    assert ("identity:email", JANE) in {(t["what"], t["value"]) for t in shown["terms"]}
    assert shown["places_to_search"] == list(SHELVES)
    assert JANE in archive("task", "show", ident, "--as", "cleo").out
    ran = answered(archive, ident)
    assert (ran.code, ran.err.strip()) == (0, "done")
    assert archive("work", "--until-idle").code == 0
    assert archive("request", "show", reference, "--json").json["state"] == "deciding"


def test_an_answer_that_is_not_whole_or_not_fresh_is_refused(archive: Run) -> None:
    _, ident = asked(archive)
    assert answered(archive, ident, found=False).code == 2
    assert answered(archive, ident, records=[]).code == 2
    assert answered(archive, ident, asked="00" * 32).code == 1
    assert answered(archive, ident, revision=7).code == 1
    assert answered(archive, ident, revision=None).code == 2
    assert archive("task", "answer", ident, "--as", "cleo", "--search", "-", stdin=b"a loose note").code == 2
    assert archive("task", "answer", ident, "--as", "cleo", "--say", "done").code == 2
    assert answered(archive, ident).code == 0


def test_paper_is_shredded_by_one_and_confirmed_by_another(archive: Run) -> None:
    reference, ident = asked(archive)
    answered(archive, ident)
    archive("work", "--until-idle")
    for user in ("anna", "ben"):
        archive("approve", reference, "--as", user)
    archive("work", "--until-idle")
    (task,) = [t for t in archive("task", "list", "--request", reference, "--json").json if "erase" in t["code"]]
    answer = ("task", "answer", task["id"])
    (item,) = archive("task", "show", task["id"], "--as", "cleo", "--json").json["items"]
    number = str(item["item"])
    assert archive(*answer, "--as", "cleo", "--item", number).code == 2
    assert archive(*answer, "--as", "cleo", "--leave", "--reason", "away").code == 1
    assert archive(*answer, "--as", "cleo", "--item", number, "--evidence", "shredded").code == 0
    assert archive(*answer, "--as", "cleo", "--item", number, "--confirm").code == 1
    assert archive(*answer, "--as", "anna", "--item", number, "--take-back").code == 0
    assert archive(*answer, "--as", "anna", "--item", number, "--confirm").code == 1
    assert archive(*answer, "--as", "cleo", "--item", number, "--evidence", "shredded").code == 0
    done = archive(*answer, "--as", "anna", "--item", number, "--confirm")
    assert (done.code, done.err.strip()) == (0, "done")
    archive("work", "--until-idle")
    assert archive("request", "show", reference, "--json").json["outcome"] in ("erased", "partly_erased")


def test_only_who_signed_and_may_work_sees_or_answers(archive: Run) -> None:
    _, ident = asked(archive)
    for user, code in (("ben", 1), ("nobody", 4)):
        for command in (("task", "show", ident), ("task", "answer", ident, "--say", "done")):
            ran = archive(*command, "--as", user)
            assert (ran.code, ran.out) == (code, "")
    assert archive("task", "show", "00000000-0000-4000-8000-000000000000", "--as", "cleo").code == 4
    assert archive("task", "show", "seven", "--as", "cleo").code == 2
