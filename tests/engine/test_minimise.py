"""Of a record that several rules hold, what none of them needs loses its value at once; seen in the source itself."""

from pathlib import Path

import pytest

from models.vocabulary import RequestState, Right
from tests.fakes import SettableClock
from tests.world import BOB, World, open_world, prepare, write_register

RULES = """
- &rule
  id: H09
  law: {act: 728/2003, sections: ["4"], gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: [amount]}
  trigger: open_balance > 0.0
  until: '"2027-01-31"'
  text: {fi: Lasku on maksamatta., sv: Fakturan är obetald., en: The invoice is not paid.}
- id: H10
  law: {act: 513/1999, sections: ["4"], gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C07: [name]}
  trigger: open_balance > 0.0
  until: '"2027-06-30"'
  text: {fi: Saatavaa peritään., sv: Fordran drivs in., en: The claim is being collected.}
"""
SPOKEN = (
    "    invoice:\n      category: C07\n      facts: {open_balance: owed}\n"
    "      columns: {payer: {role: name}, owed: {role: amount}, memo: {role: period}}\n"
)


@pytest.fixture
def world(tmp_path: Path):
    environ = prepare(tmp_path)
    billing = (tmp_path / "register/sources/billing.yaml").read_text(encoding="utf-8")
    memo = "          - {name: memo, data_categories: [user.content], fides_meta: {data_type: string}}\n"
    write_register(
        tmp_path / "register",
        {
            "holds.yaml": RULES.replace("- &rule\n  id", "- id"),
            "sources/billing.yaml": billing.replace("person:\n", memo + "person:\n").replace(
                "    invoice: {category: C07, facts: {open_balance: owed}}\n", SPOKEN
            ),
        },
    )
    made = open_world(environ, clock=SettableClock())
    made.execute("billing", "ALTER TABLE invoice ADD COLUMN memo VARCHAR(80)")
    made.execute("billing", "UPDATE invoice SET memo = 'paid by his brother'")
    yield made
    made.close()


def kept(world: World) -> dict[int, tuple[object, ...]]:
    return {
        row[0]: (row[2], float(row[3]) if row[3] is not None else None, row[4])
        for row in world.rows("billing", "invoice")
    }


def test_what_no_rule_needs_goes_now_and_what_several_need_stays_with_the_last_day(world: World) -> None:
    ident = world.open(Right.ERASURE, BOB)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) is RequestState.HELD
    rows = kept(world)
    assert rows[72] == ("Bob", 40.0, None)  # the union of what the two need, and nothing else
    assert 73 not in rows
    assert rows[70] == ("Jane", 0.0, "paid by his brother")
    assert world.request(ident).recheck_on.isoformat() == "2027-02-01"
