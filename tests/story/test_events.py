"""What other systems tell: whoever it names is looked at again, and what is forged or replayed is not heard."""

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from models.intake import InboundEvent
from models.vocabulary import Right
from tests.story.house import WEBHOOK_SECRET, House
from webhooks.public import create_app
from workflows.demo.planting import customer_number

STRANGER = "whsec_" + base64.b64encode(hashlib.sha256(b"stranger").digest()).decode()


def tell(
    house: House, event: str, whose: dict[str, Any], *, ident: str, secret: str = WEBHOOK_SECRET, late: float = 0
) -> int:
    """Send an event as another system would; the status of the answer."""
    body, at = json.dumps({"type": event, "data": whose}), house.clock.now() - timedelta(seconds=late)
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(ident, at, body),
    }
    return create_app(house.rt).test_client().post("/webhooks/events", data=body, headers=headers).status_code


def heard(house: House) -> int:
    with house.rt.unit() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent)) or 0


def invoice_of(house: House, who: str) -> dict[str, str]:
    """The person's unpaid invoice, named as billing would."""
    number = str(customer_number(who))
    found = house.query("laskutus", "SELECT max(laskunro) FROM lasku WHERE asnro = :n AND avoin > 0", n=number)
    return {"source": "laskutus", "field": "lasku.laskunro", "key": str(found[0][0])}


def to_decision(house: House) -> str:
    reference = house.ask("open-invoice", Right.ERASURE)
    house.work()
    house.clock.advance(minutes=10)
    return reference


def test_billing_names_a_person_by_the_invoice_and_the_hold_ends(house_here: House) -> None:
    reference = to_decision(house_here)
    invoice = invoice_of(house_here, "open-invoice")
    house_here.approve(reference, "anneli")
    number = str(customer_number("open-invoice"))
    house_here.execute("laskutus", "UPDATE lasku SET avoin = 0, tila = 'MAKSETTU' WHERE asnro = :n", n=number)
    assert tell(house_here, "invoice.paid", invoice, ident="paid") == 202
    house_here.work()
    assert "H09" not in {h["rule"] for h in house_here.show(reference)["holds"]}
    assert house_here.plan(reference)["approvals"] == []
    assert tell(house_here, "invoice.opened", invoice, ident="opened before it was paid") == 202
    house_here.work()
    assert "H09" not in {h["rule"] for h in house_here.show(reference)["holds"]}


def test_an_event_that_is_forged_replayed_or_stale_changes_nothing(house_here: House) -> None:
    reference = to_decision(house_here)
    invoice = invoice_of(house_here, "open-invoice")
    house_here.approve(reference, "anneli")
    assert tell(house_here, "invoice.paid", invoice, ident="forged", secret=STRANGER) == 401
    assert tell(house_here, "invoice.paid", invoice, ident="stale", late=301) == 401
    house_here.work()
    assert (heard(house_here), house_here.plan(reference)["approvals"]) == (0, ["anneli"])
    assert tell(house_here, "invoice.paid", invoice, ident="once") == 202
    house_here.work()
    house_here.clock.advance(minutes=2)
    house_here.approve(reference, "anneli")
    assert tell(house_here, "invoice.paid", invoice, ident="once") == 202  # the sender may not know it was heard
    house_here.work()
    assert (heard(house_here), house_here.plan(reference)["approvals"]) == (1, ["anneli"])


def test_an_event_from_before_the_request_stands_in_its_record(house_here: House) -> None:
    assert tell(house_here, "invoice.opened", invoice_of(house_here, "open-invoice"), ident="early") == 202
    house_here.clock.advance(days=3)
    house_here.work()
    reference = to_decision(house_here)
    with house_here.held(reference) as (session, request):
        from models.audit import AuditEntry

        told = select(AuditEntry.facts).where(AuditEntry.chain == str(request.id), AuditEntry.event == "hold:event")
        assert [facts["event"] for facts in session.scalars(told)] == ["invoice.opened"]
