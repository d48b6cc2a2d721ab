"""Claims select a record or nobody; what is proven is what the record has."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rules.identity import agrees, match_identity, proven_identifiers, shared_keys


@dataclass(frozen=True)
class Contact:
    name: str = ""


@dataclass(frozen=True)
class Person:
    key: str
    identifiers: dict = field(default_factory=dict)
    contact: Contact = Contact()
    source: str = "register"


AINO = Person(
    "1",
    {
        "customer_number": "100001",
        "email": "Aino@esimerkki.example",
        "phone_number": "040 123 4567",
        "national_id": "070358-9020",
        "gsrn": "649999000000000013",
    },
    Contact("Aino Äijälä"),
)
EERO = Person(
    "2",
    {"customer_number": "100002", "email": "aino@esimerkki.example", "national_id": "301174Y917W"},
    Contact("Eero Äijälä"),
)


def test_a_customer_number_on_file_selects_one_person():
    match = match_identity({"customer_number": "100001"}, [AINO])
    assert (match.outcome, match.person, match.matched) == ("one", AINO, ("customer_number",))


def test_an_address_on_file_is_compared_without_case():
    assert match_identity({"email": "AINO@Esimerkki.example"}, [AINO]).outcome == "one"


@pytest.mark.parametrize("name", ["", "Aino Äijälä"])
def test_a_personal_identity_code_even_with_the_name_never_identifies(name):
    match = match_identity({"national_id": "070358-9020", "name": name}, [AINO])
    assert (match.outcome, match.reason, match.person) == ("selected", "hetu_alone", AINO)


def test_a_phone_alone_selects_and_with_the_name_identifies():
    assert match_identity({"phone_number": "+358401234567"}, [AINO]).reason == "phone_number_alone"
    assert match_identity({"phone_number": "+358401234567", "name": "äijälä aino"}, [AINO]).outcome == "one"
    assert match_identity({"gsrn": "649999000000000013", "phone_number": "0401234567"}, [AINO]).reason == "two_weak"


def test_a_different_immutable_identifier_contradicts():
    match = match_identity({"email": "aino@esimerkki.example", "national_id": "010136X901T"}, [AINO])
    assert (match.outcome, match.reason, match.person) == ("none", "contradicted", None)


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({}, True),
        ({"email": "new@elsewhere.example", "name": "Aino Äijälä"}, True),
        ({"email": "new@elsewhere.example", "name": "Aino Maria Äijälä"}, True),
        ({"email": "aino@esimerkki.example", "name": ""}, True),
        ({"email": "aino@esimerkki.example", "name": "A. Äijälä"}, True),
        ({"email": "aino@esimerkki.example", "name": "Kalle Kuusi"}, False),
        ({"email": "new@elsewhere.example", "name": "Eero Äijälä"}, False),
        ({"email": "new@elsewhere.example", "name": ""}, False),
        ({"customer_number": "100002", "email": "aino@esimerkki.example", "name": "Aino Äijälä"}, False),
        ({"name": "Aino Äijälä", "national_id": "010136X901T"}, False),
    ],
)
def test_what_somebody_says_of_themselves_is_compared_with_their_own_record(said, fits):
    assert agrees(said, [AINO]) is fits


def test_a_number_of_either_of_one_person_s_two_records_agrees():
    second = replace(AINO, key="9", identifiers={**AINO.identifiers, "customer_number": "100009"})
    assert agrees({"customer_number": "100009", "name": "Aino Äijälä"}, [AINO, second])


def test_a_new_address_with_the_right_customer_number_is_told_to_the_caseworker():
    match = match_identity({"customer_number": "100001", "email": "uusi@esimerkki.example", "name": "Liisa X"}, [AINO])
    assert (match.outcome, match.differs) == ("one", ("email", "name"))


def test_a_shared_address_is_ambiguous_until_something_tells_them_apart():
    assert match_identity({"email": "aino@esimerkki.example"}, [AINO, EERO]).outcome == "ambiguous"
    match = match_identity({"email": "aino@esimerkki.example", "customer_number": "100002"}, [AINO, EERO])
    assert (match.outcome, match.person) == ("one", EERO)


def test_claims_that_lead_to_two_people_lead_to_nobody():
    other = replace(EERO, identifiers={"customer_number": "100002", "email": "eero@esimerkki.example"})
    match = match_identity({"customer_number": "100001", "email": "eero@esimerkki.example"}, [AINO, other])
    assert (match.outcome, match.person) == ("ambiguous", None)


def test_two_records_of_one_person_are_one_person():
    second = Person("9", {**AINO.identifiers, "customer_number": "100009"}, AINO.contact)
    match = match_identity({"email": "aino@esimerkki.example"}, [AINO, second])
    assert (match.outcome, match.people) == ("one", (AINO, second))


def test_an_identity_code_alone_does_not_merge_two_records():
    typo = Person("9", {"national_id": "070358-9020", "customer_number": "100009"}, Contact("Olli Öhman"))
    assert match_identity({"national_id": "070358-9020"}, [AINO, typo]).outcome == "ambiguous"


def test_one_customer_number_on_two_identity_codes_is_two_people():
    other = Person("9", {"customer_number": "100001", "national_id": "210689-944T"}, source="billing")
    assert match_identity({"customer_number": "100001"}, [AINO, other]).outcome == "ambiguous"


def test_namesakes_are_never_merged():
    namesake = Person("9", {"email": "aino@esimerkki.example", "national_id": "210689-944T"}, AINO.contact)
    assert match_identity({"email": "aino@esimerkki.example"}, [AINO, namesake]).outcome == "ambiguous"


@pytest.mark.parametrize("email", ["аino@esimerkki.example", "ain0@esimerkki.example", "aino@esirnerkki.example"])
def test_a_look_alike_address_does_not_match_and_is_flagged(email):
    assert match_identity({"email": email}, [AINO]).outcome == "none"
    match = match_identity({"email": email, "customer_number": "100001"}, [AINO])
    assert (match.outcome, match.lookalike) == ("one", True)


def test_unknown_people_match_nobody():
    assert match_identity({"email": "x@y.example", "name": "Aino Äijälä"}, [AINO]).outcome == "none"
    assert match_identity({"name": "Aino Äijälä"}, [AINO]).outcome == "none"
    assert match_identity({}, []).outcome == "none"


def test_what_is_proven_is_what_is_on_file():
    assert proven_identifiers(AINO) == AINO.identifiers
    assert proven_identifiers(replace(AINO, identifiers={"email": " ", "customer_number": "7"})) == {
        "customer_number": "7"
    }


def test_a_shared_address_leads_no_search():
    shared = shared_keys(AINO, [AINO, EERO])
    assert shared == {"email"}
    assert "email" not in proven_identifiers(AINO, shared=shared)


values = st.sampled_from(["100001", "100002", "aino@esimerkki.example", "070358-9020", "301174Y917W", "0401234567"])
records = st.builds(
    Person,
    st.sampled_from("1234"),
    st.dictionaries(st.sampled_from(["customer_number", "email", "phone_number", "national_id"]), values),
    st.builds(Contact, st.sampled_from(["", "Aino", "Eero"])),
)
claims = st.dictionaries(
    st.sampled_from(["customer_number", "email", "phone_number", "national_id", "name"]), values | st.text(max_size=9)
)


@given(claims, st.lists(records, max_size=4, unique_by=lambda p: p.key))
def test_nobody_is_selected_without_a_claim_on_their_file(given_, people):
    match = match_identity(given_, people)
    assert (match.person is None) == (match.outcome in ("ambiguous", "none"))
    if match.person is not None:
        assert match.matched
        assert match.person in match.people
        assert not {"customer_number", "national_id"} & set(match.differs)
    if not set(given_) - {"national_id", "name"}:
        assert match.outcome != "one"


@given(claims, st.lists(records, max_size=4, unique_by=lambda p: p.key), st.randoms())
def test_the_order_of_records_changes_nothing(given_, people, random):
    shuffled = people[:]
    random.shuffle(shuffled)
    assert match_identity(given_, people).outcome == match_identity(given_, shuffled).outcome
