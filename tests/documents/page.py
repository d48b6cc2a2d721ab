"""The page of the letters, written from the table of what each must say; run this module to write it anew."""

from models.vocabulary import Letter
from tests.composed import ROOT
from workflows.documents.contents import CONTENTS
from workflows.documents.pieces import Piece

PAGE = ROOT / "docs" / "reference" / "letters.md"
_HEAD = """# Letters

Which letter the person gets when, and what each must say before it may go out, whoever wrote its text. A name that is
marked † is owed only where there is something to say. Numbers are those of the [decision matrix](matrix.md).

- Every text is a file for each language, `NAME/letter.LANG.html` and `NAME/mail.LANG.txt`; a register may put its own
  of the same name into its folder `letters/`. The first line names version and approver: they are kept with the letter.
- `{{ says("due") }}` in a text is the mark that the content `due` begins here. A content without a mark, or a fact that
  does not stand behind its mark, blocks the letter, and so does a personal identity code. A person gets a task.
- Beside these contents every text shows the reference, who writes and whom to ask; a letter also its day.
- A letter comes in the language of the request; where an API request names none, in the language on file once the
  person is proven, else in Finnish. The languages of a text must show the same facts; `vastine check` compares them.
- No mail says anything about the person: it points to the answer, which opens with a link and a code.
- Whoever has no e-mail address gets the letter on paper: a task asks to print it, and a named person says that it was
  posted, handed over, or could not be delivered.
- No request ends without a letter: a case that staff answer by hand ends with the one about the dead, or with an answer
  in their own words.
- All texts of a register are tried by `vastine check`; `vastine letter preview NAME` shows one.

This page is written by `python -m tests.documents.page` and compared with the program by
`tests/documents/test_page.py`.

| Letter | Name | When | On paper it must say | A mail must say | A test that shows it |
|---|---|---|---|---|---|
"""
SHOWN: dict[Letter, str] = {
    Letter.ACKNOWLEDGEMENT: "engine/test_posting.py::"
    "test_every_letter_to_somebody_without_an_address_waits_on_paper_for_a_named_person",
    Letter.CODE: "matrix/test_access.py::test_m11_nothing_goes_out_before_the_person_is_proven",
    Letter.ASK: "matrix/test_rights.py::test_m25_who_is_asked_once_what_is_wrong_and_does_not_say_is_refused",
    Letter.EXTENSION: "engine/test_untold.py::test_who_is_not_proven_yet_hears_of_an_extension_where_they_asked_from",
    Letter.ACCESS: "matrix/test_access.py::test_m01_a_customer_gets_all_and_what_article_15_tells",
    Letter.PORTABILITY: "matrix/test_access.py::test_m15_portable_data_come_as_json_and_csv",
    Letter.REFUSAL: "matrix/test_access.py::test_m12_who_never_proves_it_is_refused_and_may_ask_again",
    Letter.FEE: "webhooks/test_console_fee.py::test_the_person_is_asked_by_letter_and_has_their_days_to_answer",
    Letter.ESTATE: "engine/test_by_hand.py::test_a_case_that_a_person_answers_ends_with_their_letter",
    Letter.ANSWER: "engine/test_by_hand.py::test_what_staff_write_to_somebody_unproven_goes_in_no_mail_but_on_paper",
    Letter.PARTIAL_ERASURE: "matrix/test_erasure.py::test_m30_contract_data_stay_six_years_after_the_end",
    Letter.ERASURE: "matrix/test_erasure.py::test_m31_contract_data_go_once_six_years_are_over",
    Letter.FINAL_ERASURE: "engine/test_at_rest.py::test_our_own_mark_is_no_change_that_people_have_to_decide_on_again",
    Letter.HOLD_LATER: "story/test_holds.py::test_a_day_that_moves_later_is_told_by_one_letter_and_only_once",
    Letter.RECTIFICATION: "matrix/test_rights.py::test_m19_a_wrong_address_is_corrected_and_its_source_hears_of_it",
    Letter.RESTRICTION: "matrix/test_rights.py::test_m59_contested_data_are_stored_and_used_for_claims_only",
    Letter.LIFTING: "matrix/test_rights.py::"
    "test_m61_a_restriction_ends_after_the_person_was_told_and_the_days_are_over",
    Letter.OBJECTION: "matrix/test_rights.py::test_m62_an_objection_is_weighed_by_a_person_and_the_use_rests_meanwhile",
    Letter.BAN: "matrix/test_rights.py::test_m64_a_ban_on_marketing_is_in_force_at_once_everywhere",
    Letter.DUPLICATE: "engine/test_duplicates.py::"
    "test_a_second_request_of_a_person_joins_the_first_which_keeps_the_earliest_day",
    Letter.WITHDRAWN: "engine/test_endings.py::test_every_ending_has_its_letter",
    Letter.LATE: "engine/test_overdue.py::test_the_person_hears_once_where_it_stands_until_when_and_what_they_can_do",
}


def page() -> str:
    """The page in Markdown."""
    return _HEAD + "".join(_line(letter) for letter in CONTENTS)


def _line(letter: Letter) -> str:
    contents = CONTENTS[letter]
    cells = (contents.number, f"`{letter.value}`", contents.when, _pieces(contents.letter), _pieces(contents.mail))
    return f"| {' | '.join(cells)} | `{SHOWN[letter]}` |\n"


def _pieces(pieces: tuple[Piece, ...]) -> str:
    by_law: dict[str, list[str]] = {}
    for piece in pieces:
        name = piece.name + ("†" if piece.when is not None else "")
        if name not in by_law.setdefault(piece.law, []):
            by_law[piece.law].append(name)
    return "; ".join(f"{', '.join(names)} ({law})" for law, names in by_law.items()) or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
