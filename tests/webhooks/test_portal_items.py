"""What the form asks beside the right: what is wrong item by item, why to restrict, and the wish for paper."""

import pytest
from sqlalchemy import select

from models.rectification import Flaw, RectificationItem, Remedy
from models.request import Request
from models.staff import HumanTask
from tests.webhooks.visitor import Caller
from tests.world import JANE, World
from workflows.casefile import open_claim, open_key
from workflows.rectifying.saying import said_of


def press(caller: Caller, page: str, /, go: str = "next", lang: str = "en", **answers: str) -> int:
    return caller.post(f"/{lang}/request/{page}", {**answers, "state": caller.state, "go": go}).status_code


def to_items(caller: Caller, lang: str = "en") -> None:
    caller.get(f"/{lang}/request?right=rectification")
    press(caller, "right", lang=lang, right="rectification")
    press(caller, "who", lang=lang, name="Jane", email=JANE)


WRONG = {
    "item1_what": "My surname",
    "item1_kind": "inaccurate",
    "item1_current": "Jain",
    "item1_wanted": "Jane",
    "item1_evidence": "the contract",
}


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_each_item_that_is_wrong_is_written_down_as_the_person_says_it(world: World, caller: Caller, lang: str) -> None:
    to_items(caller, lang)
    assert press(caller, "items", "more", lang, **WRONG) == 200
    assert 'name="item2_what"' in caller.answer.text
    assert "Jain" in caller.answer.text
    second = {"item2_what": "My old phone", "item2_kind": "unnecessary"}
    assert press(caller, "items", "more", lang, **WRONG, **second) == 200
    assert press(caller, "items", "next", lang, **WRONG, **second, item3_what="") == 200  # the third is left empty
    assert press(caller, "message", lang=lang, message="Thanks") == 200
    assert "My surname" in caller.answer.text
    assert press(caller, "check", lang=lang) == 303
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        key = open_key(session, world.rt, request.data_key_id)
        rows = session.scalars(select(RectificationItem).order_by(RectificationItem.item_no)).all()
        said = [said_of(key, row) for row in rows]
    assert [(row.remedy, row.flaw) for row in rows] == [
        (Remedy.CORRECT, Flaw.INACCURATE),
        (Remedy.ERASE, Flaw.UNNECESSARY),
    ]
    assert (said[0].what, said[0].current, said[0].wanted, said[0].evidence) == (
        "My surname",
        "Jain",
        "Jane",
        "the contract",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"item1_what": ""}, "item1_what"),
        ({"item1_kind": "x"}, "item1_kind"),
        ({"item1_wanted": " "}, "item1_wanted"),
        ({"item1_evidence": "x" * 501}, "item1_evidence"),
    ],
)
def test_what_is_missing_of_an_item_is_said_at_its_field(caller: Caller, change: dict[str, str], field: str) -> None:
    to_items(caller)
    assert press(caller, "items", **{**WRONG, **change}) == 422
    assert f'href="#{field}"' in caller.answer.text
    assert "My surname" in caller.answer.text or field == "item1_what"


def test_there_is_an_end_to_the_items_of_one_form(caller: Caller) -> None:
    to_items(caller)
    for _ in range(8):
        press(caller, "items", "more", **WRONG)
    assert 'name="item4_what"' in caller.answer.text
    assert 'name="item5_what"' not in caller.answer.text


def test_why_to_restrict_stands_before_what_the_person_writes(world: World, caller: Caller) -> None:
    page = caller.ask(right="restriction", restriction_ground="claim", message="My case at the court.")
    assert page
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        text = open_claim(open_key(session, world.rt, request.data_key_id), request).text
    assert text.endswith("legal claim\n\nMy case at the court.")


@pytest.mark.parametrize(
    ("wish", "code"), [({"reply_by": "post"}, "wants_paper"), ({"large": "yes"}, "wants_large_print"), ({}, "")]
)
def test_who_wants_paper_or_large_print_is_somebody_s_task(
    world: World, caller: Caller, wish: dict[str, str], code: str
) -> None:
    caller.ask(**wish)
    with world.rt.unit() as session:
        codes = session.scalars(select(HumanTask.code).where(HumanTask.key.startswith("paper:"))).all()
    assert codes == ([code] if code else [])


def test_who_asks_for_erasure_sees_first_what_the_law_may_keep(caller: Caller) -> None:
    caller.get("/en/request?right=erasure")
    press(caller, "right", right="erasure")
    press(caller, "who", email=JANE)
    assert "What the law makes us keep" in caller.answer.text
    assert "Invoices" in caller.answer.text


@pytest.mark.parametrize("ticked", [{"no_ban": "yes"}, {}])
def test_who_has_all_erased_may_say_that_they_want_no_ban_on_marketing(
    world: World, caller: Caller, ticked: dict[str, str]
) -> None:
    caller.get("/en/request?right=erasure")
    press(caller, "right", right="erasure")
    press(caller, "who", email=JANE)
    assert 'name="no_ban"' in caller.answer.text
    press(caller, "message", **ticked)
    assert ("Do not put me on that list" in caller.answer.text) is bool(ticked)
    press(caller, "check")
    with world.rt.unit() as session:
        request = session.scalars(select(Request)).one()
        assert open_claim(open_key(session, world.rt, request.data_key_id), request).no_ban is bool(ticked)
