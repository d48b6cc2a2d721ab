"""No letter goes out without what the law wants said, nor with a personal identity code, whoever wrote its text."""

import pytest

from models.vocabulary import LANGUAGES, Letter, SourceResult
from workflows.documents.catalogue import Catalogue
from workflows.documents.contents import CONTENTS, owed
from workflows.documents.letters import MAIL_ONLY, TEMPLATES, Letters, template_name
from workflows.documents.saying import told
from workflows.documents.words import words
from workflows.errors import NeverAgain
from workflows.ports import CaseFacts, SourceFacts
from workflows.register.grounds import built_in

CODE = "131052-308T"
OWED = [
    (letter, medium, piece.name)
    for letter in CONTENTS
    for medium in ("mail", "letter")
    for piece in owed(letter, medium)
]
BLOCKS = (TEMPLATES / "blocks.html").read_text(encoding="utf-8")


def full(case, language: str, letter: Letter) -> CaseFacts:
    """A case in which every content of this letter is owed."""
    grounds = {Letter.REFUSAL: "rights_of_others"}
    unsure = SourceFacts(
        "crm", "", SourceResult.FOUND, "", {"customer": 2, "contact": 1}, {"candidate": 7, "third_party": 1}
    )
    not_searched = SourceFacts("paper", "Arkiv", SourceResult.NOT_SEARCHED, "by_hand", {})
    told = {"refusal_ground": grounds.get(letter, ""), "categories": ("C05", "other")}
    return case(language, **told, sources=(unsure, not_searched))


def overridden(tmp_path, new_register, name: str, text: str) -> Letters:
    file = tmp_path / "letters" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return Letters(Catalogue(new_register(str(tmp_path))))


def composed(letters: Letters, letter: Letter, medium: str, facts: CaseFacts) -> str:
    return letters.mail(letter, facts).body if medium == "mail" else letters.html(letter, facts)


def test_every_letter_that_has_a_paper_has_its_contents_listed():
    assert set(Letter) - set(CONTENTS) <= MAIL_ONLY


@pytest.mark.parametrize(("letter", "medium", "piece"), OWED, ids=lambda value: getattr(value, "value", value))
def test_a_letter_that_does_not_say_what_it_must_is_blocked(tmp_path, new_register, case, letter, medium, piece):
    language = "sv"
    name = template_name(letter, medium, language=language)
    own = (TEMPLATES / name).read_text(encoding="utf-8")
    assert f'"{piece}"' in own + BLOCKS
    assert composed(Letters(Catalogue(new_register())), letter, medium, full(case, language, letter))
    for file, text in ((name, own), ("blocks.html", BLOCKS)):
        letters = overridden(tmp_path, new_register, file, text.replace(f'"{piece}"', '"something_else"'))
    with pytest.raises(NeverAgain, match="contents") as stopped:
        composed(letters, letter, medium, full(case, language, letter))
    assert piece in stopped.value.detail.partition(":")[2]


def test_a_content_whose_date_was_left_out_is_not_said(tmp_path, new_register, case):
    name = "acknowledgement/mail.fi.txt"
    text = (TEMPLATES / name).read_text(encoding="utf-8").replace("viimeistään {{ due_on }}", "pian")
    letters = overridden(tmp_path, new_register, name, text)
    with pytest.raises(NeverAgain, match="does not say: due"):
        letters.mail(Letter.ACKNOWLEDGEMENT, case())


def test_a_table_that_leaves_out_why_something_is_kept_blocks_the_decision(tmp_path, new_register, case):
    letters = overridden(tmp_path, new_register, "blocks.html", BLOCKS.replace('{{ r.why | join(" ")', '{{ ""'))
    with pytest.raises(NeverAgain, match="kept"):
        letters.html(Letter.PARTIAL_ERASURE, case())


@pytest.mark.parametrize(
    ("left_out", "gap"),
    [("{{ controller.name }}", "controller"), ("{{ controller.dpo.email }}", "dpo"), ("{{ reference }}", "reference")],
)
def test_every_mail_shows_who_writes_about_what_and_whom_to_ask(tmp_path, new_register, case, left_out, gap):
    name = "ready/mail.en.txt"
    text = (TEMPLATES / name).read_text(encoding="utf-8").replace(left_out, "")
    with pytest.raises(NeverAgain, match=gap):
        overridden(tmp_path, new_register, name, text).mail(Letter.READY, case("en"))


