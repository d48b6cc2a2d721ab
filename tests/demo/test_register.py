"""The register of this repository describes the sources as the generator makes them."""

from pathlib import Path

import pytest

from models.vocabulary import LANGUAGES
from workflows.demo.collection import HEADER
from workflows.demo.numbers import ytunnus
from workflows.demo.tables import DATABASES
from workflows.register.load import load_register
from workflows.register.model import Register

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"synth", "yritys_asnro"}  # the marker, and the way to the company


@pytest.fixture(scope="module")
def register() -> Register:
    return load_register(ROOT / "register")


def test_it_has_no_fault(register: Register) -> None:
    assert set(register.sources) == {"asiakas", "laskutus", "mittaus", "perinta"}
    assert register.controller.business_id == ytunnus(137)


@pytest.mark.parametrize("source", ["asiakas", "laskutus", "mittaus"])
def test_every_column_of_every_table_is_described(register: Register, source: str) -> None:
    for collection in register.sources[source].dataset[0].collections:
        columns = {c.name for c in DATABASES[source].tables[collection.name].columns}
        assert {f.name for f in collection.fields} == columns - LEFT_OUT
    described = {c.name for c in register.sources[source].dataset[0].collections}
    assert described == set(DATABASES[source].tables) - {"tuote"}


def test_every_field_of_the_collection_file_is_described(register: Register) -> None:
    fields = {f.name for f in register.sources["perinta"].dataset[0].collections[0].fields}
    assert fields == set(HEADER.split("|"))


def test_every_column_has_a_label_in_every_language(register: Register) -> None:
    for spec in register.sources.values():
        assert spec.label
        for collection in spec.dataset[0].collections:
            said = spec.person.collections[collection.name]
            assert said.label
            for field in collection.fields:
                label = said.columns[field.name].label
                assert label
                assert all(label.get(language) for language in LANGUAGES), field.name


def test_every_category_says_all_that_a_person_must_be_told(register: Register) -> None:
    for category in register.categories.values():
        for part in ("label", "purpose", "basis", "obtained_from", "recipients", "transfers", "retention"):
            assert getattr(category, part), f"{category.code} lacks {part}"


def test_an_identity_code_is_never_shown_in_the_book(register: Register) -> None:
    for spec in register.sources.values():
        for name, collection in spec.person.collections.items():
            if "hetu" in collection.columns:
                assert collection.columns["hetu"].hidden, name


def test_leaves_are_erased_before_the_register_that_leads_to_them(register: Register) -> None:
    order = sorted(register.sources, key=lambda name: register.sources[name].person.order)
    assert order == ["mittaus", "perinta", "laskutus", "asiakas"]


def test_every_table_with_vouchers_tells_its_fiscal_year(register: Register) -> None:
    for spec in register.sources.values():
        for name, collection in spec.person.collections.items():
            if collection.category in {"C07", "C09"}:
                assert "fiscal_year_end" in collection.facts, name
