"""A register with a database and a service that is called over HTTP: both answer, both erase, and one falls silent."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from models.source import SourceLimit
from models.step import Step
from models.vocabulary import Right, StepState
from tests.http_source import ANNA, WAV, Handler, HttpSource, running
from tests.story.house import TWO, House, open_house, prepare, records_of
from tests.world import fill_source
from webhooks.public import create_app
from workflows.documents.verify import verify_package

PHONE = "+358401111111"
SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"service").digest()).decode()
CRM = """
source: crm
kind: sql
connection: {url: {env: CRM_URL}}
person: {order: 90}
dataset:
  - fides_key: crm
    collections:
      - name: customer
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - name: phone
            data_categories: [user.contact.phone_number]
            fides_meta: {identity: phone_number, data_type: string}
"""
TABLES = f"""
CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(80), phone VARCHAR(40));
INSERT INTO customer VALUES (1, '{ANNA}', '{PHONE}'), (2, 'bertta@example.test', '+358402222222');
"""
SERVICE = """
source: service
kind: http
connection:
  base_url: {env: SERVICE_URL}
  health: /health
  allow_private: [127.0.0.1]
  rate: {per_second: 500, burst: 5, slots: 2}
  collections:
    calls:
      find: [{path: "/calls?ani={ani}", records: items, page: {cursor: {param: cursor, path: meta.next}}}]
      one: {path: "/calls/{id}"}
      delete: {path: "/calls/{id}", job: {every_seconds: 30}}
      files: [{url: audio, types: [audio/wav]}]
      times: {at: epoch}
    tickets:
      find: [{path: "/tickets?requester={identity:email}", records: items, page: {cursor: {path: meta.next}}}]
      one: {path: "/tickets/{id}"}
      mask:
        path: "/tickets/{id}"
        values: {requester.email: "", requester.name: "", subject: ""}
person:
  collections: {calls: {erase: delete}}
dataset:
  - fides_key: service
    collections:
      - name: calls
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: ani, data_categories: [user.contact.phone_number], fides_meta: {identity: phone_number}}
          - {name: at, data_categories: [user.behavior]}
          - {name: audio, data_categories: [user.biometric.voice]}
      - name: tickets
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: requester
            fields:
              - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
              - {name: name, data_categories: [user.name]}
          - {name: subject, data_categories: [user.content]}
"""
THREAD = """
          - name: thread
            fields:
              - {name: text, data_categories: [user.content]}
