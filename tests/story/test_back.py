"""Coming back: a register that was put back to an earlier day, and our own records on their way out."""

from datetime import timedelta

from sqlalchemy import select

from models.request import DataKey, Request
from models.vocabulary import Right
from tests.story.house import House
from workflows.demo.planting import customer_number
from workflows.purge.run import purge
from workflows.replays.opening import open_replays, replay
from workflows.replays.probing import probe
from workflows.views import find_request


def columns(house: House) -> list[str]:
    """The names of the customer register's columns, in order."""
    found = house.dump()["asiakas", "asiakas"]
    names = {name for row in found for name, _ in row}
    return sorted(names)


def test_a_customer_who_was_erased_and_restored_is_erased_again_and_nobody_is_written_to(house: House) -> None:
    number = customer_number("ended-12-years")
    names = columns(house)
    chosen = f"SELECT {', '.join(names)} FROM asiakas WHERE asnro = :n"
    (before,) = house.query("asiakas", chosen, n=number)
    since = house.rt.now() - timedelta(hours=1)
    reference = house.ask("ended-12-years", Right.ERASURE)
    house.work()
    house.approve(reference)
    house.work()
    after, sent = house.dump(), len(house.mailer.sent)
    assert replay(house.rt, "asiakas", since, user="", dry_run=True).seen.hits == []
    changed = ", ".join(f"{name} = :{name}" for name in names if name != "asnro")
    house.execute(
        "asiakas", f"UPDATE asiakas SET {changed} WHERE asnro = :asnro", **dict(zip(names, before, strict=True))
    )
    assert house.dump() != after
    opened = replay(house.rt, "asiakas", since, user="anneli")
    assert [hit.row.locator for hit in opened.seen.hits] == [{"asnro": number}]
    house.work()
    (again,) = opened.references
    assert house.approve(again, "tuulikki") == 0
    house.work()
    assert house.dump() == after
    assert house.ended(again)[0] == "closed"
    assert len(house.mailer.sent) == sent
    with house.rt.unit() as session:
        assert open_replays(session) == set()
    assert house.chain_is_whole()


def test_a_year_after_the_end_nobody_can_tell_who_asked(house: House) -> None:
    reference = house.finish("active")
    with house.rt.unit() as session:
        case = find_request(session, reference)
        key = case.data_key_id
    for _ in range(374):
        house.clock.advance(days=1)
        purge(house.rt)
    with house.rt.unit() as session:
        case = session.scalars(select(Request).where(Request.reference == reference)).one()
        assert (case.claim_sealed, case.proof_sealed, case.subject_digest) == (b"", None, None)
        assert session.get_one(DataKey, key).wrapped is None
    assert not [name for name in house.rt.blobs.names() if name.startswith(str(case.id))]
    assert house.ended(reference) == ("closed", "delivered")
    assert house.chain_is_whole()
    assert probe(house.rt) == {}
