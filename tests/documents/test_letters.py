"""Letters and mails: complete in every language, and mails that give nothing away."""

import re
from dataclasses import fields, replace
from datetime import date

import pytest
from jinja2 import meta

from models.vocabulary import LANGUAGES, Letter
from workflows.documents.catalogue import Catalogue
from workflows.documents.documents import Documents
from workflows.documents.facts import letter_facts
from workflows.documents.formats import long_date
from workflows.documents.letters import MAIL_ONLY, TEMPLATES, Letters, environment, template_names
from workflows.documents.words import words
from workflows.errors import NeverAgain
from workflows.register.model import Backups

FRAME = "{{ reference }} {{ controller.name }} {{ controller.dpo.email }}"
PAPER = [letter for letter in Letter if letter not in MAIL_ONLY]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", Letter)
def test_every_mail_renders_in_every_language(documents, case, letter, language):
    mail = documents.mail(letter, case(language))
    assert "TP-2026-7K4M-9X" in mail.subject + mail.body
    assert "{" not in mail.subject + mail.body
    assert "\n\n\n" not in mail.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", PAPER)
def test_every_letter_becomes_a_pdf_in_every_language(documents, case, letter, language):
    assert documents.letter(letter, case(language)).startswith(b"%PDF-")


def test_a_notice_that_goes_by_mail_only_has_no_letter(documents, case):
    with pytest.raises(NeverAgain, match="no_letter"):
        documents.letter(Letter.READY, case())


@pytest.mark.parametrize("letter", Letter)
def test_a_mail_holds_no_personal_data(documents, case, letter):
    canary = "Kanarialintu"
    marked = case(
        name=canary, extension_reason="complexity", refusal_reason=canary, verified_method="code", decided_by=canary
    )
    mail = documents.mail(letter, marked)
    assert canary not in mail.subject + mail.body


def test_a_mail_template_can_not_reach_personal_data(tmp_path, new_register, case):
    folder = tmp_path / "letters" / "ready"
    folder.mkdir(parents=True)
    (folder / "mail.fi.txt").write_text("{# version: 2 · approved by: X #}\nSubject: A\n\nHei {{ name }}")
    with pytest.raises(NeverAgain, match="placeholder"):
        Documents(new_register(str(tmp_path)), signing_key=None).mail(Letter.READY, case())


def test_a_missing_fact_stops_the_letter(documents, case):
    with pytest.raises(NeverAgain, match="placeholder"):
        documents.mail(Letter.CODE, case(code=""))
    with pytest.raises(NeverAgain, match="placeholder"):
        documents.letter(Letter.EXTENSION, case(extension_reason=""))


def test_a_hold_sentence_without_its_number_stops_the_letter(documents, case):
    whole = case()
    line = whole.plan[1]
    broken = replace(line, holds=(replace(line.holds[0], params={"amount": "51.20"}),))
    with pytest.raises(NeverAgain, match="placeholder"):
        documents.letter(Letter.PARTIAL_ERASURE, replace(whole, plan=(broken,)))


@pytest.mark.parametrize("letter", Letter)
def test_the_languages_of_a_letter_have_the_same_placeholders(letter):
    env = environment([TEMPLATES])
    for kind in ("mail.{}.txt", "letter.{}.html"):
        names = [f"{letter.value}/" + kind.format(language) for language in LANGUAGES]
        if letter in MAIL_ONLY and kind.startswith("letter"):
            continue
        sources = [(TEMPLATES / name).read_text() for name in names]
        variables = [meta.find_undeclared_variables(env.parse(source)) for source in sources]
        assert variables[0] == variables[1] == variables[2]
        places = [sorted(re.findall(r"{{ *(\w+)", source)) for source in sources]
        assert places[0] == places[1] == places[2]


@pytest.mark.parametrize(
    ("language", "channel", "sentence"),
    [
        ("fi", "email", "Saimme pyyntösi {day} sähköpostitse."),
        ("sv", "desk", "Vi fick din begäran den {day} hos vår kundtjänst."),
        ("en", "portal", "We received your request on {day} by our web form."),
        ("en", "pigeon", "We received your request on {day} in another way."),
        ("en", "", "We received your request on {day}."),
    ],
)
def test_the_acknowledgement_says_how_the_request_came(documents, case, language, channel, sentence):
    told = case(language, channel=channel, received_on=date(2026, 3, 2))
    expected = sentence.format(day=long_date(date(2026, 3, 2), language))
    assert expected in documents.mail(Letter.ACKNOWLEDGEMENT, told).body


