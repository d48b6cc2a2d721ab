"""What loads and is warned of all the same."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from workflows.register.check import advice_on, check_folder

HERE = Path(__file__).parent
TODAY = date(2026, 11, 24)
SERVICE = """
source: tickets
kind: http
connection:
  base_url: https://tickets.example
  health: /health
  collections:
    ticket: {find: [{path: "/tickets?email={identity:email}"}], one: {path: "/tickets/{id}"}}
dataset:
  - fides_key: tickets
    collections:
      - name: ticket
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
"""


def told(folder, today=TODAY):
    return [f.what for f in advice_on(folder, today=today)]


def test_the_least_register_loads_and_is_told_what_it_lacks():
    found = told(HERE / "least")
    assert "there are no hold rules" in found
    assert "there are no categories" in found
    assert "letters can't name the supervisory authority" in found
    assert "no source says where a person's contact on file stands" in found


@pytest.mark.parametrize(
    ("identity", "warned"),
    [("{}", False), ("{low: [letter, code]}", True), ("{low: [letter, code], unchanged_days: 0}", True)],
)
def test_a_letter_that_nobody_can_be_sent_is_warned_of(tmp_path, identity, warned):
    shutil.copytree(HERE / "least", tmp_path / "r")
    controller = tmp_path / "r/controller.yaml"
    controller.write_text(controller.read_text() + f"\nidentity: {identity}\n")
    assert any("`letter` is named" in what for what in told(tmp_path / "r")) is warned


def test_a_table_whose_key_is_not_annotated_loads_and_is_warned_of(tmp_path):
    shutil.copytree(HERE / "least", tmp_path / "r")
    source = tmp_path / "r/sources/shop.yaml"
    key = "data_categories: [system.operations]\n            fides_meta:\n              primary_key: True"
    text = source.read_text()
    assert key in text
    source.write_text(text.replace(key, "data_categories: [system.operations]"))
    assert check_folder(tmp_path / "r") == []
    assert any("`orders` is its `primary_key`" in what for what in told(tmp_path / "r"))
    assert not any("is its `primary_key`" in what for what in told(HERE / "least"))


@pytest.mark.parametrize(
    ("today", "stale"), [(date(2027, 11, 24), False), (date(2027, 11, 25), True), (date(2026, 11, 23), False)]
)
def test_law_and_address_are_stale_after_a_year(today, stale):
    found = told(HERE / "whole", today)
    assert ("the law of H01 was last checked over a year ago" in found) is stale
    assert ("the authority's address was last checked over a year ago" in found) is stale
    assert ("H01 was checked in the future" in found) is (today < TODAY)


def test_a_service_that_lists_nothing_is_warned_of(tmp_path):
    """What came back there nobody would see."""
    shutil.copytree(HERE / "least", tmp_path / "r")
    (tmp_path / "r/sources/tickets.yaml").write_text(SERVICE)
    assert check_folder(tmp_path / "r") == []
    assert "no call lists `ticket`: replay and retention can't read it through" in told(tmp_path / "r")
    listed = SERVICE.replace("find: [", "find: [{path: /tickets}, ")
    (tmp_path / "r/sources/tickets.yaml").write_text(listed)
    assert not any("no call lists" in what for what in told(tmp_path / "r"))
