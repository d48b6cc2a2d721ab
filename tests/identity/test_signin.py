"""Whoever logs in at a broker is taken for the person they are, and every other answer proves nothing."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select

from models.audit import AuditEntry
from models.request import Request
from models.verification import Challenge, SignIn
from models.vocabulary import Method, RequestState
from tests.identity.broker import HETU, ISSUER, Broker, back, pem
from tests.identity.conftest import BOBS, JANES, Bank
from tests.webhooks.visitor import Caller, reference_of
from tests.world import JANE
from workflows import views
from workflows.adapters.oidc import OidcProvider
from workflows.adapters.oidc_tokens import checked
from workflows.errors import BadInput
from workflows.ladder import signin
from workflows.stages import verification
from workflows.vouching import Refused


def go(caller: Caller, page: str) -> str:
    """Press the button of the bank; the address that the next page leads to."""
    caller.post(f"{page}/signin/bank")
    assert caller.answer.status_code == 200, caller.answer.text
    found = re.search(r'href="(https://broker\.example/auth[^"]*)"', caller.answer.text)
    assert found
    return html.unescape(found[1])


def asked(bank: Bank, **answers: str) -> tuple[Caller, str]:
    """Somebody sends the form as Jane and the worker looks."""
    caller = Caller(bank.app)
    page = caller.ask(**answers)
    bank.world.work()
    return caller, page


def request_of(bank: Bank, page: str) -> Request:
    with bank.world.rt.unit() as session:
        return views.find_request(session, reference_of(page))


def nothing_proven(bank: Bank, page: str) -> bool:
    bank.world.work()
    row = request_of(bank, page)
    return (row.state, row.proof_sealed, row.verified_method) == (RequestState.VERIFYING, None, None)


def test_a_log_in_at_the_bank_proves_the_person_and_opens_the_answer(bank):
    caller, page = asked(bank)
    assert not [m for m in bank.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)], "a code would not be enough"
    caller.get(page)
    assert 'name="code"' not in caller.answer.text
    done = caller.get(back(bank.broker.log_in(go(caller, page), JANES)))
    assert done.status_code == 200
    bank.world.work()
    row = request_of(bank, page)
    assert (row.verified_method, row.verified_by) == (Method.STRONG, "provider:bank")
    assert row.state in (RequestState.CLOSED, RequestState.DECIDING, RequestState.CLOSING)
    with bank.world.rt.unit() as session:
        facts = [e.facts for e in session.scalars(select(AuditEntry)) if e.event == "identity:signed_in"]
    assert facts[0]["provider"] == "bank"
    assert "loatest2" in facts[0]["acr"]
    assert JANES not in str(facts)


def test_the_answer_opens_only_to_the_person_who_logs_in_once_more(bank):
    caller, page = asked(bank)
    caller.get(back(bank.broker.log_in(go(caller, page), JANES)))
    bank.world.work()
    assert request_of(bank, page).state is RequestState.CLOSED
    caller.post(f"{page}/resend")
    bank.world.work()
    assert not [m for m in bank.world.mailer.sent if re.search(r"\b\d{8}\b", m.body)]
    assert caller.get(f"{page}/files/package.zip").status_code == 303
    assert caller.get(back(bank.broker.log_in(go(caller, page), BOBS))).status_code == 403
    assert caller.get(f"{page}/files/package.zip").status_code == 303
    assert caller.get(back(bank.broker.log_in(go(caller, page), JANES))).status_code == 200
    assert caller.get(f"{page}/files/package.zip").status_code == 200
    assert Caller(bank.app).get(f"{page}/files/package.zip").status_code == 303


def test_who_logs_in_for_another_s_request_proves_nothing(bank):
    caller, page = asked(bank)  # names Jane
    assert caller.get(back(bank.broker.log_in(go(caller, page), BOBS))).status_code == 200
    assert nothing_proven(bank, page)
    assert "could not connect you" in caller.get(page).text


@pytest.mark.parametrize("name", ["Bob", "Jane"])
def test_who_logs_in_as_themselves_learns_nothing_of_an_address_that_is_another_s(bank, name, monkeypatch):
    looked = []
    for connector in bank.world.rt.connectors.values():
        find = connector.find
        monkeypatch.setattr(
            connector, "find", lambda given, find=find: (looked.append(sorted(given)), find(given))[1], raising=False
        )
    told = []
    for address in (JANE, "nobody@elsewhere.example"):
        caller, page = asked(bank, name=name, email=address)
        looked.clear()
        caller.get(back(bank.broker.log_in(go(caller, page), BOBS)))
        bank.world.work()
        shown = caller.get(page).text.replace(reference_of(page), "").replace(page, "")
        row = request_of(bank, page)
        told.append((re.sub(r"/status/[^\"#]*", "", shown), row.verified_method, row.proof_sealed is None, len(looked)))
        bank.world.clock.advance(hours=2)
    assert told[0] == told[1]
    assert told[0][1] is (Method.STRONG if name == "Bob" else None)


def test_who_is_in_no_register_proves_nothing(bank):
    caller, page = asked(bank)
    caller.get(back(bank.broker.log_in(go(caller, page), "010190-903A")))
    assert nothing_proven(bank, page)


def spoiled(**claims: Any) -> Any:
    return lambda told: told.update(claims)


def without(name: str) -> Any:
    return lambda told: told.pop(name)


SPOILT = {
    "nonce": spoiled(nonce="another"),
    "aud": spoiled(aud="somebody"),
    "azp": spoiled(aud=["vastine", "other"], azp="other"),
    "iss": spoiled(iss="https://rogue.example"),
    "exp": spoiled(exp=1),
    "iat": spoiled(iat=1),
    "acr": spoiled(acr="http://ftn.ficora.fi/2017/loa1"),
    "auth_time": without("auth_time"),
    "old auth_time": lambda told: told.update(auth_time=told["auth_time"] - 300),
    "no hetu": without(HETU),
    "hetu": spoiled(**{HETU: "010170-999S"}),
    "empty hetu": spoiled(**{HETU: ""}),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_token_with_one_wrong_claim_is_refused(bank, how):
    caller, page = asked(bank)
    bank.broker.spoil = SPOILT[how]
    shown = caller.get(back(bank.broker.log_in(go(caller, page), JANES)))
    assert shown.status_code == 403
    assert "Nothing is confirmed" in shown.text
    assert nothing_proven(bank, page)


def bare(broker: Broker) -> None:
    broker.sealed = False


def rogue(broker: Broker) -> None:
    broker.key = "rogue"


def sealed_to_another(broker: Broker) -> None:
    broker.seal_to = RSAKey.import_key(pem("rogue"))


@pytest.mark.parametrize("how", [bare, rogue, sealed_to_another])
def test_a_token_that_is_not_sealed_to_us_or_not_signed_by_the_broker_is_refused(bank, how):
    caller, page = asked(bank)
    how(bank.broker)
    assert caller.get(back(bank.broker.log_in(go(caller, page), JANES))).status_code == 403
    assert nothing_proven(bank, page)


def test_new_keys_of_the_broker_are_looked_for_once(bank):
    caller, page = asked(bank)
    caller.get(back({**bank.broker.log_in(go(caller, page), JANES), "code": "none"}))
    caller.get(back(bank.broker.log_in(go(caller, page), BOBS)))
    bank.world.work()
    bank.broker.key, bank.broker.published, before = "second", ("first", "second"), bank.broker.looks
    assert caller.get(back(bank.broker.log_in(go(caller, page), JANES))).status_code == 200
    assert bank.broker.looks == before + 1


def test_an_answer_is_good_once(bank):
    caller, page = asked(bank)
    bank.broker.spoil = spoiled(nonce="another")
    path = back(bank.broker.log_in(go(caller, page), JANES))
    assert caller.get(path).status_code == 403
    bank.broker.spoil = lambda _claims: None
    assert caller.get(path).status_code == 403
    again = bank.broker.log_in(go(caller, page), JANES)
    stale = {**bank.broker.log_in(go(caller, page), JANES), "code": "code-0"}
    assert caller.get(back(stale)).status_code == 403, "a code that was used"
    assert caller.get(back(again)).status_code == 403, "the browser went there once more since"
    assert nothing_proven(bank, page)


def test_an_attempt_is_used_up_whatever_comes_of_it(bank):
    caller, page = asked(bank)
    state = bank.broker.log_in(go(caller, page), JANES)["state"]
    cookie = caller.client.get_cookie("vastine-signin")
    assert cookie is not None
    rt = bank.world.rt
    with rt.unit() as session:
        assert signin.take(session, rt, "bank", state=state, browser=cookie.value).purpose == "identify"
    with rt.unit() as session, pytest.raises(Refused):
        signin.take(session, rt, "bank", state=state, browser=cookie.value)


def test_an_answer_counts_only_at_the_provider_where_the_way_began(bank):
    bank.world.rt.providers["other"] = bank.world.rt.providers["bank"]
    caller, page = asked(bank)
    path = back(bank.broker.log_in(go(caller, page), JANES))
    assert caller.get(path.replace("/return/bank", "/return/other")).status_code == 403
    assert nothing_proven(bank, page)
    assert caller.get(path).status_code == 200, "the attempt was not used up by the wrong door"


def test_live_mode_takes_no_code_that_only_test_people_have(bank):
    provider = bank.world.rt.providers["bank"]
    claims = {HETU: JANES, "aud": "vastine", "iss": ISSUER, "nonce": "n", "acr": provider.spec.acr[0]}
    now = bank.world.clock.now()
    claims |= {"exp": now.timestamp() + 60, "iat": now.timestamp(), "auth_time": now.timestamp()}
    given = {"nonce": "n", "now": now}
    assert checked(claims, provider.spec, live=False, **given).identifiers == {"national_id": JANES}
    with pytest.raises(Refused, match="claim_invalid"):
        checked(claims, provider.spec, live=True, **given)
    real = {**claims, HETU: "131052-308T"}  # the example of the population register's own instructions
    assert checked(real, provider.spec, live=True, **given).identifiers == {"national_id": "131052-308T"}


def test_live_mode_takes_no_levels_that_only_test_services_have(bank):
    spec = bank.world.rt.providers["bank"].spec
    environ = {"SIGNS": pem("ours"), "OPENS": pem("opens")}
    with pytest.raises(BadInput) as refused:
        OidcProvider("bank", spec, environ=environ, call=bank.broker.call, live=True)
    assert "test log-ins" in str(refused.value.faults)


def test_an_answer_counts_only_in_the_browser_that_began_and_for_ten_minutes(bank):
    caller, page = asked(bank)
    path = back(bank.broker.log_in(go(caller, page), JANES))
    assert Caller(bank.app).get(path).status_code == 403
    bank.world.clock.advance(minutes=11)
    assert caller.get(path).status_code == 403
    assert nothing_proven(bank, page)


def test_an_answer_proves_no_other_case_than_its_own(bank):
    attacker, theirs = asked(bank)
    victim, own = asked(bank, email="bob@shop.example", name="Bob")
    path = back(bank.broker.log_in(go(attacker, theirs), BOBS))
    go(victim, own)
    assert victim.get(path).status_code == 403
    assert nothing_proven(bank, theirs)
    assert nothing_proven(bank, own)


def test_a_log_in_that_proves_nobody_leaves_a_letter_on_its_way_as_it_was(bank):
    caller, page = asked(bank)
    rt, now = bank.world.rt, bank.world.rt.now()
    with rt.unit() as session:
        times = {"created_at": now, "expires_at": now + timedelta(days=21)}
        row = Challenge(request_id=request_of(bank, page).id, purpose="letter", tries_left=5, **times)
        session.add(row)
    caller.get(back(bank.broker.log_in(go(caller, page), BOBS)))
    assert nothing_proven(bank, page)
    with rt.unit() as session:
        assert session.scalars(select(Challenge).where(Challenge.purpose == "letter")).one().tries_left == 5


def test_a_log_in_changes_nothing_once_somebody_was_proven_meanwhile(bank):
    caller, page = asked(bank)
    path = back(bank.broker.log_in(go(caller, page), BOBS))
    rt = bank.world.rt
    with rt.unit() as session:
        row = views.find_request(session, reference_of(page), lock=True)
        verification.by_staff(session, rt, row, user="cleo", method=Method.DESK, identifiers={"email": JANE})
    bank.world.work()
    before = request_of(bank, page)
    assert caller.get(path).status_code == 409
    after = request_of(bank, page)
    assert (after.verified_method, after.claim_sealed) == (Method.DESK, before.claim_sealed)


def test_a_log_in_that_was_cancelled_or_mixed_up_proves_nothing(bank):
    caller, page = asked(bank)
    state = bank.broker.log_in(go(caller, page), JANES)["state"]
    shown = caller.get(back({"error": "access_denied", "state": state}))
    assert "cancelled" in shown.text
    answer = bank.broker.log_in(go(caller, page), JANES)
    assert caller.get(back({**answer, "iss": "https://rogue.example"})).status_code == 403
    assert nothing_proven(bank, page)


def test_what_the_person_is_asked_to_confirm_stands_on_the_way(bank):
    caller, page = asked(bank, right="erasure")
    go(caller, page)
    assert reference_of(page) in caller.answer.text
    assert "Go on only if you made the request yourself" in caller.answer.text
    with bank.world.rt.unit() as session:
        assert ISSUER not in str([row.provider for row in session.scalars(select(SignIn))])


def test_the_public_keys_are_told_and_nothing_else(bank):
    keys = Caller(bank.app).get("/signin/keys/bank").get_json()["keys"]
    assert {key["use"] for key in keys} == {"sig", "enc"}
    assert not [key for key in keys if "d" in key]
