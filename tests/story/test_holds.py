"""Holds that end piece by piece, days that move, and what nobody can tell for a while."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from models.audit import AuditEntry
from models.decision import Plan
from models.erasure import Receipt
from models.vocabulary import Right
from tests.story.house import House, mail_of
from workflows import views
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.sweeps import rechecks


def held(house: House, who: str) -> str:
    """An erasure of which something is kept until its day."""
    reference = house.finish(who, Right.ERASURE)
    assert house.state(reference) == "held"
    house.mailer.sent.clear()
    return reference


def night(house: House, days: int = 1) -> None:
    """A night passes: everything that is kept is looked at."""
    house.clock.advance(days=days)
    rechecks(house.rt, every=True)
    house.work()


def set_day(house: House, day: date) -> None:
    """It is the morning of this day."""
    house.clock.set(datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC))


def item_of(house: House, reference: str, collection: str) -> dict[str, Any]:
    """The one item of a collection as `vastine plan --json` shows it."""
    (item,) = [i for i in house.plan(reference)["items"] if i["collection"] == collection]
    return item


def customer(house: House, who: str) -> dict[str, Any]:
    """The customer's record."""
    names = ("sukunimi", "etunimet", "hetu", "syntynyt", "katuosoite", "postinro", "puhelin")
    rows = house.query("asiakas", f"SELECT {', '.join(names)} FROM asiakas WHERE asnro = :n", n=customer_number(who))
    return dict(zip(names, rows[0], strict=True))


def receipts(house: House, reference: str, collection: str) -> list[tuple[int, bool, list[str]]]:
    """(phase, whether nothing waits after it, fields) of the receipts of a collection's items."""
    numbers = {n for n, i in enumerate(house.plan(reference)["items"], 1) if i["collection"] == collection}
    with house.rt.unit() as session:
        request = views.find_request(session, reference)
        rows = session.scalars(
            select(Receipt).join(Plan, Plan.id == Receipt.plan_id).where(Plan.request_id == request.id)
        )
        return sorted((r.phase, r.rest, sorted(r.fields)) for r in rows if r.item_no in numbers)


def audited(house: House, reference: str, event: str) -> list[dict[str, Any]]:
    """Facts of the audit entries of one kind."""
    with house.rt.unit() as session:
        request = views.find_request(session, reference)
        return list(
            session.scalars(
                select(AuditEntry.facts).where(AuditEntry.request_id == request.id, AuditEntry.event == event)
            )
        )


def collection_closes(house: House, who: str) -> None:
    """The agency's file says that the claim is closed."""
    hetu = as_person(next(m for m in CAST if m.slug == who)).hetu
    path = Path(house.urls["perinta"])
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [line.replace("CollectionInProgress", "Closed") if hetu in line else line for line in lines]
    assert changed != lines
    path.write_text("".join(changed), encoding="utf-8")


def pays(house: House, who: str) -> None:
    """Everything owed is paid."""
    number = str(customer_number(who))
    house.execute("laskutus", "UPDATE lasku SET avoin = 0, tila = 'MAKSETTU' WHERE asnro = :n", n=number)


def test_what_only_an_ended_hold_needed_is_masked_and_the_rest_stays(house: House) -> None:
    reference = held(house, "in-collection")
    before = customer(house, "in-collection")
    assert before["hetu"]
    assert before["katuosoite"]
    assert before["puhelin"] is None

    collection_closes(house, "in-collection")
    night(house)
    now = customer(house, "in-collection")
    assert (now["hetu"], now["syntynyt"]) == (None, None)
    assert {k: v for k, v in now.items() if k not in ("hetu", "syntynyt")} == {
        k: v for k, v in before.items() if k not in ("hetu", "syntynyt")
    }
    assert house.state(reference) == "held"
    item = item_of(house, reference, "asiakas")
    assert sorted(item["holds"]) == ["H06", "H09"]
    assert {"hetu", "syntynyt"} <= set(item["masked"])
    assert item["erase_on"] == "2032-02-24"

    pays(house, "in-collection")
    night(house)
    now = customer(house, "in-collection")
    assert (now["katuosoite"], now["postinro"]) == (None, None)
    assert now["sukunimi"] == before["sukunimi"]
    assert item_of(house, reference, "asiakas")["holds"] == ["H06"]

    phases = receipts(house, reference, "asiakas")
    assert [(phase, rest) for phase, rest, _ in phases] == [(0, False), (1, False), (2, False)]
    assert phases[1][2] == ["hetu", "syntynyt"]
    assert house.chain_is_whole()


def owes_again(house: House, who: str) -> None:
    """A payment was reversed: the latest invoice is open again, and the customer was reminded today."""
    number = str(customer_number(who))
    latest = house.query("laskutus", "SELECT max(laskunro) FROM lasku WHERE asnro = :n", n=number)[0][0]
    statement = "UPDATE lasku SET avoin = 10, erapvm = :d, muistutettu = :d WHERE laskunro = :i"
    day = date(2031, 6, 1)
    house.execute("laskutus", statement, d=day.isoformat(), i=latest)


def test_a_day_that_moves_later_is_told_by_one_letter_and_only_once(house: House) -> None:
    reference = held(house, "same-name-2")
    told = item_of(house, reference, "asiakas")["erase_on"]
    assert told == "2031-11-24"
    set_day(house, date(2031, 6, 2))
    house.work()
    house.mailer.sent.clear()
    before = customer(house, "same-name-2")
    owes_again(house, "same-name-2")
    night(house)

    item = item_of(house, reference, "asiakas")
    assert (item["erase_on"], item["planned_on"], item["told_on"]) == ("2034-06-02", told, "2034-06-02")
    assert "H09" in item["holds"]
    assert house.state(reference) == "held"
    (mail,) = house.mails_to(mail_of("same-name-2"))
    assert "siirtyi" in mail.partition("\n")[0]
    assert house.file(reference, "letter_hold_later.pdf").stat().st_size > 0
    assert len(audited(house, reference, "plan:postponed")) == 1
    assert customer(house, "same-name-2") == before

    for _ in range(3):
        night(house)
    assert len(house.mails_to(mail_of("same-name-2"))) == 1
    assert len(audited(house, reference, "plan:postponed")) == 1

    set_day(house, date(2031, 11, 24))
    house.work()
    assert customer(house, "same-name-2")["sukunimi"] == before["sukunimi"]
    pays(house, "same-name-2")
    night(house)
    assert customer(house, "same-name-2")["sukunimi"] != before["sukunimi"]
    assert not audited(house, reference, "erasure:residue")
    assert house.chain_is_whole()
