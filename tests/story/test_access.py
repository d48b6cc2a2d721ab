"""An access request: proven by a code to the contact on file, delivered whole, and with nobody else's data."""

import io
import re
import zipfile
from pathlib import Path

import pikepdf
import pytest

from models.vocabulary import Right
from tests.story.conftest import Move
from tests.story.house import House, last_code, mail_of, records_of
from workflows.demo.planting import customer_number
from workflows.documents.verify import verify_package
from workflows.errors import NotFound
from workflows.stages.verification import again

KEYS = {
    "asiakas": ("asnro",),
    "osoite": ("osoite_id",),
    "nimihistoria": ("nimi_id",),
    "yhteyshenkilo": ("yht_id",),
    "kielto": ("kielto_id",),
    "sopimus": ("sopnro",),
    "lasku": ("laskunro",),
    "laskurivi": ("laskunro", "rivi"),
    "suoritus": ("suoritus_id",),
    "muistutus": ("muistutus_id",),
    "osareskontra": ("tosite",),
    "kayttopaikka": ("gsrn",),
    "mittari": ("mittarinro",),
    "sarja_15": ("gsrn", "start_utc"),
    "keskeytys": ("keskeytys_id",),
    "toimeksianto": ("nro",),
}


def owned(house: House, who: str) -> dict[str, int]:
    """How many records of each collection are this person's, asked of the databases in plain SQL."""
    n = customer_number(who)
    counts = {
        table: house.query("asiakas", f"SELECT count(*) FROM {table} WHERE asnro = :n", n=n)[0][0]
        for table in ("asiakas", "osoite", "nimihistoria", "yhteyshenkilo", "kielto")
    }
    mine = "SELECT laskunro FROM lasku WHERE asnro = :n"
    for table, where in {
        "sopimus": "asnro = :n OR asnro2 = :n",
        "lasku": "asnro = :n",
        "osareskontra": "asnro = :n",
        **dict.fromkeys(("laskurivi", "suoritus", "muistutus"), f"laskunro IN ({mine})"),
    }.items():
        counts[table] = house.query("laskutus", f"SELECT count(*) FROM {table} WHERE {where}", n=str(n))[0][0]
    deals = house.query("laskutus", "SELECT gsrn FROM sopimus WHERE asnro = :n OR asnro2 = :n", n=str(n))
    for table in ("kayttopaikka", "mittari", "sarja_15", "keskeytys"):
        counts[table] = sum(
            house.query("mittaus", f"SELECT count(*) FROM {table} WHERE gsrn = :g", g=g)[0][0] for (g,) in set(deals)
        )
    return {table: count for table, count in counts.items() if count}


def everything_readable(package: Path) -> str:
    """All text of all files, the PDFs' too, but for digests: two thousand numbers of six digits turn up in them."""
    texts = []
    with zipfile.ZipFile(package) as files:
        for name in files.namelist():
            data = files.read(name)
            texts.append(text_of_pdf(data) if name.endswith(".pdf") else data.decode("utf-8", "replace"))
    return re.sub(r"\b[0-9a-f]{64}\b", "", "\n".join(texts))


