from datetime import date
from pathlib import Path

import pytest
import yaml

from workflows.errors import NeverAgain
from workflows.register.model import HoldRule, Text
from workflows.rules.hold_rules import placeholders
from workflows.rules.items import HoldMatch
from workflows.rules.text import hold_sentence

RULES = [
    HoldRule.model_validate(rule)
    for rule in yaml.safe_load((Path(__file__).parents[2] / "register" / "holds.yaml").read_text())
]
TEXT = Text.model_validate(dict.fromkeys(("fi", "sv", "en"), "{date}|{amount}|{due}|{number}"))
MATCH = HoldMatch("H09", "", date(2030, 12, 31), params={"amount": "1234.5", "due": "2026-10-01", "number": "77"})


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fi", "1.1.2031|1 234,50|1.10.2026|77"),
        ("sv", "1 januari 2031|1 234,50|1 oktober 2026|77"),
        ("en", "1 January 2031|1,234.50|1 October 2026|77"),
        ("de", "1.1.2031|1 234,50|1.10.2026|77"),
    ],
)
def test_dates_and_amounts_are_written_as_the_language_does(language, sentence):
    assert hold_sentence(TEXT, MATCH, language).replace("\xa0", " ").replace("\u202f", " ") == sentence


@pytest.mark.parametrize(
    "params", [{}, {"amount": "1", "due": "soon", "number": "7"}, {"amount": "x", "due": "2026-10-01"}]
)
def test_a_sentence_with_a_hole_is_never_written(params):
    with pytest.raises(NeverAgain, match="placeholder"):
        hold_sentence(TEXT, HoldMatch("H09", "", date(2030, 12, 31), params=params), "fi")


def test_a_date_that_is_not_known_is_a_hole():
    with pytest.raises(NeverAgain, match="placeholder"):
        hold_sentence(TEXT, HoldMatch("H09", "", None, params=MATCH.params), "fi")


def test_a_value_with_braces_is_only_text():
    match = HoldMatch("H09", "", None, params={"number": "{amount.__class__}"})
    text = Text(fi="{number}", sv="{number}", en="{number}")
    assert hold_sentence(text, match, "fi") == "{amount.__class__}"


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_rule_of_the_demo_register_has_its_sentence(rule, language):
    match = HoldMatch(
        rule.id,
        "",
        date(2030, 12, 31),
        params={"number": "1", "amount": "1", "due": "2026-10-01", "agency": "A", "ref": "R", "company": "C"},
    )
    sentence = hold_sentence(rule.text, match, language)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "  " not in sentence


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_without_a_known_end_promises_no_date(rule):
    if rule.until == '""' and rule.trigger != "false":
        assert "date" not in placeholders(rule.text.fi)
