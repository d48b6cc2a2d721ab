"""A copy of some kinds of data only: the package has them and no other, and says that there may be more."""

import io
import json
import uuid
import zipfile

import pytest
from sqlalchemy import select

from models.delivery import Artifact
from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Method, Outcome, RequestState, Right, Role
from tests.world import JANE, World, make_world
from workflows.answer import PACKAGE
from workflows.casefile import Claim, open_key
from workflows.errors import BadInput, Conflict, NotAllowed
from workflows.narrowing import narrow
from workflows.remainder import ask_for_rest
from workflows.rules.narrowed import rest_of
from workflows.stages import intake
from workflows.withholding import withhold

S = RequestState
HELD = {"category": "C01", "ground": "rights_of_others", "reason": "It would put somebody else in danger."}


@pytest.fixture
def world(tmp_path):
    made = make_world(tmp_path)
    yield made
    made.close()


def opened(world: World, right: Right = Right.ACCESS, *, desk: bool = True, **more: object) -> uuid.UUID:
    claim = Claim(identifiers={"email": JANE}, reply_to=JANE)
    method, by = (Method.DESK, "cleo") if desk else (None, "person")
    with world.rt.unit() as session:
        asked = intake.Asked(right, "en", intake.Channel.DESK, claim, method=method, by=by, **more)  # type: ignore[arg-type]
        return intake.open_request(session, world.rt, asked).request.id


def narrowed(world: World, ident: uuid.UUID, *categories: str, user: str = "ben") -> None:
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        narrow(session, world.rt, request, user=user, categories=categories)


def finish(world: World, ident: uuid.UUID) -> dict[str, str]:
    """The files of the answer by their names, approved if somebody must."""
    world.work()
    if world.state(ident) is S.DECIDING:
        world.approve(ident, "anna")
        world.work()
    with world.rt.unit() as session:
        made = session.scalars(select(Artifact).where(Artifact.request_id == ident, Artifact.name == PACKAGE)).one()
        key = open_key(session, world.rt, made.data_key_id)
        with world.rt.blobs.read(made.blob, key) as file:
            archive = zipfile.ZipFile(io.BytesIO(file.read()))
    return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def collections(files: dict[str, str]) -> dict[str, int]:
    """Collection to the number of its records."""
    told = [json.loads(text) for name, text in files.items() if name.startswith("data/") and name.endswith(".json")]
    return {one["collection"]: len(one["records"]) for one in told}


@pytest.mark.parametrize("right", [Right.ACCESS, Right.PORTABILITY])
def test_the_package_has_what_was_asked_for_and_of_the_rest_no_empty_list(world, right):
    ident = opened(world, right, categories=["C07"])
    files = finish(world, ident)
    assert collections(files) == {"invoice": 2}
    assert "You wanted only these data: Invoices." in files["START_HERE.html"]
    assert "None of what you asked for" in files["START_HERE.html"]
    assert "No data about you" not in files["START_HERE.html"]
    assert world.request(ident).outcome is Outcome.DELIVERED


def test_what_belongs_to_no_category_of_the_register_can_be_asked_for_too(world):
    whole = collections(finish(world, opened(world)))
    rest = collections(finish(world, opened(world, categories=rest_of(["C07"], known=world.rt.register.categories))))
    assert {**rest, "invoice": 2} == whole


def test_a_narrower_request_joins_no_other_and_no_other_joins_it(world):
    held_up = opened(world)  # still open, and about all
    with world.rt.unit() as session:
        request = session.get_one(Request, held_up, with_for_update=True)
        withhold(session, world.rt, request, user="ben", **HELD)
    world.work()
    part, whole = opened(world, categories=["C07"]), opened(world)
    world.work()
    assert world.state(held_up) is S.DECIDING
    assert (world.request(part).leading_id, world.request(whole).leading_id) == (None, held_up)
    assert collections(finish(world, part)) == {"invoice": 2}