def test_a_mark_with_nothing_behind_it_says_nothing():
    text = "a \x02one\x03</p><p>other</p> \x02two three\x03<b>Words</b> &amp; more</p>"
    assert told(text, markup=True) == {"one": "", "two": "Words & more", "three": "Words & more"}


@pytest.mark.parametrize(
    "written",
    [CODE, "131052 - 308T", "131052\u2013308t", "1310\u00ad52-308T", "131052-308<b>T</b>", f"{CODE}</p><p>Hei"],
)
def test_no_letter_shows_a_personal_identity_code(tmp_path, new_register, case, written):
    name = "estate/letter.fi.html"
    text = (
        (TEMPLATES / name)
        .read_text(encoding="utf-8")
        .replace("{{ received_on }}.", f"{{{{ received_on }}}}. {written}")
    )
    with pytest.raises(NeverAgain, match="identity_code") as stopped:
        overridden(tmp_path, new_register, name, text).html(Letter.ESTATE, case())
    assert "308" not in str(stopped.value)


def test_no_reason_that_staff_wrote_carries_a_personal_identity_code_out(documents, case):
    with pytest.raises(NeverAgain, match="identity_code"):
        documents.letter(Letter.REFUSAL, case(refusal_reason=f"Henkilön {CODE} pyyntö ei koske häntä."))


@pytest.mark.parametrize("place", ["subject", "body"])
def test_no_mail_carries_a_personal_identity_code(tmp_path, new_register, case, place):
    name = "ready/mail.fi.txt"
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    old = "Subject: " if place == "subject" else "Hei,"
    letters = overridden(tmp_path, new_register, name, text.replace(old, f"{old}{CODE} "))
    with pytest.raises(NeverAgain, match="identity_code"):
        letters.mail(Letter.READY, case())


def test_a_masked_code_and_numbers_that_only_look_like_one_pass(documents, case):
    told_so = "Henkilö 131052-****, lasku 123456-1234, asiakas 131052-308A ja viite 99131052-308T."
    assert documents.letter(Letter.REFUSAL, case(refusal_reason=told_so))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unproven_person_reads_the_ground_and_the_remedies_in_the_mail_itself(documents, case, language):
    mail = documents.mail(Letter.REFUSAL, case(language, refusal_ground="not_identified", link="", name=""))
    assert words(language).ground.not_identified in mail.body
    assert words(language).remedies.court in mail.body
    assert "Lasku" not in mail.body


@pytest.mark.parametrize("ground", [g.id for g in built_in().values() if any("1050/2018" in law for law in g.law)])
def test_whoever_is_not_given_data_by_section_34_hears_that_the_ombudsman_may_be(case, register, ground):
    html = Letters(Catalogue(register)).html(Letter.REFUSAL, case("en", refusal_ground=ground, receipts={}))
    assert words("en").indirect in html


def test_a_refused_request_is_not_told_that_anything_is_erased_now(documents, case, register):
    html = Letters(Catalogue(register)).html(Letter.REFUSAL, case(refusal_ground="no_ground", receipts={}))
    assert words("fi").action.delete not in html
    assert "Mitään osaa pyynnöstä ei ole toteutettu." in html


def test_an_answer_by_hand_says_all_that_was_written_and_who_wrote_it(register, case):
    html = Letters(Catalogue(register)).html(Letter.ANSWER, case())
    assert "Sopimus siirtyi pesälle." in html
    assert "Laskut lähetetään sille." in html
    assert "Kaisa Käsittelijä" in html


@pytest.mark.parametrize("reason", ["complexity", "number_of_requests", "source_unavailable", "third_party_review"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_more_time_is_told_in_words(documents, case, language, reason):
    mail = documents.mail(Letter.EXTENSION, case(language, extension_reason=reason))
    assert words(language).extension[reason] in mail.body
    assert reason not in mail.body


def test_a_reason_that_has_no_words_blocks_the_mail(documents, case):
    with pytest.raises(NeverAgain, match="placeholder"):
        documents.mail(Letter.EXTENSION, case(extension_reason="weather"))


@pytest.mark.parametrize("letter", [Letter.ACKNOWLEDGEMENT, Letter.CODE, Letter.READY, Letter.DUPLICATE])
def test_a_mail_needs_no_fact_that_it_does_not_say(documents, case, letter):
    minimal = case(
        extension_reason="", refusal_ground="", refusal_reason="", ask_kind="", stage="", sources=(), plan=()
    )
    assert documents.mail(letter, minimal)
