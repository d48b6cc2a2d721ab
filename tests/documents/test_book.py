"""The book: readable, honest about what is left out, and never a word of another person."""

import io
import re
import subprocess
import zipfile
from datetime import UTC, date, datetime, timedelta
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from models.vocabulary import LANGUAGES, Ownership, SourceResult
from tests.documents.test_pdf import assert_accessible
from workflows.documents.charts import bars, heat, picture, shade_of
from workflows.documents.documents import Documents
from workflows.documents.words import words
from workflows.ports import SourceFacts
from workflows.register.model import Controller, Register
from workflows.rules.items import Item


def day(n, quarters=96):
    first = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=n)
    rows = [[(first + timedelta(minutes=15 * q)).isoformat(), f"0.{q:02d}", "OK"] for q in range(quarters)]
    locator = {"key": {"point": "649"}, "at": "at"}
    return Item(
        "metering", "reading", locator, "C05", Ownership.OWN, "0" * 64, {}, on=first.date(),
        columns=["at", "kwh", "status"], series=rows,
    )  # fmt: skip


def contacts(item, count, secret="Naapuri Nieminen"):
    for n in range(count):
        fields = {"id": n, "at": "2025-03-04T08:30:00Z", "kind": "P", "other": secret}
        yield item("contact", category="C12", fields=fields, on=date(2025, 3, 4), third_party=("other",))


def unzip(documents, case, items):
    out = io.BytesIO()
    documents.package(case, {s: (lambda rows=rows: iter(rows)) for s, rows in items.items()}, out)
    with zipfile.ZipFile(out) as z:
        return {n: z.read(n) for n in z.namelist()}


def text_of(pdf):
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


