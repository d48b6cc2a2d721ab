"""`vastine refusal`, `extend --words` and `reopen`, as a shell sees them."""

from pathlib import Path

import pytest

from tests.workers.conftest import Run
from tests.workers.test_commands import ERASURE, opened
from tests.world import BOB, JANE

pytestmark = pytest.mark.slow

EVIDENCE = "The same was asked and answered three times this month; nothing has changed."
REASON = "You got the same answer three days ago and nothing has changed."
CASE = ("--ground", "unfounded", "--evidence", EVIDENCE, "--reason", REASON, "--fee", "unsuitable")


def test_what_needs_two_people_is_refused_by_two_and_the_plain_command_says_how(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, who=BOB, code=5)
    alone = vastine("refuse", reference, "--ground", "unfounded", "--reason", REASON, "--as", "anna")
    assert (alone.code, "vastine refusal prepare" in alone.err) == (2, True)
    first = vastine("refusal", "prepare", reference, *CASE, "--as", "cleo").out.strip()
    assert vastine("approve", reference, "--as", "anna").code == 1
    assert vastine("refusal", "drop", reference, "--as", "cleo").code == 0
    assert vastine("refusal", "show", reference, "--as", "cleo").code == 1
    digest = vastine("refusal", "prepare", reference, *CASE, "--as", "cleo").out.strip()
    assert digest == first
    shown = vastine("refusal", "show", reference, "--as", "cleo").json
    assert (shown["hash"], shown["evidence"], shown["changed"]) == (digest, EVIDENCE, False)
    assert vastine("refusal", "agree", reference, "--case", digest, "--as", "cleo").code == 1
    assert vastine("refusal", "agree", reference, "--case", "0" * 64, "--as", "anna").code == 1
    assert vastine("refusal", "agree", reference, "--case", digest, "--as", "anna").code == 0
    vastine("work", "--until-idle")
    assert vastine("request", "show", reference, "--json").json["outcome"] == "refused"
    assert EVIDENCE not in vastine("audit", "export").out


def test_a_fee_is_announced_from_the_scale_and_who_pays_is_not_refused(vastine: Run) -> None:
    grounds = (
        "- {id: unfounded, law: [GDPR 12(5)], source: EUR-Lex, checked_on: 2026-01-15, guard: two_people,\n"
        "   text: {fi: Perusteeton., sv: Ogrundad., en: Unfounded.},\n"
        "   fees: [{id: copy, cents: 2500, basis: one hour of work}]}\n"
    )
    Path("world/register/grounds.yaml").write_text(grounds, encoding="utf-8")
    reference = opened(vastine, *ERASURE, who=BOB, code=5)
    assert vastine("refusal", "prepare", reference, *CASE, "--as", "cleo").code == 0
    assert vastine("refusal", "fee", reference, "--as", "cleo").code == 2
    assert vastine("refusal", "fee", reference, "--announced", "gold", "--as", "cleo").code == 2
    assert "2500" in vastine("refusal", "fee", reference, "--announced", "copy", "--as", "cleo").err
    assert vastine("refusal", "fee", reference, "--settled", "paid", "--as", "cleo").code == 0
    assert vastine("approve", reference, "--as", "anna").code == 0


def test_an_extension_takes_words_and_an_open_case_is_not_taken_up_again(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, who=JANE, code=5)
    words = ("--reason", "complexity", "--as", "cleo", "--words")
    assert vastine("extend", reference, *words, "short").code == 2
    assert vastine("extend", reference, *words, "Three old systems must be searched by hand.").code == 0
    again = vastine("reopen", reference, "--reason", "The person came to the desk.", "--as", "cleo")
    assert (again.code, "want of an answer" in again.err) == (1, True)
