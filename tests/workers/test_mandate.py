"""`vastine mandate`, as a shell sees it."""

import pytest

from tests.workers.conftest import Run
from tests.world import JANE

pytestmark = pytest.mark.slow

ASK = ("request", "open", "--by-mandate", "lawyer", "--holder", "Helena Helper", "--email", "helper@elsewhere.example",
       "--identity", f"email={JANE}", "--verified-by", "desk", "--as", "cleo", "--json")  # fmt: skip
SEEN = ("--seen", "holder_seen", "--seen", "power_seen", "--seen", "power_covers_it")
SAID = ("--kind", "lawyer", "--identity", f"email={JANE}", "--holder", "Helena Helper", "--verified-by", "desk")


def test_a_mandate_is_looked_at_by_two_before_anything_is_erased_by_it(vastine: Run) -> None:
    reference = vastine(*ASK, "--right", "erasure").json["reference"]
    vastine("work", "--until-idle")
    shown = vastine("mandate", "show", reference, "--as", "cleo").json
    assert (shown["standing"], shown["people"], shown["seen"]) == ("claimed", 2, {})
    accept = ("mandate", "accept", reference, *SAID, *SEEN, "--right", "erasure", "--as", "cleo")
    assert vastine(*accept).code == 2  # nobody heard the person themselves
    first = vastine(*accept, "--seen", "person_confirms")
    digest = first.out.strip()
    assert (first.code, len(digest)) == (0, 64)
    assert vastine("mandate", "confirm", reference, "--mandate", digest, "--as", "cleo").code == 1
    assert vastine("mandate", "confirm", reference, "--mandate", "0" * 64, "--as", "ben").code == 1
    assert vastine("mandate", "confirm", reference, "--mandate", digest, "--as", "ben").code == 0
    assert vastine("mandate", "show", reference, "--as", "cleo").json["standing"] == "live"
    barred = ("user", "bar", "ben", reference, "--reason", "He is my brother.", "--as", "ben")
    assert vastine(*barred).code == 0
    assert [vastine("mandate", "show", reference, "--as", name).code for name in ("ben", "nobody")] == [4, 1]
    assert vastine("mandate", "revoke", reference, "--reason", "They took it back.", "--as", "cleo").code == 0
    assert vastine("mandate", "show", reference, "--as", "cleo").json["standing"] == "revoked"


def test_none_is_refused_the_dead_get_a_letter_and_whoever_asks_themselves_proves_it(vastine: Run) -> None:
    one, two, three = (vastine(*ASK, "--right", "access").json["reference"] for _ in range(3))
    vastine("work", "--until-idle")
    assert vastine("mandate", "refuse", one, "--reason", "No power was shown.", "--as", "anna").code == 0
    assert vastine("mandate", "estate", two, "--as", "cleo").code == 2
    assert vastine("mandate", "estate", two, "--seen", "death_seen", "--as", "cleo").code == 0
    assert vastine("mandate", "themselves", three, "--reason", "Ticked by mistake.", "--as", "cleo").code == 0
    vastine("work", "--until-idle")
    outcomes = [vastine("request", "show", ref, "--json").json["outcome"] for ref in (one, two, three)]
    assert outcomes == ["refused", "estate", None]
    assert vastine("mandate", "show", three, "--as", "cleo").code == 4
