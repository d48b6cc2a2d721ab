"""The check of a register's texts finds what a letter would stumble over."""

import subprocess
from dataclasses import replace

from models.vocabulary import LANGUAGES, Action, Letter
from workflows.documents.sample import letter_faults, sample_case


def test_a_sound_register_has_no_faults(register):
    assert letter_faults(register) == []


def test_a_sentence_with_an_unknown_place_is_found_before_anyone_writes_it(register):
    rule = register.holds[0]
    broken = rule.model_copy(update={"text": rule.text.model_copy(update={"sv": "Du {nonsense}"})})
    faults = letter_faults(register.model_copy(update={"holds": (broken,)}))
    assert faults
    assert all("(sv)" in fault.where for fault in faults)


def test_a_broken_override_is_found(tmp_path, new_register):
    folder = tmp_path / "letters" / "code"
    folder.mkdir(parents=True)
    (folder / "letter.en.html").write_text("{# version: 2 · approved by: X #}{{ codee }}")
    assert [fault.where for fault in letter_faults(new_register(str(tmp_path)))] == ["letters/code (en)"]


def test_every_letter_can_be_previewed(register, documents):
    for language in LANGUAGES:
        assert documents.mail(Letter.READY, sample_case(register, language)).subject
        assert documents.letter(Letter.ERASURE, sample_case(register, language)).startswith(b"%PDF-")


def test_a_plan_longer_than_a_page_begins_where_the_letter_does(register, documents):
    case = sample_case(register, "en")
    kept = tuple(line for line in case.plan if line.action is Action.KEEP)
    pdf = documents.letter(Letter.PARTIAL_ERASURE, replace(case, plan=kept * 60))
    read = ["pdftotext", "-f", "1", "-l", "1", "-", "-"]
    first = subprocess.run(read, input=pdf, capture_output=True, check=True).stdout.decode()
    caption, begun, rows = first.partition("Kept for now")
    assert begun, caption
    assert len(rows.split()) > 60