def test_the_acknowledgement_says_that_it_is_a_part_and_names_no_kind_of_data(world):
    opened(world, categories=["C07"])
    world.work()
    mails = [m.body for m in world.mailer.sent if m.to == JANE]
    said = "You want only some of your data, as you chose. You can ask for the rest at any time."
    assert [said in body for body in mails].count(True) == 1
    assert not any("Invoices" in body for body in mails)


def test_staff_narrow_what_a_person_wrote_and_widen_it_again(world):
    ident = opened(world, desk=False)
    world.work()
    narrowed(world, ident, "C07")
    assert world.request(ident).categories == ["C07"]
    narrowed(world, ident)
    assert world.request(ident).categories is None


def test_what_was_searched_already_is_searched_anew_and_what_went_out_stays_as_it_is(world):
    ident = opened(world)
    with world.rt.unit() as session:
        request = session.get_one(Request, ident, with_for_update=True)
        withhold(session, world.rt, request, user="ben", **HELD)
    world.work()
    assert world.state(ident) is S.DECIDING
    narrowed(world, ident, "C07", user="cleo")
    assert collections(finish(world, ident)) == {"invoice": 2}
    with pytest.raises(Conflict, match="not gone out"):
        narrowed(world, ident)


def rest_asked(world: World, ident: uuid.UUID) -> tuple[str, list[str] | None]:
    """The reference of the request for the rest, and of what it is."""
    with world.rt.unit() as session:
        first = session.get_one(Request, ident, with_for_update=True)
        reference, _ = ask_for_rest(session, world.rt, first, language="en")
        rest = session.scalars(select(Request).where(Request.reference == reference)).one()
        return reference, rest.categories


def test_the_rest_of_what_was_narrowed_anew_has_what_is_left_out_now(world):
    ident = opened(world, desk=False, categories=["C01"])
    world.work()
    before = rest_asked(world, ident)
    assert rest_asked(world, ident) == before
    narrowed(world, ident, "C07")
    after = rest_asked(world, ident)
    assert (before[1], after[1]) == (["C07", "other"], ["C01", "other"])
    assert rest_asked(world, ident) == after != before


def test_nobody_narrows_what_is_erased_next(world):
    with world.rt.unit() as session:
        claim = Claim(identifiers={"email": JANE}, reply_to=JANE)
        message, _ = intake.store(session, world.rt, channel=intake.Channel.DESK, external_id="both", raw=b"both")
        both = [intake.Asked(right, "en", intake.Channel.DESK, claim) for right in (Right.ACCESS, Right.ERASURE)]
        first = intake.open_requests(session, world.rt, both, message=message)[0].request.id
    with pytest.raises(Conflict, match="about to be erased"):
        narrowed(world, first, "C07")
    narrowed(world, first)


def test_nobody_narrows_the_answer_in_which_a_request_for_everything_ended(world):
    ident = opened(world)
    with world.rt.unit() as session:
        withhold(session, world.rt, session.get_one(Request, ident, with_for_update=True), user="ben", **HELD)
    world.work()
    again = opened(world)
    world.work()
    assert world.request(again).leading_id == ident
    with pytest.raises(Conflict, match="ended in this one"):
        narrowed(world, ident, "C07")
    narrowed(world, ident)
    assert world.request(ident).categories is None


@pytest.mark.parametrize(
    ("user", "categories", "error"),
    [("iris", ["C07"], NotAllowed), ("nobody", ["C07"], NotAllowed), ("ben", ["C99"], BadInput)],
)
def test_only_who_works_on_cases_narrows_and_only_to_what_there_is(world, user, categories, error):
    with world.rt.unit() as session:
        about = {"display_name": "Iris", "email": "iris@shop.example", "created_at": world.rt.now()}
        session.add(StaffUser(name="iris", role=Role.INTAKE, **about))
    ident = opened(world, desk=False)
    with pytest.raises(error):
        narrowed(world, ident, *categories, user=user)
    assert world.request(ident).categories is None


def test_an_erasure_is_not_narrowed(world):
    ident = opened(world, Right.ERASURE, categories=["C07"])
    assert world.request(ident).categories is None
    with pytest.raises(Conflict):
        narrowed(world, ident, "C07")
