"""A shop that knows personal identity codes, a broker that vouches for people, and a portal before both."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from tests.fakes import SettableClock
from tests.identity.broker import HETU, ISSUER, LEVEL, Broker, pem
from tests.world import _REGISTER, World, open_world, prepare, write_register
from webhooks.public import create_app
from workflows.adapters.oidc import OidcProvider
from workflows.register.load import load_register

JANES, BOBS = "010170-999R", "010180-9026"
_NAME = "{fi: Pankki, sv: Bank, en: The bank}"
CONTROLLER = f"""
name: Shop Oy
email: office@shop.example
delivery: {{objection_hours: 0}}
identity:
  providers:
    bank:
      dialect: ftn
      label: {_NAME}
      service_name: {_NAME}
      issuer: {ISSUER}
      client_id: vastine
      signing_key: {{env: SIGNS}}
      decryption_key: {{env: OPENS}}
      acr: ["{LEVEL}"]
      claims: {{national_id: "{HETU}"}}
"""


@dataclass
class Bank:
    """The world, its broker and its portal."""

    world: World
    broker: Broker
    app: Flask


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """Erasure and everything in C01 need strong identification here."""
    environ = {**prepare(tmp_path), "SIGNS": pem("ours"), "OPENS": pem("opens")}
    column = "          - {name: hetu, data_categories: [user.government_id], fides_meta: {identity: national_id}}\n"
    shop = _REGISTER["sources/shop.yaml"].replace("      - name: orders\n", column + "      - name: orders\n")
    categories = _REGISTER["categories.yaml"].replace("keys: [user]}", "keys: [user], risk: high}")
    changes = {"controller.yaml": CONTROLLER, "sources/shop.yaml": shop, "categories.yaml": categories}
    write_register(tmp_path / "register", changes)
    clock = SettableClock()
    broker = Broker(clock.now)
    spec = load_register(tmp_path / "register").controller.identity.providers["bank"]
    provider = OidcProvider("bank", spec, environ=environ, call=broker.call, live=False)
    world = open_world(environ, clock=clock, providers={"bank": provider})
    world.execute("shop", "ALTER TABLE customer ADD COLUMN hetu VARCHAR(11)")
    world.execute("shop", f"UPDATE customer SET hetu = '{JANES}' WHERE id = 1")
    world.execute("shop", f"UPDATE customer SET hetu = '{BOBS}' WHERE id = 2")
    app = create_app(world.rt)
    app.testing = True
    yield Bank(world, broker, app)
    world.close()
