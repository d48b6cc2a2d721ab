from pathlib import Path

import pytest

from tests.world import World, open_world, prepare, write_register

CATEGORIES = """
- code: C01
  label: {fi: Asiakastiedot, sv: Kunduppgifter, en: Customer data}
  keys: [user]
- code: C07
  label: {fi: Laskut, sv: Fakturor, en: Invoices}
  keys: [user.financial]
  keeps: {until: "add_years(on, 2)", source: our policy, checked_on: 2026-01-15}
- code: C12
  label: {fi: Tilaukset, sv: Beställningar, en: Orders}
  keys: [user.content]
  keeps: {until: "add_years(on, 1)", source: our policy, checked_on: 2026-01-15}
"""
HOLD = """
- id: H09
  law: {act: 728/2003, sections: ["4"], gdpr: ["17(3)(e)"]}
  source: Finlex
  checked_on: 2026-01-15
  categories: {C12: all}
  trigger: subject_open_balance > 0.0
  until: '""'
  text: {fi: Lasku on maksamatta., sv: Fakturan är obetald., en: The invoice is not paid.}
"""


PARTNER = """          - name: partner_id
            data_categories: [user.unique_id]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customer.id, direction: from}]}
"""


def late_world(
    folder: Path, *, database_url: str = "", source_urls: dict[str, str] | None = None, joint: bool = False
) -> World:
    """Invoices 70 and 72 are past their two years, 72 is unpaid; all orders but the second are past their year.

    `joint`: an order may be two customers'.
    """
    environ = prepare(folder, database_url=database_url, source_urls=source_urls)
    register = folder / "register"
    billing = (register / "sources/billing.yaml").read_text(encoding="utf-8")
    shop = (register / "sources/shop.yaml").read_text(encoding="utf-8")
    day = "          - {name: day, data_categories: [system.operations], fides_meta: {data_type: string}}\n"
    write_register(
        register,
        {
            "categories.yaml": CATEGORIES,
            "holds.yaml": (register / "holds.yaml").read_text(encoding="utf-8") + HOLD,
            "sources/billing.yaml": billing.replace("person:\n", day + "person:\n").replace(
                "{open_balance: owed}", '{open_balance: owed, "on": day}'
            ),
            "sources/shop.yaml": shop.rstrip("\n")
            + "\n"
            + day
            + (PARTNER if joint else "")
            + "person:\n  subject: {collection: customer, key: id, name: [name], email: email}\n"
            + '  collections:\n    orders: {category: C12, facts: {"on": day}}\n',
        },
    )
    world = open_world(environ)
    if joint:
        world.execute("shop", "ALTER TABLE orders ADD COLUMN partner_id INTEGER")
    for source, table, old in (("billing", "invoice", "70, 72"), ("shop", "orders", "1, 3, 4")):
        world.execute(source, f"ALTER TABLE {table} ADD COLUMN day VARCHAR(10)")
        world.execute(source, f"UPDATE {table} SET day = '{world.rt.today().isoformat()}'")
        world.execute(source, f"UPDATE {table} SET day = '2020-02-29' WHERE id IN ({old})")
    return world


@pytest.fixture
def world(tmp_path: Path):
    made = late_world(tmp_path)
    yield made
    made.close()
