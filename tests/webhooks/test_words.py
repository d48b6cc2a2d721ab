"""The words of the pages are whole in all three languages."""

import re
import string

import pytest

from models.vocabulary import LANGUAGES
from webhooks.words import FOLDER, read_texts


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("prefix", ["", "console.", "hand."])
def test_every_language_says_the_same_things_with_the_same_holes(prefix: str) -> None:
    texts = {lang: read_texts(FOLDER / f"{prefix}{lang}.po") for lang in LANGUAGES}
    for lang in LANGUAGES:
        assert texts[lang].keys() == texts["fi"].keys()
        for key, text in texts[lang].items():
            assert holes(text) == holes(texts["fi"][key]), f"{lang} {key}"


def test_every_word_a_portal_page_asks_for_exists() -> None:
    known = read_texts(FOLDER / "fi.po")
    for page in (FOLDER.parent / "templates" / "portal").glob("*.html"):
        asked = set(re.findall(r"\bt\([\"']([a-z_.]+)[\"'][,)]", page.read_text(encoding="utf-8")))
        assert asked <= known.keys(), f"{page.name}: {asked - known.keys()}"
