"""The proof that a request needs follows from what could be done with it."""

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Method, Right
from workflows.register.proofs import RISKS, Identity, Provider
from workflows.rules.rungs import is_enough, risk_of

LABEL = {"fi": "Pankki", "sv": "Bank", "en": "Bank"}
BANK = Provider.model_validate(
    {"dialect": "ftn", "label": LABEL, "issuer": "https://b.example", "client_id": "v", "claims": {"national_id": "h"}}
)
RISK = st.sampled_from(RISKS)


def enough(identity: Identity) -> dict[str, tuple[Method, ...]]:
    return {risk: identity.enough(risk) for risk in RISKS}


def test_an_erasure_is_high_risk_whatever_it_erases():
    assert risk_of(Right.ERASURE, rights=Identity().rights, categories=["low"]) == "high"


def test_the_riskiest_data_decide_an_access_request_and_not_a_rectification():
    assert risk_of(Right.ACCESS, rights={}, categories=["low", "high"]) == "high"
    assert risk_of(Right.PORTABILITY, rights={}, categories=["high"]) == "high"
    assert risk_of(Right.RECTIFICATION, rights={}, categories=["high"]) == "medium"


def test_without_strong_identification_every_proof_is_enough():
    assert all(is_enough(m, r, enough=enough(Identity()), lowered=False) for m in Method for r in RISKS)


def test_with_strong_identification_a_mailed_code_is_not_enough_for_high_risk():
    ladder = enough(Identity(providers={"bank": BANK}))
    fit = {m for m in Method if is_enough(m, "high", enough=ladder, lowered=False)}
    assert fit == {Method.STRONG, Method.DESK}
    assert is_enough(Method.CODE, "medium", enough=ladder, lowered=False)


def test_two_people_lower_one_rung_and_no_more():
    ladder = {"low": tuple(Method), "medium": (Method.LETTER, Method.DESK), "high": (Method.DESK,)}
    assert is_enough(Method.LETTER, "high", enough=ladder, lowered=True)
    assert not is_enough(Method.CODE, "high", enough=ladder, lowered=True)
    assert is_enough(Method.CODE, "low", enough=ladder, lowered=True)


@given(st.sampled_from(Right), st.dictionaries(st.sampled_from(Right), RISK), st.lists(RISK))
def test_more_data_never_ask_for_less(right, rights, categories):
    first = risk_of(right, rights=rights, categories=categories)
    for more in RISKS:
        assert RISKS.index(risk_of(right, rights=rights, categories=[*categories, more])) >= RISKS.index(first)
