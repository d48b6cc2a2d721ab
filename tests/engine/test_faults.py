"""Mistakes of a product of this kind that are never made here (`docs/reference/faults.md`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from models.collection import Finding
from models.step import Step
from models.vocabulary import Channel, Kind, RequestState, Right, SourceResult, StepState
from tests.world import EVE, JANE, World, open_world, prepare
from workflows.casefile import Claim
from workflows.stages import intake

ATTACKER = "attacker@evil.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop that knows its customers by e-mail address and by the number of a loyalty card."""
    environ = prepare(tmp_path)
    file = tmp_path / "register" / "sources" / "shop.yaml"
    source = yaml.safe_load(file.read_text("utf-8"))
    customer = next(c for c in source["dataset"][0]["collections"] if c["name"] == "customer")
    loyalty = {"identity": "loyalty_id", "data_type": "string"}
    customer["fields"].append({"name": "loyalty", "data_categories": ["user.unique_id"], "fides_meta": loyalty})
    file.write_text(yaml.safe_dump(source), "utf-8")
    made = open_world(environ)
    made.execute("shop", "ALTER TABLE customer ADD COLUMN loyalty VARCHAR(20)")
    made.execute("shop", "UPDATE customer SET loyalty = 'CH-' || id")
    yield made
    made.close()


@pytest.mark.parametrize("email", [ATTACKER, EVE])
def test_a_number_of_somebody_elses_beside_a_proven_address_opens_nothing(world: World, email: str) -> None:
    claim = Claim(identifiers={"email": email, "loyalty_id": "CH-1"}, reply_to=ATTACKER)
    with world.rt.unit() as session:
        asked = intake.Asked(Right.ACCESS, "en", Channel.PORTAL, claim, by="person")
        ident = intake.open_request(session, world.rt, asked).request.id
    world.work()
    assert world.state(ident) is RequestState.VERIFYING
    mailer = world.mailer
    to_others = [mail for mail in mailer.sent if mail.to not in (JANE, "anna@shop.example", "dpo@shop.example")]
    assert not any("code" in mail.subject.lower() for mail in to_others), "a code goes to who is on file, or nowhere"
    with world.rt.unit() as session:
        assert session.scalars(select(Finding)).all() == []


def test_a_table_that_is_gone_is_a_failure_and_never_an_answer(world: World) -> None:
    world.execute("billing", "ALTER TABLE invoice RENAME TO invoice_2025")
    ident = world.open()
    world.work()
    with world.rt.unit() as session:
        finding = session.scalars(select(Finding).where(Finding.source == "billing")).one()
        step = session.scalars(select(Step).where(Step.kind == Kind.COLLECT, Step.source == "billing")).one()
        assert (finding.result, step.state) == (SourceResult.FAILED, StepState.NEEDS_HUMAN)
    assert world.state(ident) is RequestState.COLLECTING
