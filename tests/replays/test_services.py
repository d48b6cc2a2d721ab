"""What came back to a service or a mailbox goes again; what of it can't be read through is said and not passed over."""

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import RequestState, Right
from tests.http_source import HttpSource, running
from tests.mail_servers import ImapAccount
from tests.replays.test_replay import SINCE, carried_out
from tests.world import BOB, JANE, World, open_world, prepare, write_register
from workers.commands import erasures as command
from workflows.casefile import open_key, open_proof
from workflows.errors import PersonMustLook
from workflows.replays.opening import replay

OFFICE = "office@shop.example"
MAILBOX = """
source: post
kind: mailbox
connection: {url: {env: POST_URL}, folders: [INBOX], writable: true}
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
    message: {"on": date, created: date, erase: delete}
"""
SERVICE = """
source: service
kind: http
connection:
  base_url: URL
  health: /health
  allow_private: [127.0.0.1]
  collections:
    tickets:
      find:
        - path: "/tickets?requester={identity:email}"
          records: items
          page: {cursor: {param: cursor, path: meta.next}}
        - {path: /tickets, records: items, page: {cursor: {param: cursor, path: meta.next}}}
      one: {path: "/tickets/{id}"}
      delete: {path: "/tickets/{id}"}
    messages:
      find: [{path: "/tickets/{ticket_id}/messages", answers: believed}]
      one: {path: "/tickets/{ticket_id}/messages/{no}"}
      delete: {path: "/tickets/{ticket_id}/messages/{no}"}
dataset:
  - fides_key: service
    collections:
      - name: tickets
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: requester
            fields:
              - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
          - {name: created, data_categories: [user.behavior]}
      - name: messages
        fields:
          - name: ticket_id
            data_categories: [system.operations]
            fides_meta: {primary_key: true, references: [{dataset: service, field: tickets.id, direction: from}]}
          - {name: no, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: text, data_categories: [user.content]}
person:
  order: 20
  collections:
    tickets: {erase: delete, created: created}
    messages: {erase: delete}
"""


def letter(ident: str, author: str, to: str, sent: str = "Tue, 24 Feb 2026 10:00:00 +0200") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Date"] = author, to, sent
    message["Message-ID"] = f"<{ident}@shop.example>"
    message.set_content("Hello")
    return message.as_bytes().replace(b"\n", b"\r\n")


def world_with(folder: Path, name: str, text: str, *, post_url: str = "") -> World:
    environ = prepare(folder)
    write_register(folder / "register", {f"sources/{name}.yaml": text})
    return open_world({**environ, "POST_URL": post_url})


def erased(world: World) -> None:
    ident = world.open(Right.ERASURE, JANE)
    world.work()
    world.approve(ident)
    world.work()
    assert world.state(ident) in (RequestState.CLOSED, RequestState.HELD)


def test_a_mailbox_put_back_with_new_numbers_loses_the_same_messages_again(
    tmp_path: Path, imap_server: ImapAccount
) -> None:
    """Also the one that the house wrote: by its own number, and it makes no case of the house's own address."""
    mine = [letter("a", JANE, OFFICE), letter("b", OFFICE, JANE)]
    for raw in (*mine, letter("c", BOB, OFFICE), letter("d", OFFICE, BOB)):
        imap_server.append(raw)
    world = world_with(tmp_path, "post", MAILBOX, post_url=f"{imap_server.url}?tls=none")
    erased(world)
    after = imap_server.messages()
    assert len(after) == 2
    for raw in mine:
        imap_server.append(raw)
    late = letter("e", JANE, OFFICE, "Mon, 20 Apr 2026 10:00:00 +0300")
    imap_server.append(late)
    world.clock.advance(days=60)
    opened = replay(world.rt, "post", SINCE, user="cleo")
    assert (len(opened.seen.hits), opened.seen.younger, opened.seen.unread) == (2, 1, ())
    assert len(opened.references) == 1
    with world.rt.unit() as session:
        case = session.scalars(select(Request).where(Request.reference == opened.references[0])).one()
        assert open_proof(open_key(session, world.rt, case.data_key_id), case).identifiers == {"email": [JANE]}
    carried_out(world, opened)
    left = imap_server.messages()
    assert left[:2] == after
    assert [b"<e@" in raw for raw in left[2:]] == [True]
    world.close()


