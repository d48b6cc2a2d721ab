"""Whatever a database refuses, the person and the staff read a sentence about it."""

import pytest

from workflows.connectors.sql_refusals import CODES
from workflows.documents.words import words


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("code", sorted(CODES))
def test_every_refusal_has_its_sentence(code: str, language: str) -> None:
    reason = words(language).reason
    assert reason.one_of(code) != reason.one_of("other")
