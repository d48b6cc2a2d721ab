import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from models.audit import AuditEntry
from workers.commands import retention as command
from workflows.errors import NotAllowed


@pytest.fixture
def run(world, monkeypatch):
    monkeypatch.setattr(command, "runtime", lambda: world.rt)
    return lambda *args: CliRunner().invoke(command.retention, [*args, "--json"], standalone_mode=False)


def test_the_plan_counts_and_two_people_let_it_go(run, world):
    rows = json.loads(run("plan").stdout)
    assert {row["category"]: (row["late"], row["held"], row["unclear"]) for row in rows} == {
        "C07": (1, 1, 0),
        "C12": (1, 0, 2),
    }
    first = run("apply", "--category", "C07", "--as", "anna")
    assert first.return_value == 5
    made = json.loads(first.stdout)
    second = run("apply", "--category", "C07", "--plan", made["plan"], "--as", "ben")
    assert second.return_value == 0
    assert json.loads(second.stdout)["outcomes"] == {"erased": 1}
    assert [row[0] for row in world.rows("billing", "invoice")] == [71, 72, 73]


def test_whoever_is_to_approve_sees_what_and_why_first(run, world):
    made = json.loads(run("apply", "--category", "C07", "--as", "anna").stdout)
    shown = json.loads(run("show", "--category", "C07", "--as", "ben", "--records").stdout)
    assert (shown["plan"], shown["items"], shown["approved_by"]) == (made["plan"], 1, ["anna"])
    assert shown["rule"] == {"until": "add_years(on, 2)", "source": "our policy", "checked_on": "2026-01-15"}
    assert [(g["collection"], g["records"], g["first"]) for g in shown["groups"]] == [("invoice", 1, "2022-03-01")]
    assert [row["record"] for row in shown["records"]] == [{"id": 70}]
    with world.rt.unit() as session:
        looks = session.scalars(select(AuditEntry.actor).where(AuditEntry.event == "retention:shown")).all()
    assert looks == ["ben"]


def test_who_may_not_decide_sees_no_list(run):
    run("apply", "--category", "C07", "--as", "anna")
    assert isinstance(run("show", "--category", "C07", "--as", "cleo").exception, NotAllowed)