"""

CONTROLLER = "name: Company Oy\ndelivery: {objection_hours: 0}\n"


@pytest.fixture
def http_source() -> Iterator[HttpSource]:
    with running() as source:
        yield source


def moved_in(folder: Path, http_source: HttpSource, service: str = SERVICE) -> House:
    """A company with a customer register and a service."""
    (folder / "register" / "sources").mkdir(parents=True)
    (folder / "register" / "controller.yaml").write_text(CONTROLLER, encoding="utf-8")
    (folder / "register" / "sources" / "crm.yaml").write_text(CRM, encoding="utf-8")
    (folder / "register" / "sources" / "service.yaml").write_text(service, encoding="utf-8")
    url, ours = f"sqlite:///{folder / 'crm.db'}", f"sqlite:///{folder / 'vastine.db'}"
    fill_source(url, TABLES)
    prepare(ours)
    environ = {
        "VASTINE_REGISTER": str(folder / "register"),
        "VASTINE_DATA_DIR": str(folder / "var"),
        "VASTINE_DATABASE_URL": ours,
        "CRM_URL": url,
        "SERVICE_URL": http_source.url,
        "RING": SECRET,
    }
    return open_house(folder, {"crm": url}, environ)


@pytest.fixture
def house(tmp_path: Path, http_source: HttpSource) -> Iterator[House]:
    opened = moved_in(tmp_path, http_source)
    yield opened
    opened.close()


def down(handler: Handler) -> None:
    """As a service that is being restarted."""
    handler.reply(503, {"error": "later"})


def step_of(house: House, reference: str, key: str) -> dict[str, object]:
    return next(s for s in house.show(reference)["steps"] if s["key"].startswith(key))


def test_a_recording_of_a_service_lies_in_the_package_with_its_digest(house: House, http_source: HttpSource) -> None:
    reference = house.ask({"email": ANNA})
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    package = house.file(reference)
    assert verify_package(package) == []
    assert {t: len(rows) for t, rows in records_of(package).items()} == {"customer": 1, "calls": 1, "tickets": 3}
    with zipfile.ZipFile(package) as files:
        (recording,) = [name for name in files.namelist() if "/files/" in f"/{name}"]
        content = files.read(recording)
        manifest = files.read("manifest-sha256.txt").decode()
    assert content == WAV + b"c-1.wav"
    assert f"{hashlib.sha256(content).hexdigest()}  {recording}" in manifest
    assert not [c for c in http_source.made("GET", "/audio") if "c-2" in c.path]
    with house.rt.unit() as session:
        assert session.scalar(select(SourceLimit.due).where(SourceLimit.source == "service")) > 0
    assert house.chain_is_whole()


def test_what_a_service_erases_in_its_own_time_is_waited_for_and_looked_at(
    house: House, http_source: HttpSource
) -> None:
    http_source.asynchronous = True
    before = http_source.dump()
    reference = house.ask({"email": ANNA}, Right.ERASURE)
    house.work()
    house.approve(reference, *TWO)
    house.work()
    assert house.state(reference) == "erasing"
    step = step_of(house, reference, "erase:service")
    assert (step["state"], step["attempts"]) == ("ready", 0)
    with house.rt.unit() as session:
        waiting = session.scalars(select(Step).where(Step.key.like("erase:service%"))).one()
        assert waiting.state is StepState.READY
        assert 0 < (waiting.run_at - house.clock.now()).total_seconds() <= 60
    asked = len(http_source.calls)
    assert house.work() == 0
    assert len(http_source.calls) == asked
    for _ in range(6):
        house.clock.advance(minutes=2)
        house.work()
    assert house.ended(reference) == ("closed", "erased")
    assert [c.path for c in http_source.made("DELETE")] == ["/calls/c-1"]
    after = http_source.dump()
    assert after["calls"] == [c for c in before["calls"] if c["id"] != "c-1"]
    assert after["members"] == before["members"]
    assert [t["requester"]["email"] for t in after["tickets"]] == ["", "bertta@example.test", "", ""]
    assert [t["thread"] for t in after["tickets"]] == [t["thread"] for t in before["tickets"]]
    assert after["tickets"][1] == before["tickets"][1]
    assert house.query("crm", "SELECT * FROM customer ORDER BY id")[0] == (1, None, None)
    assert house.chain_is_whole()


def rung(house: House, *, source: str = "service", secret: str = SECRET, ident: str = "msg_1") -> int:
    """A ring at the portal, as the service would sign it; what it says is of no account."""
    body, at = '{"status": "done", "id": "somebody"}', house.rt.now()
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(ident, at, body),
    }
    door = create_app(house.rt).test_client()
    return door.post(f"/webhooks/jobs/{source}", data=body, headers=headers).status_code


def test_a_service_rings_when_it_is_done_and_its_own_answer_counts(tmp_path: Path, http_source: HttpSource) -> None:
    http_source.asynchronous = True
    house = moved_in(tmp_path, http_source, SERVICE.replace("  rate:", "  callback: {secret: {env: RING}}\n  rate:"))
    reference = house.ask({"email": ANNA}, Right.ERASURE)
    house.work()
    house.approve(reference, *TWO)
    house.work()
    asked = len(http_source.made("GET", "/jobs"))
    stranger = "whsec_" + base64.b64encode(hashlib.sha256(b"stranger").digest()).decode()
    assert [rung(house, secret=stranger), rung(house, source="crm"), rung(house, source="nobody")] == [401] * 3
    assert house.work() == 0
    assert rung(house) == 202
    house.work()
    assert len(http_source.made("GET", "/jobs")) == asked + 1
    assert house.state(reference) == "erasing"  # it rang, and its job is not done
    assert rung(house) == 202
    assert house.work() == 0  # the same ring again
    assert rung(house, ident="msg_2") == 202
    house.work()
    assert house.ended(reference) == ("closed", "erased")
    assert len(http_source.made("DELETE")) == 1
    house.close()


def test_a_service_that_comes_back_is_asked_where_it_fell_silent(house: House, http_source: HttpSource) -> None:
    http_source.once("GET /calls", down, times=40)
    reference = house.ask({"email": ANNA})
    house.work()
    assert house.state(reference) == "collecting"
    results = {s["source"]: s["result"] for s in house.show(reference)["sources"]}
    assert results == {"crm": "found", "service": "failed"}
    http_source.faults.clear()
    house.clock.advance(hours=2)
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    erasure = house.ask({"email": ANNA}, Right.ERASURE)
    house.work()
    house.approve(erasure, *TWO)
    before = http_source.dump()
    http_source.once("GET /", down, times=400)
    house.work()
    assert house.state(erasure) == "erasing"
    assert http_source.dump() == before
    assert house.query("crm", "SELECT email FROM customer WHERE id = 1") == [(ANNA,)]
    http_source.faults.clear()
    for _ in range(4):
        house.clock.advance(hours=2)
        house.work()
    assert house.ended(erasure) == ("closed", "erased")
    assert len(http_source.made("DELETE")) == 1


def test_what_stands_in_an_array_of_a_service_is_refused_before_anybody_approves(
    tmp_path: Path, http_source: HttpSource
) -> None:
    values = 'values: {thread.text: "", requester.email: "", requester.name: "", subject: ""}'
    masking = SERVICE.replace('values: {requester.email: "", requester.name: "", subject: ""}', values) + THREAD
    house = moved_in(tmp_path, http_source, masking.replace("\n\n", "\n"))
    reference = house.ask({"email": ANNA}, Right.ERASURE)
    house.work()
    tickets = [i for i in house.plan(reference)["items"] if i["collection"] == "tickets"]
    assert {(i["action"], i["reason"]) for i in tickets} == {("keep", "in_array")}
    before = http_source.dump()
    house.approve(reference, *TWO)
    house.work()
    threads = [t["thread"] for t in http_source.dump()["tickets"]]
    assert threads == [t["thread"] for t in before["tickets"]]
    assert house.ended(reference)[1] == "partly_erased"
    house.close()