@pytest.fixture(scope="module")
def packed(documents, case, item):
    """One package a language, with a record, a long table and a series."""
    items = {"crm": [item(), *contacts(item, 230)], "metering": [day(n) for n in range(40)]}
    return {language: unzip(documents, case(language), items) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_book_is_tagged_and_its_pictures_have_words(packed, language):
    pdf = assert_accessible(packed[language][f"your_data_{language}.pdf"], language)
    assert len(pdf.pages) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_persons_name_can_not_be_got_back_from_any_file(packed, language):
    for name, data in packed[language].items():
        assert b"Nieminen" not in data, name
    text = text_of(packed[language][f"your_data_{language}.pdf"])
    assert "Nieminen" not in text
    mark = words(language).book.redacted
    assert mark in re.sub(r"\s+", " ", text)
    assert mark in unescape(packed[language]["html/03_contact_history.html"].decode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_is_meant_for_programs_shows_on_a_page(packed, language):
    for name, data in packed[language].items():
        text = text_of(data) if name.endswith(".pdf") else data.decode() if name.endswith((".html", ".txt")) else ""
        assert not re.findall(r"[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff]", text), name


def test_codes_dates_and_labels_are_written_for_people(packed):
    chapter = packed["fi"]["html/03_contact_history.html"].decode()
    assert "puhelu (P)" in chapter
    assert "4.3.2025" in chapter
    assert "10.30" in chapter
    assert '<th scope="col">Tapa</th>' in chapter
    assert "samtal (P)" in packed["sv"]["html/03_contact_history.html"].decode()
    assert "4\N{NO-BREAK SPACE}Mar\N{NO-BREAK SPACE}2025" in packed["en"]["html/03_contact_history.html"].decode()


def test_a_hidden_column_is_in_the_data_but_not_in_the_book(packed):
    assert '"id"' in packed["fi"]["data/crm_customer.csv"].decode()
    assert ">Id<" not in packed["fi"]["html/01_identity.html"].decode()


def test_an_identity_code_is_masked_for_reading_and_whole_for_machines(documents, case, item):
    code = "070358-9020"
    files = unzip(documents, case(), {"crm": [item(fields={"id": 1, "name": f"hetu {code}.", "note": code})]})
    for name, data in files.items():
        assert (code.encode() in data) is name.startswith("data/crm_customer"), name
    assert code not in text_of(files["your_data_fi.pdf"])
    assert "070358-****" in files["html/01_identity.html"].decode()


def test_long_tables_say_where_the_rest_is(packed):
    chapter = packed["fi"]["html/03_contact_history.html"].decode()
    assert chapter.count("puhelu (P)") == 200
    assert "Tässä on 200 tietuetta, kaikkiaan niitä on 230. Kaikki ovat tiedostossa data/crm_contact.csv." in chapter
    assert packed["fi"]["data/crm_contact.csv"].count(b"\r\n") == 231


def test_a_series_is_a_picture_with_its_figures_and_no_list_of_rows(packed):
    chapter = packed["en"]["html/02_consumption.html"].decode()
    assert chapter.count("<img") == 2
    assert "0.37" not in packed["en"]["START_HERE.html"].decode()
    assert "Use is highest on average" in chapter
    assert packed["en"]["data/metering_reading.csv"].count(b"\r\n") == 40 * 96 + 1


def test_what_was_left_out_and_not_searched_is_named(documents, case, item):
    theirs = item("contact", category="C12", fields={"id": 9}, ownership=Ownership.THIRD_PARTY)
    sources = (
        SourceFacts("crm", "Asiakasrekisteri", SourceResult.FOUND, "", {"customer": 1}),
        SourceFacts("metering", "Mittaustiedot", SourceResult.FAILED, "down", {}),
        SourceFacts("paper", "Paperiarkisto", SourceResult.NOT_SEARCHED, "by_hand", {}),
        SourceFacts("news", "Uutiskirje", SourceResult.NONE, "", {}),
    )
    start = unzip(documents, case(sources=sources), {"crm": [item(), theirs]})["START_HERE.html"].decode()
    for words_there in ("Haku ei onnistunut", "Ei haettu", "Ei tietoja sinusta", "Toisten ihmisten tietueet"):
        assert words_there in start
    assert "Järjestelmä, jota ei voitu hakea: Mittaustiedot" in start


def test_a_person_of_whom_nothing_is_known_gets_a_whole_book(documents, case):
    sources = (SourceFacts("crm", "Asiakasrekisteri", SourceResult.NONE, "", {}),)
    files = unzip(documents, case(sources=sources), {"crm": []})
    assert "emmekä löytäneet tietoja sinusta" in re.sub(r"\s+", " ", text_of(files["letter_fi.pdf"]))
    assert_accessible(files["your_data_fi.pdf"], "fi")


def test_text_from_the_data_is_never_markup(documents, case, item):
    attack = '<script>alert(1)</script><img src="http://x.example/a.png">{{ 7*7 }}'
    files = unzip(documents, case(name=attack), {"crm": [item(fields={"id": 1, "name": attack})]})
    chapter = files["html/01_identity.html"].decode()
    assert "<script" not in chapter
    assert "&lt;script&gt;" in chapter
    assert "{{ 7*7 }}" in chapter


def test_no_page_refers_to_anything_outside(packed):
    for name, data in packed["fi"].items():
        if name.endswith(".html"):
            references = re.findall(r'(?:src|href)="([^"]*)"', data.decode())
            assert all(r.startswith("data:image/svg+xml;base64,") or r in packed["fi"] or r == "../START_HERE.html"
                       for r in references), name  # fmt: skip
            assert "default-src 'none'" in data.decode()
            assert not re.search(r"@import|@font-face|url\((?!['\"]?data:)", data.decode()), name


def test_the_least_register_gets_a_package_too(case, item):
    bare = Register(folder="", controller=Controller(name="Oy"), categories={}, holds=(), sources={}, digest="")
    documents = Documents(bare, signing_key=None)
    try:
        files = unzip(documents, case(), {"crm": [item(category="user.name")]})
        assert "Note" in files["html/01_other_data.html"].decode()
        assert "asuinmaasi tietosuojaviranomainen" in re.sub(r"\s+", " ", text_of(files["letter_fi.pdf"]))
    finally:
        documents.close()


def test_the_words_of_all_languages_have_the_same_keys_and_places():
    def shape(tree):
        if hasattr(tree, "keys"):
            return {key: shape(tree[key]) for key in tree}
        return len(tree) if isinstance(tree, list) else sorted(re.findall(r"{\w+}", tree))

    assert shape(words("fi")) == shape(words("sv")) == shape(words("en"))


def test_charts_are_well_formed_whatever_they_show():
    for groups in ({}, {"2025": []}, {"<&>": [None, 0.0, 1e9]}, {"a": [1e-9], "b": [3.3]}):
        ET.fromstring(bars(["<x>", "y", "z"], groups, language="fi"))
    ET.fromstring(heat(["ma"], ["0"], {}))
    assert shade_of(0, 0) == shade_of(-1, 5) == "#eef3f7"
    assert shade_of(9, 5) == "#0b5c8a"
    assert 'alt="&lt;b&gt;&quot;"' in picture("<svg/>", '<b>"')
