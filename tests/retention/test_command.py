import json

import pytest
from click.testing import CliRunner

from workers.commands import retention as command


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