def text_of_pdf(data: bytes) -> str:
    """Its tagged texts and metadata; page contents are glyph numbers, which only a reader can turn back."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return "\n".join(str(obj) for obj in pdf.objects if isinstance(obj, pikepdf.String | pikepdf.Dictionary))


def strangers(house: House, *known: str) -> set[str]:
    """What would betray anybody else: identity codes, numbers, e-mails, phones of all other customers."""
    numbers = [customer_number(slug) for slug in known]
    marks: set[str] = set()
    mine: set[str] = set()
    for asnro, *values in house.query("asiakas", "SELECT asnro, asnro, hetu, sahkoposti, puhelin FROM asiakas"):
        (mine if asnro in numbers else marks).update(str(v) for v in values if v)
    for gsrn, *holders in house.query("laskutus", "SELECT gsrn, asnro, asnro2 FROM sopimus"):
        (mine if {int(h) for h in holders if h} & set(numbers) else marks).add(gsrn)
    return {mark for mark in marks - mine if len(mark) > 5}


def test_a_code_to_the_contact_on_file_opens_the_whole_answer_and_nothing_else(house: House) -> None:
    given = {"customer_number": str(customer_number("active")), "email": "else@where.example"}
    reference = house.ask(given, desk=False, reply_to="else@where.example")
    house.work()
    assert house.state(reference) == "verifying"
    assert all(not re.search(r"\b\d{8}\b", mail) for mail in house.mails_to("else@where.example"))
    assert not house.answer(reference, "00000000")
    assert house.answer(reference, house.code_for("active"))
    house.work()
    assert house.ended(reference) == ("closed", "delivered")
    package = house.file(reference)
    assert verify_package(package) == []
    records = records_of(package)
    assert {table: len(rows) for table, rows in records.items() if rows} == owned(house, "active")
    for table, rows in records.items():
        assert not rows or set(KEYS[table]) <= set(rows[0]), sorted(rows[0])
        keys = {tuple(row[c] for c in KEYS[table]) for row in rows}
        assert len(keys) == len(rows), f"a record of {table} is told twice"
    text = everything_readable(package)
    assert "Aino Maria" in text
    assert [mark for mark in strangers(house, "active") if mark in text] == []
    assert house.chain_is_whole()


@pytest.mark.parametrize(
    "who", ["shared-mail-1", "same-name-1", "moved-in", "name-change", "sami", "protected", "joint-second"]
)
def test_everybody_of_the_cast_gets_all_of_theirs_and_nothing_of_others(house_here: House, who: str) -> None:
    if who == "moved-in":  # the values of the flat before she came are somebody else's
        gsrn = house_here.query("laskutus", "SELECT gsrn FROM sopimus WHERE asnro = :n", n=str(customer_number(who)))
        before = "INSERT INTO sarja_15 VALUES (:g, '2025-01-15 10:00:00', 98.7654, 'M')"
        house_here.execute("mittaus", before, g=gsrn[0][0])
    reference = house_here.finish(who)
    assert house_here.ended(reference) == ("closed", "delivered")
    counts = {table: len(rows) for table, rows in records_of(house_here.file(reference)).items() if rows}
    expected = owned(house_here, who)
    if who == "moved-in":
        assert 0 < counts["sarja_15"] == expected["sarja_15"] - 1
        expected["sarja_15"] -= 1
    assert counts == expected
    text = everything_readable(house_here.file(reference))
    assert [mark for mark in strangers(house_here, who) if mark in text] == []


@pytest.mark.slow
def test_the_letter_and_the_book_are_in_the_package_as_pdf(move_in_here: Move) -> None:
    house = move_in_here(render_pdf=True)
    reference = house.finish("swedish")
    assert house.ended(reference) == ("closed", "delivered")
    package = house.file(reference)
    assert verify_package(package) == []
    with zipfile.ZipFile(package) as files:
        pdfs = {name: files.read(name) for name in files.namelist() if name.endswith(".pdf")}
    assert len(pdfs) == 2
    for data in pdfs.values():
        with pikepdf.open(io.BytesIO(data)) as pdf:
            assert pdf.Root.MarkInfo.Marked
            assert len(pdf.pages) >= 1


def test_letters_to_a_swedish_person_are_in_swedish(house_here: House) -> None:
    number = {"customer_number": str(customer_number("swedish"))}
    reference = house_here.ask(number, desk=False, language="sv", reply_to="any@where.example")
    house_here.work()
    assert house_here.answer(reference, last_code(house_here.mails_to(mail_of("swedish"))))
    house_here.work()
    assert {m.language for m in house_here.mailer.sent} == {"sv"}
    assert "Hej" in house_here.mailer.sent[-1].body


def test_a_person_nobody_knows_looks_the_same_from_outside_and_is_told_in_time(house: House) -> None:
    known = house.ask("active", desk=False, reply_to="one@where.example")
    unknown = house.ask("unknown", desk=False, reply_to="two@where.example")
    house.work()
    assert house.state(known) == house.state(unknown) == "verifying"
    one, two = house.mails_to("one@where.example"), house.mails_to("two@where.example")
    assert [re.sub(r"TP-\S+|status/\S+", "", m) for m in one] == [re.sub(r"TP-\S+|status/\S+", "", m) for m in two]
    assert len(one) == 1
    for reference in (known, unknown):
        assert not house.answer(reference, "12345678")
    house.clock.advance(days=27)
    house.work()
    assert house.ended(unknown) == ("closed", "not_identified")
    assert house.show(unknown)["answered_at"][:10] <= house.show(unknown)["due_a"]
    refusal = house.mails_to("two@where.example")[-1]
    assert unknown in refusal
    assert house.ended(known) == ("closed", "not_identified")
    assert all(row["result"] == "not_searched" for row in house.show(unknown)["sources"])


def test_a_code_opens_once_and_five_wrong_ones_open_nothing(house: House) -> None:
    reference = house.ask("active", desk=False, reply_to="one@where.example")
    house.work()
    code = house.code_for("active")
    for _ in range(5):
        assert not house.answer(reference, "00000001" if code != "00000001" else "00000002")
    assert not house.answer(reference, code)
    with house.held(reference) as (session, request):
        again(session, house.rt, request)
    house.work()
    fresh = house.code_for("active")
    house.clock.advance(minutes=31)
    assert not house.answer(reference, fresh)
    assert house.state(reference) == "verifying"


def test_nothing_found_anywhere_is_an_answer_too(house: House) -> None:
    reference = house.ask({"email": "nobody@nowhere.example"})
    house.work()
    assert house.ended(reference) == ("closed", "nothing_found")
    records = records_of(house.file(reference))
    assert not any(records.values())
    erasure = house.ask({"email": "nobody@nowhere.example"}, Right.ERASURE)
    house.work()
    assert house.ended(erasure) == ("closed", "nothing_found")
    assert house.file(erasure, "letter_erasure.pdf").exists()


def test_a_package_is_gone_after_thirty_days_and_the_letter_is_not(house: House) -> None:
    reference = house.finish("active")
    house.clock.advance(days=31)
    house.work()
    with pytest.raises(NotFound):
        house.file(reference)
    assert not [name for name in house.rt.blobs.names() if "package" in name]


def test_five_points_with_their_years_are_delivered_as_a_portable_package(house_here: House) -> None:
    reference = house_here.finish("five-points", Right.PORTABILITY)
    assert house_here.ended(reference) == ("closed", "delivered")
    records = records_of(house_here.file(reference))
    assert len({row["gsrn"] for row in records["sarja_15"]}) == 5


def test_who_has_two_numbers_gets_both(house_here: House) -> None:
    reference = house_here.finish("two-numbers")
    assert {r["asnro"] for r in records_of(house_here.file(reference))["asiakas"]} == {
        customer_number("two-numbers"),
        customer_number("two-numbers") + 10_000,
    }
