"""`vastine purge` and `vastine erasures`, as a shell sees them."""

import json
import sqlite3
from pathlib import Path

from tests.workers.conftest import Run
from tests.world import JANE

ERASURE = ("request", "open", "--right", "erasure", "--verified-by", "desk", "--as", "cleo", "--wait")


def erased(vastine: Run) -> None:
    """Jane was erased from both sources."""
    opened = vastine(*ERASURE, "--identity", f"email={JANE}", "--json")
    reference = opened.json["reference"]
    vastine("approve", reference, "--as", "anna")
    assert vastine("approve", reference, "--as", "ben", "--wait").code == 0


def bring_back(environ: dict[str, str], source: str, statement: str) -> None:
    database = sqlite3.connect(environ[f"{source.upper()}_URL"].removeprefix("sqlite:///"))
    database.execute(statement)
    database.commit()
    database.close()


def test_a_purge_with_nothing_to_do_says_so_for_each_stage(vastine: Run) -> None:
    ran = vastine("purge", "--json")
    assert ran.code == 0
    assert ran.json["stopped"] is None
    assert [row["stage"] for row in ran.json["stages"]] == ["evidence", "package", "message", "mail", "case"]
    assert {(row["due"], row["gone"]) for row in ran.json["stages"]} == {(0, 0)}


def test_who_may_not_decide_may_not_say_that_more_goes(vastine: Run) -> None:
    assert vastine("purge", "--as", "cleo", "--as", "anna").code == 1
    assert vastine("purge", "--as", "anna", "--as", "anna").code == 1
    assert vastine("purge", "--as", "anna", "--as", "ben").code == 0


def test_an_audit_export_says_what_goes_again(vastine: Run, tmp_path: Path) -> None:
    erased(vastine)
    assert vastine("audit", "export", "--out", str(tmp_path / "audit.jsonl")).code == 0
    ran = vastine("purge", "--again", str(tmp_path / "audit.jsonl"), "--json")
    assert (ran.code, ran.json) == (0, {"keys": 0, "tombstones": 0})
    (tmp_path / "torn.jsonl").write_text('{"chain": "house"', encoding="utf-8")
    torn = vastine("purge", "--again", str(tmp_path / "torn.jsonl"))
    assert torn.code == 2
    assert "line 1" in torn.err


def test_what_came_back_is_counted_then_opened_and_waits_for_a_person(vastine: Run, environ: dict[str, str]) -> None:
    erased(vastine)
    assert vastine("erasures", "replay", "shop", "--since", "2020-01-01", "--dry-run", "--json").json["returned"] == 0
    bring_back(environ, "shop", "INSERT INTO orders VALUES (1, 1, 'first')")
    counted = vastine("erasures", "replay", "shop", "--since", "2020-01-01", "--dry-run", "--json")
    assert counted.code == 0
    assert (counted.json["returned"], counted.json["undated"], counted.json["cases"]) == (1, 1, [])
    assert vastine("erasures", "replay", "shop", "--since", "2020-01-01").code == 1
    assert vastine("erasures", "replay", "shop", "--since", "2020-01-01", "--as", "anna").code == 5
    (row,) = vastine("erasures", "list", "--json").json
    assert (row["source"], row["opened_by"], row["closed_at"]) == ("shop", "anna", None)
    (shop,) = [one for one in vastine("source", "list", "--json").json if one["source"] == "shop"]
    assert shop["replay_open"] is True
    assert JANE not in json.dumps(row)


def test_a_day_that_is_none_and_a_source_that_is_none_are_told(vastine: Run) -> None:
    wrong = vastine("erasures", "replay", "shop", "--since", "yesterday", "--as", "anna")
    assert wrong.code == 2
    assert "--since" in wrong.err
    assert vastine("erasures", "replay", "shelf", "--since", "2026-01-01", "--as", "anna").code == 4
