"""Few words are enough to want no more advertising."""

import pytest

from models.vocabulary import Right
from workflows.rules.wishes import wishes_in


@pytest.mark.parametrize(
    "text",
    ["STOP", "Re: Uutiskirje\n\nStop!", "Peruuttakaa uutiskirje.", "perukaa uutiskirjeen tilaus", "sluta skicka reklam",
     "Vänligen avsluta nyhetsbrevet", "Poistakaa minut postituslistalta.",
     "Unsubscribe", "Please unsubscribe me.", "I want to unsubscribe", "Avregistrera mig"],
)  # fmt: skip
def test_a_few_words_are_a_ban(text) -> None:
    assert Right.MARKETING_BAN in wishes_in(text).rights


@pytest.mark.parametrize(
    "text",
    [
        "Please stop by the office",
        "Älkää lopettako toimitusta",
        "Stop: bussi ei tule",
        "I do not want to unsubscribe",
        "Don't unsubscribe me",
    ],
)
def test_the_same_words_amid_others_are_none(text) -> None:
    assert Right.MARKETING_BAN not in wishes_in(text).rights
