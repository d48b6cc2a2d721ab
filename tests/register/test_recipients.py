"""Who must hear of a correction, erasure or restriction, as the register names them."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.register.load import load_register
from workflows.register.recipients import Recipient

WHOLE = Path(__file__).parent / "whole"
ENTRIES = """
- {id: printer, name: Printer Oy, role: processor, email: privacy@printer.example, categories: [C01, C02]}
- id: agency
  name: Agency Oy
  role: recipient
  webhook: {url: "https://agency.example/hook", secret: {env: AGENCY_SECRET}}
  categories: [C07]
  fields: ["billing:invoice.amount"]
  identifiers: [customer_number, invoice_number]
  acknowledge_within_days: 7
  language: en
  tested_on: 2026-03-01
- {id: market, name: Market Oy, role: source, categories: [C01]}
"""


@pytest.fixture
def register(tmp_path):
    shutil.copytree(WHOLE, tmp_path / "register")
    (tmp_path / "register" / "recipients.yaml").write_text(ENTRIES, encoding="utf-8")
    return load_register(tmp_path / "register")


def test_recipients_are_read_with_what_they_may_be_told(register):
    printer, agency, market = register.recipients
    assert (printer.email, printer.language, printer.acknowledge_within_days) == ("privacy@printer.example", "fi", 14)
    assert agency.webhook is not None
    assert agency.webhook.secret.env == "AGENCY_SECRET"
    assert market.identifiers == ("customer_number",)
    assert not market.email
    assert market.webhook is None


def test_a_register_without_recipients_has_none():
    assert load_register(WHOLE).recipients == ()


@given(
    categories=st.sets(st.sampled_from(["C01", "C02", "C07"]), min_size=1),
    fields=st.sets(st.sampled_from(["crm:customer.name", "crm:customer.email"])),
    category=st.sampled_from(["C01", "C02", "C07"]),
    field=st.sampled_from(["", "crm:customer.name", "crm:customer.email"]),
)
def test_nobody_holds_what_their_entry_does_not_name(categories, fields, category, field):
    one = Recipient(id="r", name="R", role="recipient", categories=tuple(categories), fields=tuple(fields))
    assert one.holds(category, field) == (category in categories and (not field or not fields or field in fields))
