"""What a column looks like: by its name in three languages, by its values, by both; and what is kept of the values."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.demo import numbers
from workflows.rules.classify import CATEGORIES, Guess, classify
from workflows.rules.detect_names import names_people, names_staff, sign_of, words_of
from workflows.rules.detect_values import evidence_of
from workflows.rules.discovered import FoundField

TODAY = date(2026, 11, 24)


def guess(name: str, values: list, **more) -> Guess:
    given_ = {"data_type": "string", **more}
    return classify(FoundField(name, evidence=evidence_of(values, today=TODAY), **given_))


HETUS = [numbers.hetu(date(1950, 1, 1) + timedelta(days=400 * n), 900 + n) for n in range(40)]
EMAILS = [f"person{n}@mail.example" for n in range(40)]
GSRNS = [numbers.gsrn(n) for n in range(40)]
REFERENCES = [numbers.reference_number(1000 + 7 * n) for n in range(40)]
IBANS = [numbers.iban(n) for n in range(40)]
PHONES = [f"+35840{1000000 + 7919 * n}" for n in range(40)]
BUSINESSES = [found for n in range(60) if (found := numbers.ytunnus(n))]
STREETS = [f"Kotikatu {n} B {n}" for n in range(1, 40)]
BIRTHS = [date(1940, 1, 1) + timedelta(days=600 * n) for n in range(40)]


@pytest.mark.parametrize(
    ("values", "category"),
    [
        (HETUS, "user.government_id.national_identification_number"),
        (EMAILS, "user.contact.email"),
        (IBANS, "user.financial.bank_account"),
        (PHONES, "user.contact.phone_number"),
        (BUSINESSES, "user.unique_id"),
        (GSRNS, "user.unique_id"),
        (REFERENCES, "user.financial"),
        (STREETS, "user.contact.address.street"),
        (BIRTHS, "user.demographic.date_of_birth"),
        (["192.0.2.1", "2001:db8::1", "198.51.100.7"], "user.device.ip_address"),
        (["Aino Esimerkki", "Veikko Malli", "Liisa von Testi", "Olli-Pekka Koe", "Erik Prov"], "user.name"),
    ],
)
def test_values_are_known_by_their_check_digits_and_shape_whatever_the_column_is_called(values, category):
    found = guess("x1", values, data_type="" if isinstance(values[0], date) else "string")
    assert found.category == category
    assert found.personal
    assert str(len(values)) in found.reason


@pytest.mark.parametrize(
    "values",
    [
        [f"{n:06d}-123A" for n in range(200)],  # the shape of a hetu, hardly ever its check sign
        [str(4_000 + n) for n in range(20)],
        [str(4_000 + n) for n in range(200)],  # one number in ten passes as a reference number
        [f"{10**17 + n:018d}" for n in range(200)],
        [f"{1_000_000 + n}-5" for n in range(200)],
        ["OPEN", "PAID", "LATE"],
        ["2026-01-01", "2026-02-01"],
        ["1", "0"],
        [],
        [None, None],
    ],
)
def test_numbers_that_only_resemble_an_identifier_are_not_taken_for_one(values):
    assert not guess("x1", values).personal


def test_a_code_or_address_inside_free_text_makes_the_text_personal():
    texts = ["Mittari vaihdettu, kaikki kunnossa täällä nyt"] * 1 + [f"Rivi {n} ilman mitään" for n in range(98)]
    assert not guess("x1", texts).personal
    assert guess("x1", [*texts, f"Soita {PHONES[0]} tai kirjoita {EMAILS[0]}"]).category == "user.content"


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("hetu", "national_id"), ("HENKILOTUNNUS", "national_id"), ("personbeteckning", "national_id"),
        ("Sähköposti", "email"), ("sahkopostiosoite", "email"), ("e_mail", "email"), ("epost", "email"),
        ("puh_nro", "phone_number"), ("matkapuhelin", "phone_number"), ("telefonNummer", "phone_number"),
        ("viitenro", "reference_number"), ("referensnummer", "reference_number"),
        ("käyttöpaikka", "gsrn"), ("meteringPointId", "gsrn"), ("driftsplats", "gsrn"),
        ("asiakas_nro", "customer_number"), ("AsiakasId", "customer_number"), ("kundnr", "customer_number"),
        ("customer_id", "customer_number"), ("asnro2", "customer_number"),
        ("sukunimi", "last_name"), ("Efternamn", "last_name"), ("firstName", "first_name"),
        ("syntymäaika", "birth_date"), ("födelsedatum", "birth_date"), ("date_of_birth", "birth_date"),
        ("postinro", "postcode"), ("postnummer", "postcode"), ("ZIP", "postcode"),
        ("katuosoite", "street"), ("gatuadress", "street"), ("kotiosoite1", "street"),
        ("asiakkaan_puhelinnumero", "phone_number"), ("turvakielto", "protected"), ("ytunnus", "business_id"),
        ("FO_nummer", "business_id"), ("tilinumero", "iban"), ("vapaateksti", "text"), ("kön", "gender"),
    ],
)  # fmt: skip
def test_a_name_is_understood_in_three_languages_and_however_it_is_written(name, meaning):
    found = sign_of(name)
    assert found is not None
    assert found.meaning == meaning


@pytest.mark.parametrize("name", ["id", "tila", "status", "created_at", "kwh_h", "", "___", "123", "summa", "rivi"])
def test_a_name_that_says_nothing_personal_says_nothing_of_a_person(name):
    found = sign_of(name)
    assert found is None or found.meaning == "consumption"


def test_a_name_that_the_values_contradict_stays_for_a_person_to_look_at():
    found = guess("email", ["yes", "no", "maybe", "later", "never"])
    assert found.personal
    assert not found.sure
    assert "hardly any of 5 sampled values" in found.reason


def test_name_and_values_that_agree_are_surer_than_either():
    assert guess("hetu", HETUS).confidence > max(guess("x1", HETUS).confidence, guess("hetu", []).confidence)
    assert guess("hetu", HETUS).sure
    assert guess("email_id", [1, 2, 3], data_type="integer").meaning == ""


def test_a_checked_value_outweighs_a_name_that_says_something_else():
    assert guess("nimi", HETUS).meaning == "national_id"


def test_tables_of_people_and_of_staff_are_told_by_their_names():
    assert names_people("asiakkaat")
    assert names_people("CustomerContacts")
    assert not names_people("invoice")
    assert names_staff("employee")


@given(st.lists(st.one_of(st.none(), st.text(max_size=60), st.integers(), st.binary(max_size=5), st.dates())))
def test_any_values_are_counted_without_an_error_and_none_is_kept(values):
    found = evidence_of(values, today=TODAY)
    assert found.seen >= found.distinct >= 0
    assert all(0 <= found.share(test) <= 1 for test in found.hits)
    told = repr(found)
    assert not any(isinstance(v, str) and len(v) > 8 and v.isalnum() and v in told for v in values)
    got = classify(FoundField("x", data_type="string", evidence=found))
    assert 0 <= got.confidence <= 1


@given(st.text(max_size=80))
def test_any_name_can_be_read(name):
    assert all(word.isascii() and word for word in words_of(name))
    found = sign_of(name)
    assert found is None or found.meaning in CATEGORIES


@pytest.mark.parametrize(
    ("name", "category"),
    [("puhelin_alkaen", "user.contact"), ("address_since", "user.contact"), ("epost_till", "user.contact")],
)
def test_a_date_since_which_a_contact_holds_is_a_persons(name: str, category: str) -> None:
    days = [f"20{year:02}-03-0{day}" for year in range(10, 20) for day in (1, 4)]
    got = guess(name, days, data_type="string", kind="date")
    assert got.personal
    assert got.category.startswith(category)
    assert not guess("contract_since", days, data_type="string", kind="date").personal
