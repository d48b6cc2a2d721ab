"""What can't be told is never past its time."""

from datetime import date
from types import SimpleNamespace

from models.vocabulary import Action, Ownership
from workflows.retention.late import late_of
from workflows.rules.items import HoldMatch, Item, Verdict
from workflows.rules.overdue import Overdue, compile_retention, overdue_since
from workflows.rules.subject import Subject

TODAY = date(2026, 11, 24)


def item(**facts):
    return Item("shop", "orders", {"id": 1}, "C12", Ownership.OWN, "0" * 64, {"note": "first"}, facts)


def test_a_record_with_a_hold_that_cannot_be_told_keeps_even_what_that_hold_does_not_need():
    over = Overdue(TODAY)
    for unknown in (True, False):
        hold = HoldMatch("H09", "728/2003", None, unknown=unknown, keeps=("amount",))
        found = late_of(item(), Verdict(Action.MASK, ("note",), (hold,), "hold", None), over)
        assert (found is None) is unknown


def test_an_end_that_is_no_day_is_not_past():
    retained = compile_retention({"C12": SimpleNamespace(until="number")})
    nobody = Subject({})
    for number, said in (("last year", (None, True)), ("", (None, False)), ("2020-01-31", (date(2020, 2, 1), False))):
        over = overdue_since(item(number=number), retained, subject=nobody, today=TODAY)
        assert (over.since, over.unknown) == said
    assert overdue_since(item(), retained, subject=nobody, today=TODAY).unknown
