"""What named staff checked has to be one person's: a document of one and the number of another prove neither."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Channel, Method, RequestState, Right, TaskState
from tests.identity.conftest import BOBS, JANES, Bank
from tests.identity.shop import NUMBER, open_shop
from tests.identity.test_ladder import held
from tests.world import JANE
from workflows.casefile import Claim
from workflows.stages import intake, verification

STRANGERS = "131052-308T"


def saw(bank: Bank, ident: uuid.UUID, **checked: str) -> set[str]:
    """Cleo says whom she saw; the codes of the tasks that are open then."""
    rt = bank.world.rt
    with rt.unit() as session:
        row = held(bank, session, ident)
        verification.by_staff(session, rt, row, user="cleo", method=Method.DESK, identifiers=checked)
    bank.world.work()
    with rt.unit() as session:
        rows = session.scalars(select(HumanTask).where(HumanTask.state == TaskState.OPEN)).all()
        return {t.code for t in rows if t.request_id == ident}


@pytest.mark.parametrize("hetu", [STRANGERS, BOBS])
def test_a_document_of_one_and_the_address_of_another_prove_neither(bank: Bank, hetu: str) -> None:
    ident = bank.world.open(desk=False)
    bank.world.work()
    assert saw(bank, ident, email=JANE, national_id=hetu) & {"contradicted", "ambiguous"}
    row = bank.world.request(ident)
    assert (row.state, row.proof_sealed) == (RequestState.VERIFYING, None)
    saw(bank, ident, email=JANE, national_id=JANES)
    assert bank.world.request(ident).proof_sealed is not None


@pytest.mark.parametrize("method", [Method.DESK, Method.CALL_BACK])
def test_a_number_that_may_have_changed_hands_needs_a_second_sign(tmp_path: Path, method: Method) -> None:
    world = open_shop(tmp_path)
    claim = Claim(name="Somebody Else", identifiers={"phone_number": NUMBER}, reply_to="asks@elsewhere.example")
    with world.rt.unit() as session:
        wish = intake.Asked(Right.ACCESS, "en", Channel.PHONE, claim)
        ident = intake.open_request(session, world.rt, wish).request.id
    world.work()
    for checked in ({"phone_number": NUMBER}, {"phone_number": NUMBER, "email": JANE}):
        assert world.request(ident).proof_sealed is None
        with world.rt.unit() as session:
            row = session.get_one(Request, ident, with_for_update=True)
            verification.by_staff(session, world.rt, row, user="cleo", method=method, identifiers=checked)
        world.work()
    assert world.request(ident).proof_sealed is not None
    world.close()
