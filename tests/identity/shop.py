"""The small shop, with a number and a postal address for everybody and the day since which each stands there."""

from pathlib import Path
from typing import Any

from tests.world import _REGISTER, World, open_world, prepare, write_register

SUBJECT = """
person:
  subject:
    collection: customer
    key: id
    name: [name]
    email: email
    phone: phone
    postal: [street, city]
    phone_since: phone_since
    postal_since: postal_since
"""
COLUMNS = {
    "phone": "user.contact.phone_number",
    "street": "user.contact.address.street",
    "city": "user.contact.address.city",
    "phone_since": "system.operations",
    "postal_since": "system.operations",
    "marked": "system.operations",
}
NUMBER, OTHER = "+358401234567", "+358407654321"


def open_shop(folder: Path, *, identity: str = "", subject: str = SUBJECT, **parts: Any) -> World:
    """Jane (1) has stood there for years with everything, Bob (2) has a number and an address of this month."""
    environ = prepare(folder)
    more = "".join(f"          - {{name: {name}, data_categories: [{what}]}}\n" for name, what in COLUMNS.items())
    shop = _REGISTER["sources/shop.yaml"].replace("      - name: orders\n", more + "      - name: orders\n") + subject
    shop = shop.replace("{name: phone, data_categories: [user.contact.phone_number]}", _PHONE)
    controller = f"{{name: Shop Oy, email: office@shop.example, delivery: {{objection_hours: 0}}{identity}}}"
    write_register(folder / "register", {"sources/shop.yaml": shop, "controller.yaml": controller})
    world = open_world(environ, **parts)
    for name in COLUMNS:
        world.execute("shop", f"ALTER TABLE customer ADD COLUMN {name} VARCHAR(40)")
    old, new = "2020-01-01", world.rt.today().isoformat()
    for number, phone, street, since in ((1, NUMBER, "Main Street 1", old), (2, OTHER, "Side Street 2", new)):
        values = f"phone = '{phone}', street = '{street}', city = '60100 Seinäjoki'"
        values += f", phone_since = '{since}', postal_since = '{since}', marked = 'x'"
        world.execute("shop", f"UPDATE customer SET {values} WHERE id = {number}")
    return world


_PHONE = "{name: phone, data_categories: [user.contact.phone_number], fides_meta: {identity: phone_number}}"
