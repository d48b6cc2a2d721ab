"""Records of services and messages of a mailbox past their time go as rows do; what can't be read through is named."""

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.http_source import HttpSource, running
from tests.mail_servers import ImapAccount
from tests.retention.conftest import CATEGORIES, late_world
from tests.world import BOB, JANE, World, open_world
from workers.commands import retention as command
from workflows.retention.carrying import carry_out
from workflows.retention.lists import approve, freeze
from workflows.retention.looking import look

POST = """- code: C20
  label: {fi: Viestit, sv: Meddelanden, en: Messages}
  keys: [user.behavior]
  keeps: {until: "add_years(on, 2)", source: our policy, checked_on: 2026-01-15}
"""
SERVICE = """
source: service
kind: http
connection:
  base_url: {url}
  health: /health
  allow_private: [127.0.0.1]
  rate: {{per_second: 1000, burst: 100, slots: 1}}
  collections:
    tickets:
      find:
        - path: "/tickets?requester={{identity:email}}"
          records: items
          page: {{cursor: {{param: cursor, path: meta.next}}}}
        {listing}
      one: {{path: "/tickets/{{id}}"}}
      delete: {{path: "/tickets/{{id}}"}}
dataset:
  - fides_key: service
    collections:
      - name: tickets
        fides_meta: {{masking_strategy_override: {{strategy: delete}}}}
        fields:
          - {{name: id, data_categories: [system.operations], fides_meta: {{primary_key: true, data_type: integer}}}}
          - name: requester
            fields:
              - {{name: email, data_categories: [user.contact.email], fides_meta: {{identity: email}}}}
          - {{name: day, data_categories: [user.financial]}}
          - {{name: owed, data_categories: [user.financial]}}
person:
  order: 20
  collections:
    tickets: {{facts: {{"on": day, open_balance: owed}}, category: C07}}
"""
LISTING = '- {path: "/tickets", records: items, page: {cursor: {param: cursor, path: meta.next}}}'
MAILBOX = """
source: post
kind: mailbox
connection: {url: {env: POST_URL}, folders: [INBOX], since_days: 30, writable: true}
dataset:
  - fides_key: post
    collections:
      - name: message
        fields:
          - {name: date, data_categories: [user.behavior]}
          - {name: from, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: text, data_categories: [user.content], fides_meta: {data_type: string}}
person:
  order: 20
  collections:
    message: {"on": date, created: date, category: C20, erase: delete}
"""


def ticket(number: int, email: str, day: str, owed: int = 0) -> dict[str, object]:
    return {"id": number, "requester": {"email": email}, "day": day, "owed": owed}


def letter(ident: str, author: str, sent: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Date"] = author, "office@shop.example", sent
    message["Message-ID"] = f"<{ident}@shop.example>"
    message.set_content("Hello")
    return message.as_bytes().replace(b"\n", b"\r\n")


def world_with(folder: Path, *, post_url: str = "", **sources: str) -> World:
    first = late_world(folder)
    for name, text in sources.items():
        (folder / f"register/sources/{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "register/categories.yaml").write_text(CATEGORIES + POST, encoding="utf-8")
    first.close()
    return open_world({**first.environ, "POST_URL": post_url})


def through(world: World, category: str) -> dict[str, int]:
    made = freeze(world.rt, category, user="anna")
    assert made is not None
    for user in ("anna", "ben"):
        approve(world.rt, category, made.plan_hash, user=user)
    return dict(carry_out(world.rt, category, user="ben"))


@pytest.fixture
def service() -> Iterator[HttpSource]:
    with running() as source:
        source.data["tickets"] = [
            ticket(1, JANE, "2020-02-29"),
            ticket(2, BOB, "2020-02-29", owed=40),
            ticket(3, JANE, "2026-02-01"),
            ticket(4, BOB, "2020-02-29"),
            ticket(5, "", "2020-02-29"),
        ]
        yield source


def test_records_of_a_service_that_lists_them_go_and_what_a_rule_holds_stays(
    tmp_path: Path, service: HttpSource
) -> None:
    """With one place at the service: whoever reads it through holds none while others ask it something."""
    world = world_with(tmp_path, service=SERVICE.format(url=service.url, listing=LISTING))
    before = service.dump()["tickets"]
    tally = look(world.rt, "C07").tallies["service"]
    assert (tally.seen, tally.late, tally.held, tally.read) == (5, 3, 1, True)
    assert service.dump()["tickets"] == before
    assert through(world, "C07") == {"erased": 4}  # and the invoice in billing
    assert service.dump()["tickets"] == [record for record in before if record["id"] in (2, 3)]
    world.close()


def test_a_service_that_lists_nothing_is_named_and_loses_nothing(
    tmp_path: Path, service: HttpSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_with(tmp_path, service=SERVICE.format(url=service.url, listing=""))
    before = service.dump()
    monkeypatch.setattr(command, "runtime", lambda: world.rt)
    run = CliRunner().invoke(command.retention, ["plan", "--category", "C07", "--json"], standalone_mode=False)
    told = {row["source"]: (row["seen"], row["unread"], row["read"]) for row in json.loads(run.stdout)}
    assert told["service"] == (0, ["tickets"], False)
    assert told["billing"] == (4, [], True)
    assert through(world, "C07") == {"erased": 1}
    assert service.dump() == before
    world.close()


def test_messages_past_their_time_go_however_old_and_the_others_stay(tmp_path: Path, imap_server: ImapAccount) -> None:
    """Searches go back a month here; what is past its time is older than that."""
    for ident, author, sent in (
        ("old", JANE, "Tue, 02 Jan 2018 10:00:00 +0200"),
        ("ours", "office@shop.example", "Tue, 02 Jan 2018 11:00:00 +0200"),
        ("new", JANE, "Sun, 01 Mar 2026 10:00:00 +0200"),
        ("undated", BOB, "some day"),
    ):
        imap_server.append(letter(ident, author, sent))
    world = world_with(tmp_path, post_url=f"{imap_server.url}?tls=none", post=MAILBOX)
    tally = look(world.rt, "C20").tallies["post"]
    assert (tally.seen, tally.late, tally.unclear, tally.read) == (4, 2, 1, True)
    assert through(world, "C20") == {"erased": 2}
    left = [raw for raw in imap_server.messages() if b"Message-ID" in raw]
    assert [b"new@" in raw or b"undated@" in raw for raw in left] == [True, True]
    world.close()
