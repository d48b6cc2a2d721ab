"""The certificate of an erasure names who was told, or says how many where they are not to be named."""

import pytest

from models.vocabulary import LANGUAGES, Letter
from tests.register.test_recipients import WHOLE
from workflows.documents.catalogue import Catalogue
from workflows.documents.letters import Letters
from workflows.documents.sample import sample_case
from workflows.register.load import load_register


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", [Letter.ERASURE, Letter.PARTIAL_ERASURE, Letter.FINAL_ERASURE, Letter.RECTIFICATION])
def test_a_letter_names_the_recipients_it_may_and_counts_the_others(letter, language):
    register = load_register(WHOLE)
    text = Letters(Catalogue(register)).html(letter, sample_case(register, language))
    assert "Esimerkkitulostus Oy" in text
    assert "E…i" in text or letter is not Letter.RECTIFICATION
