"""Lines of files past their time go as rows of tables do; where only their keeper may change the file, they stay."""

import pytest

from tests.retention.conftest import late_world
from tests.world import open_world
from workflows.retention.carrying import carry_out
from workflows.retention.lists import approve, freeze
from workflows.retention.looking import look

SOURCE = """
source: answers
kind: csv
connection: {{url: "{url}", pattern: "*.csv", {may}}}
dataset:
  - fides_key: answers
    collections:
      - name: answer
        fides_meta: {{masking_strategy_override: {{strategy: delete}}}}
        fields:
          - {{name: no, data_categories: [system.operations], fides_meta: {{primary_key: true}}}}
          - {{name: email, data_categories: [user.contact.email], fides_meta: {{identity: email}}}}
          - {{name: day, data_categories: [system.operations]}}
          - {{name: owed, data_categories: [user.financial]}}
person:
  order: 20
  collections:
    answer: {{category: C07, facts: {{"on": day, open_balance: owed}}}}
"""
LINES = "no;email;day;owed\r\n1;jane@shop.example;2020-02-29;0\r\n2;bob@shop.example;2020-02-29;40\r\n3;;{today};0\r\n"


@pytest.mark.parametrize("may", ["writable: true", "writable: false", "by_hand: {keeper: ben, due_days: 5}"])
def test_lines_past_their_time_go_where_we_may_write_and_what_a_rule_holds_stays(tmp_path, may):
    drop = tmp_path / "drop"
    drop.mkdir()
    first = late_world(tmp_path)
    lines = LINES.format(today=first.rt.today())
    (drop / "a.csv").write_bytes(lines.encode())
    text = SOURCE.format(url=drop.as_uri(), may=may)
    (tmp_path / "register/sources/answers.yaml").write_text(text, encoding="utf-8")
    first.close()
    world = open_world(dict(first.environ))
    tally = look(world.rt, "C07").tallies["answers"]
    assert (tally.seen, tally.held) == (3, 1)
    assert tally.read
    made = freeze(world.rt, "C07", user="anna")
    for user in ("anna", "ben"):
        approve(world.rt, "C07", made.plan_hash, user=user)
    carry_out(world.rt, "C07", user="ben")
    left = (drop / "a.csv").read_bytes().decode()
    assert left == (lines.replace("1;jane@shop.example;2020-02-29;0\r\n", "") if may == "writable: true" else lines)
    assert 70 not in {row[0] for row in world.rows("billing", "invoice")}  # one source keeps no other from going on
    world.close()
