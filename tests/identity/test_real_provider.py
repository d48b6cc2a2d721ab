"""A certified provider, over real sockets: a log-in that proves, and all that a broken one says, which must not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import delete

from models.verification import Pace
from models.vocabulary import Method, RequestState
from tests.identity.broker import HETU
from tests.identity.conftest import BOBS, JANES
from tests.identity.real import OidcServer, Walker, open_shop, whole
from tests.webhooks.visitor import Caller, reference_of
from tests.world import World
from webhooks.public import create_app
from workers.serving import Server
from workflows import views

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def oidc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    server = OidcServer(tmp_path_factory.mktemp("oidc"))
    yield server
    server.stop()


class Portal:
    """The shop, its portal on a real port, and one request for erasure in Jane's name."""

    def __init__(self, folder: Path, server: OidcServer, dialect: str) -> None:
        self.oidc, self.name = server, {"plain": "own", "ftn": "bank"}[dialect]
        self.who = {"plain": ("1001", "1002"), "ftn": (JANES, BOBS)}[dialect]
        self.world: World = open_shop(folder, server, dialect)
        app = create_app(self.world.rt)
        self.serving = Server(app, host="localhost", port=server.portal_port, threads=4).start()
        self.page = Caller(app).ask(right="erasure")
        self.world.work()
        self.walker = Walker()

    @property
    def request(self):
        with self.world.rt.unit() as session:
            return views.find_request(session, reference_of(self.page))

    @property
    def address(self) -> str:
        return whole(self.world, self.page)

    def log_in(self, who: int = 0, walker: Walker | None = None):
        return (walker or self.walker).log_in(self.address, self.name, self.who[who])

    def nothing_is_proven(self) -> bool:
        self.world.work()
        row = self.request
        return (row.state, row.proof_sealed, row.verified_method) == (RequestState.VERIFYING, None, None)

    def is_proven(self, method: Method) -> bool:
        self.world.work()
        row = self.request
        return row.proof_sealed is not None and (row.verified_method, row.verified_by) == (
            method,
            f"provider:{self.name}",
        )

    def forget_how_often(self) -> None:
        with self.world.rt.unit() as session:
            session.execute(delete(Pace))

    def close(self) -> None:
        self.oidc.spoil()
        self.serving.stop()
        self.world.close()


@pytest.fixture(params=["plain", "ftn"])
def portal(request: pytest.FixtureRequest, tmp_path: Path, oidc_server: OidcServer) -> Iterator[Portal]:
    made = Portal(tmp_path, oidc_server, request.param)
    yield made
    made.close()


@pytest.fixture
def bank(tmp_path: Path, oidc_server: OidcServer) -> Iterator[Portal]:
    made = Portal(tmp_path, oidc_server, "ftn")
    yield made
    made.close()


def test_a_log_in_at_a_certified_provider_proves_the_person(portal: Portal) -> None:
    method = {"own": Method.SESSION, "bank": Method.STRONG}[portal.name]
    shown = portal.log_in()
    assert shown.status == 200
    assert "/signin/return/" in shown.url
    assert portal.is_proven(method)


def test_a_person_goes_there_and_back_in_a_browser(tmp_path: Path, oidc_server: OidcServer, chromium: str) -> None:
    portal = Portal(tmp_path, oidc_server, "plain")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_context(java_script_enabled=False).new_page()
            page.goto(portal.address)
            page.click("form[action$='/signin/own'] button")
            page.click(f"a[href^='http://127.0.0.1:{oidc_server.plain_port}/auth']")
            page.fill("input[name=who]", "1001")
            page.click("button")
            page.wait_for_url("**/signin/return/own**")
            page.click(f"a[href$='{portal.page}']")
            assert portal.is_proven(Method.SESSION)
            browser.close()
    finally:
        portal.close()


SPOILT = {
    "aud": {"claims": {"aud": "somebody"}},
    "azp": {"claims": {"aud": ["vastine", "other"], "azp": "other"}},
    "iss": {"claims": {"iss": "https://rogue.example"}},
    "nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"without": ["nonce"]},
    "exp": {"claims": {"exp": 1}},
    "iat": {"claims": {"iat": 1}},
    "acr": {"claims": {"acr": "http://ftn.ficora.fi/2017/loa1"}},
    "no acr": {"without": ["acr"]},
    "old auth_time": {"older": 400},
    "no auth_time": {"without": ["auth_time"]},
    "no hetu": {"without": [HETU]},
    "false hetu": {"claims": {HETU: "010170-999S"}},
    "alg none": {"alg": "none"},
    "alg none, bare": {"alg": "none", "bare": True},
    "signed and not sealed": {"bare": True},
    "another's key": {"key": "rogue"},
    "sealed to another": {"sealedTo": "rogue"},
}


def test_whatever_a_misbehaving_provider_says_proves_nobody(bank: Portal) -> None:
    told = {}
    for how, spoilt in SPOILT.items():
        bank.oidc.spoil(**spoilt)
        shown = bank.log_in(walker=Walker())
        told[how] = (shown.status, "Nothing is confirmed" in shown.text, bank.nothing_is_proven())
        bank.oidc.spoil()
        bank.forget_how_often()
    assert {how: one for how, one in told.items() if one != (403, True, True)} == {}
    assert bank.log_in(walker=Walker()).status == 200
    assert bank.is_proven(Method.STRONG), "once it behaves, it is believed"


def test_another_person_s_log_in_proves_nobody(portal: Portal) -> None:
    assert portal.log_in(who=1).status == 200
    assert portal.nothing_is_proven()


def test_a_code_that_was_used_is_refused_by_the_provider_and_proves_nobody(bank: Portal) -> None:
    bank.oidc.spoil(claims={"nonce": "another"})
    used = bank.log_in()
    assert used.status == 403
    bank.oidc.spoil()
    anew = Walker()  # in the browser of before the provider would ask nothing
    there = anew.to_the_provider(bank.address, "bank")
    fresh = anew.go_without_us(there.url, {"who": bank.who[0]})
    code = used.url.partition("code=")[2].partition("&")[0]
    swapped = fresh.replace(fresh.partition("code=")[2].partition("&")[0], code)
    assert code in swapped
    assert anew.go(swapped).status == 403
    assert bank.nothing_is_proven()
    assert anew.go(fresh).status == 403, "the attempt was used up"


def test_who_breaks_off_at_the_provider_proves_nobody(portal: Portal) -> None:
    there = portal.walker.to_the_provider(portal.address, portal.name)
    shown = portal.walker.go(there.url, {"who": ""})
    assert (shown.status, "cancelled" in shown.text) == (403, True)
    assert portal.nothing_is_proven()


def test_the_finnish_provider_takes_no_request_that_we_did_not_sign(bank: Portal) -> None:
    there = bank.walker.go(
        f"http://127.0.0.1:{bank.oidc.ftn_port}/auth?client_id=vastine&response_type=code&scope=openid"
        f"&redirect_uri=http://localhost:{bank.oidc.portal_port}/signin/return/bank&state=x&nonce=y"
    )
    assert "Log in to" not in there.text