@pytest.mark.parametrize("letter", [Letter.ERASURE, Letter.FINAL_ERASURE, Letter.PARTIAL_ERASURE])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_certificate_names_the_day_by_which_backups_are_rid_of_the_data(register, case, letter, language):
    day = long_date(date(2026, 4, 6), language)
    told = case(language, today=date(2026, 3, 2))
    known = register.model_copy(
        update={"controller": register.controller.model_copy(update={"backups": Backups(days=35)})}
    )
    assert day in Letters(Catalogue(known)).html(letter, told)
    assert day not in Letters(Catalogue(register)).html(letter, told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_that_opens_an_answer_says_what_it_is_for(documents, case, language):
    identify = documents.mail(Letter.CODE, case(language))
    fetch = documents.mail(Letter.FETCH_CODE, case(language))
    assert identify.subject != fetch.subject
    assert identify.body.splitlines()[5:8] != fetch.body.splitlines()[5:8]


def test_every_template_names_its_version_and_approver(documents):
    versions = documents.template_versions()
    assert set(versions) == set(template_names())
    assert all(version for version in versions.values())


def test_the_register_may_override_a_letter(tmp_path, new_register, case):
    folder = tmp_path / "letters" / "ready"
    folder.mkdir(parents=True)
    (folder / "mail.fi.txt").write_text(f"{{# version: 2 · approved by: T. T. #}}\nSubject: Oma\n\nOma {FRAME}\n")
    own = Documents(new_register(str(tmp_path)), signing_key=None)
    assert own.mail(Letter.READY, case()).subject == "Oma"
    assert own.template_versions()["ready/mail.fi.txt"] == "2 · T. T."
    (folder / "mail.fi.txt").write_text("Subject: Oma\n\nOma {{ reference }}\n")
    with pytest.raises(NeverAgain, match="template"):
        own.mail(Letter.READY, case())


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ reference.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ self._TemplateReference__context }}",
        "{% include '/etc/passwd' %}",
        "{% include '../../../../etc/passwd' %}",
        "{{ extra.update({'a': 1}) }}",
    ],
)
def test_an_overriding_template_can_not_leave_the_sandbox(tmp_path, new_register, case, attack):
    folder = tmp_path / "letters" / "ready"
    folder.mkdir(parents=True)
    (folder / "mail.fi.txt").write_text("{# version: 2 · approved by: X #}\nSubject: A\n\n" + attack)
    with pytest.raises(NeverAgain):
        Documents(new_register(str(tmp_path)), signing_key=None).mail(Letter.READY, case())


def test_the_case_has_no_field_for_a_national_identity_code(case):
    assert not any("hetu" in field.name for field in fields(case()))


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_each_reason_to_keep_a_record_that_nothing_holds_has_its_own_words(language):
    from workflows import planning

    told = words(language)["reason"]
    assert all(told[reason] != told["other"] for reason in planning._STAYS)


@pytest.mark.parametrize("letter", [Letter.PARTIAL_ERASURE, Letter.HOLD_LATER])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_record_of_which_a_part_goes_is_told_with_the_part_that_stays_and_its_day(register, case, letter, language):
    from models.vocabulary import Action, Ownership
    from workflows.ports import PlanLine
    from workflows.rules.items import HoldMatch

    until, day = date(2031, 12, 31), date(2032, 1, 1)
    hold = HoldMatch("H01", "KPL 2:10", until, keeps=("name",), params={"no": "1042"})
    line = PlanLine(
        "crm", "customer", "C01", Action.MASK, Ownership.OWN, 1, (hold,), "held", erase_on=day, fields=("email",)
    )
    facts = letter_facts(Catalogue(register), case(plan=(line,), language=language))
    assert [(row["fate"], row["why"], row["erase_on"]) for row in facts["erased"]] == [
        (words(language).action["mask"], [], "")
    ]
    (kept,) = facts["kept"]
    assert kept["why"]
    assert kept["erase_on"] == long_date(day, language)
    html = Letters(Catalogue(register)).html(letter, case(plan=(line,), language=language))
    assert long_date(day, language) in html
