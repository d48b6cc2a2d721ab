"""An archive of mail beside the demo company's systems: what names the person is looked at by somebody, then goes."""

import shutil
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from models.vocabulary import Belongs, Right
from tests.mail_servers import ImapAccount
from tests.story.house import ROOT, TWO, House, mail_of, records_of
from workflows import belonging
from workflows.candidates import verdicts_of
from workflows.casefile import open_key
from workflows.demo.planting import customer_number

WHO = "ended-12-years"
DESK, OTHER = "asiakaspalvelu@esimerkkisahko.example", "naapuri@posti.example"
POST = """
source: postiarkisto
kind: mailbox
connection:
  url: {env: VASTINE_SOURCE_POSTIARKISTO_URL}
  folders: [INBOX]
  writable: true
dataset:
  - fides_key: postiarkisto
    collections:
      - name: viesti
        fields:
          - {name: date, data_categories: [user.behavior]}
          - {name: from, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: to, data_categories: [user.contact.email], fides_meta: {data_type: string}}
          - {name: subject, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: text, data_categories: [user.content], fides_meta: {data_type: string}}
          - {name: quoted, data_categories: [user.content], fides_meta: {data_type: string}}
person:
  collections:
    viesti: {category: C12, "on": date, erase: delete}
"""


def append(account: ImapAccount, ident: str, author: str, to: str, *, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, to, "Asia"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0200"
    message["Message-ID"] = f"<{ident}@posti.example>"
    message.set_content(text)
    if ident == "mine":
        message.add_attachment(b"%PDF-1.7 bill", maintype="application", subtype="pdf", filename="lasku.pdf")
    account.append(message.as_bytes().replace(b"\n", b"\r\n"))


@pytest.fixture
def house(move_in_here: Callable[..., House], imap_server: ImapAccount, tmp_path: Path) -> House:
    """The house with an archive in which one message is the person's, one tells of them, and one is another's."""
    folder = tmp_path / "register"
    shutil.copytree(ROOT / "register", folder)
    (folder / "sources" / "postiarkisto.yaml").write_text(POST, encoding="utf-8")
    append(imap_server, "mine", mail_of(WHO), DESK, text="Lasku on väärin.\n\n> Lähetimme laskun.")
    append(imap_server, "about", OTHER, DESK, text=f"Asiakas {customer_number(WHO)} pyysi minua kirjoittamaan.")
    append(imap_server, "other", OTHER, DESK, text="Oma asiani.")
    return move_in_here(folder, {"VASTINE_SOURCE_POSTIARKISTO_URL": f"{imap_server.url}?tls=none"})


def say(house: House, reference: str, word: Belongs) -> None:
    """Somebody looked at the one message that is in doubt."""
    with house.held(reference) as (session, request):
        key = open_key(session, house.rt, request.data_key_id)
        verdicts = verdicts_of(session, house.rt, request)
        where = belonging.where_they_lie(session, request)
        (one,) = belonging.candidates_of(house.rt, request, key, blobs=where, verdicts=verdicts)
        assert str(customer_number(WHO)) in str(one.item.fields["text"])
        said = [belonging.Said(one.mark, word, "kirjoitti hänen puolestaan")]
        assert belonging.say(session, house.rt, request, user="kaspar", said=said) == 0


def test_mail_that_only_tells_of_the_person_is_given_once_somebody_said_that_it_is_theirs(house: House) -> None:
    reference = house.ask(WHO)
    house.work()
    assert house.state(reference) == "deciding"
    say(house, reference, Belongs.MINE)
    house.work()
    if house.state(reference) == "deciding":
        house.approve(reference, TWO[1])
        house.work()
    assert house.ended(reference) == ("closed", "delivered")
    given = records_of(house.file(reference))["viesti"]
    assert sorted(str(record["from"]) for record in given) == sorted([mail_of(WHO), OTHER])
    assert {record["quoted"] for record in given} == {"", "REDACTED:third_party"}
    assert house.chain_is_whole()


def test_mail_of_the_person_is_erased_and_what_nobody_gave_them_stays(house: House, imap_server: ImapAccount) -> None:
    before = imap_server.messages()
    reference = house.ask(WHO, Right.ERASURE)
    house.work()
    say(house, reference, Belongs.NOT_MINE)
    house.work()
    house.approve(reference, *TWO)
    house.work()
    assert house.state(reference) == "closed"
    assert imap_server.messages() == before[1:]
    assert house.chain_is_whole()