@pytest.fixture
def service() -> Iterator[HttpSource]:
    with running() as source:
        for ticket in source.data["tickets"]:
            ticket["requester"]["email"] = JANE if ticket["id"] == 1 else BOB
            ticket["created"] = "2024-03-30"
        yield source


def test_what_a_service_lists_goes_again_and_what_it_does_not_list_is_named(
    tmp_path: Path, service: HttpSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_with(tmp_path, "service", SERVICE.replace("URL", service.url))
    before = service.dump()
    erased(world)
    after = service.dump()
    assert [t["id"] for t in after["tickets"]] == [2, 3, 4]
    assert [m["_ticket"] for m in after["messages"]] == [2]
    service.data.update(tickets=before["tickets"], messages=before["messages"])
    monkeypatch.setattr(command, "runtime", lambda: world.rt)
    asked = ["replay", "service", "--since", "2026-03-01", "--dry-run", "--json"]
    told = json.loads(CliRunner().invoke(command.erasures, asked, standalone_mode=False).stdout)
    assert (told["returned"], told["unread"]) == (1, ["messages"])
    opened = replay(world.rt, "service", SINCE, user="cleo")
    with world.rt.unit() as session:
        tasks = session.scalars(select(HumanTask).where(HumanTask.code == "replay_unread")).all()
        assert [task.facts["collections"] for task in tasks] == ["messages"]
    carried_out(world, opened)
    assert service.dump()["tickets"] == after["tickets"]
    assert service.dump()["messages"] == before["messages"]  # nobody can tell how old these are: a person looks
    world.close()


def test_a_service_of_which_nothing_can_be_read_through_is_left_to_whoever_keeps_it(
    tmp_path: Path, service: HttpSource
) -> None:
    listing = "        - {path: /tickets, records: items, page: {cursor: {param: cursor, path: meta.next}}}\n"
    world = world_with(tmp_path, "service", SERVICE.replace("URL", service.url).replace(listing, ""))
    erased(world)
    with pytest.raises(PersonMustLook, match="replay_by_hand"):
        replay(world.rt, "service", SINCE, user="cleo")
    world.close()


DROP = """
source: visits
kind: csv
connection: {url: FOLDER, pattern: "*.csv", delimiter: ";", take: all, writable: true}
dataset:
  - fides_key: visits
    collections:
      - name: visit
        fields:
          - {name: no, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - name: customer
            data_categories: [system.operations]
            fides_meta: {references: [{dataset: shop, field: customer.id, direction: from}]}
          - {name: day, data_categories: [user.behavior]}
person:
  order: 20
  collections: {visit: {erase: delete, created: day}}
"""


def test_a_line_that_comes_back_in_another_file_is_recognised(tmp_path: Path) -> None:
    """Whoever drops files may merge old ones; the line says nobody's name, so a person is asked about it."""
    drop = tmp_path / "drop"
    drop.mkdir()
    lines = "no;customer;day\r\n1;1;2025-05-01\r\n2;2;2025-05-01\r\n"
    (drop / "may.csv").write_text(lines, encoding="utf-8", newline="")
    world = world_with(tmp_path, "visits", DROP.replace("FOLDER", drop.as_uri()))
    erased(world)
    assert (drop / "may.csv").read_bytes() == lines.replace("1;1;2025-05-01\r\n", "").encode()
    assert replay(world.rt, "visits", SINCE, user="", dry_run=True).seen.hits == []
    (drop / "may.csv").rename(drop / "spring.csv")
    (drop / "spring.csv").write_text(lines, encoding="utf-8", newline="")
    seen = replay(world.rt, "visits", SINCE, user="", dry_run=True).seen
    assert [dict(hit.row.locator) for hit in seen.hits] == [{"no": "1", "file": "spring.csv"}]
    world.close()
