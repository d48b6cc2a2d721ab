"""The crowd around the cast: customers, companies and their contacts in planned shares.

Which story somebody has follows from the running number, so the shares are exact at any size; everything
else is drawn.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from workflows.demo import names, numbers
from workflows.demo.calendar import Ago
from workflows.demo.collection import add_claim
from workflows.demo.contracts import (
    add_address,
    add_ban,
    add_contact_role,
    add_contract,
    add_customer,
    add_old_name,
    add_outage,
    add_point,
)
from workflows.demo.invoices import Bill, add_invoice, add_paid_quarters
from workflows.demo.people import Person, person, place
from workflows.demo.world import Span, World

FIRST_CUSTOMER = 300_001
FIRST_COMPANY = 800_001
YEARLY_KWH = {
    "flat": 2_000,
    "row_house": 7_000,
    "electric_house": 18_000,
    "district_house": 6_000,
    "cottage": 3_000,
    "farm": 45_000,
}
SHARES = {
    # per thousand people; `domain.md` 7
    "ended": 120,
    "swapped": 80,
    "joint": 50,
    "overdue": 30,
    "estate": 10,
    "collection": 8,
    "protected": 3,
    "enforcement": 2,
    "duplicate": 40,
    "name_change": 15,
    "shared_mail": 60,
}
"""Planned shares of stories in the crowd."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """One customer's story."""

    story: str
    start: date
    end: date | None


def _stories() -> tuple[str, ...]:
    """A thousand slots, mixed once and for all."""
    slots = [name for name, share in SHARES.items() for _ in range(share)]
    slots += ["plain"] * (1000 - len(slots))
    Random("slots").shuffle(slots)  # noqa: S311
    return tuple(slots)


def add_population(world: World, rng: Random, *, people: int, metering_days: int) -> None:
    """So many people, and one company for every seventeen of them."""
    stories = _stories()
    days = Span(world.as_of - timedelta(days=metering_days), world.as_of)
    before: Person | None = None
    for index in range(people):
        who = person(rng, serial=index, as_of=world.as_of)
        story = stories[index % 1000]
        if story == "shared_mail" and before is not None:
            who = replace(who, email=before.email, phone=before.phone)
        _add_one(world, rng, who, number=FIRST_CUSTOMER + index, story=story, days=days, before=before)
        before = who
    for index in range(people // 17):
        _add_company(world, rng, index)


def _add_one(
    world: World, rng: Random, who: Person, *, number: int, story: str, days: Span, before: Person | None
) -> None:
    as_of = world.as_of
    start = as_of - timedelta(days=rng.randrange(200, 3000))
    end = as_of - timedelta(days=rng.randrange(30, 8 * 365)) if story == "ended" else None
    if end is not None:
        start = end - timedelta(days=rng.randrange(200, 1500))
    if story == "protected":
        who = replace(who, street=f"PL {rng.randrange(200, 999)}")
    customer = add_customer(
        world, who, number=number, since=start, ended_on=end,
        kind="K" if story == "estate" else "H", protected=story == "protected",
    )  # fmt: skip
    if rng.randrange(4) == 0:
        add_address(world, number, *place(rng), start=start - timedelta(days=900), end=start)
    if story == "name_change":
        add_old_name(world, number, last=rng.choice(names.FINNISH_LAST), first=who.first, until=start)
    if rng.randrange(12) == 0:
        add_ban(world, number, f"B{rng.randrange(1, 8)}", start + timedelta(days=rng.randrange(100)))
    _add_contract(world, rng, customer, who, plan=_Plan(story, start, end), days=days, before=before)
    if story == "duplicate":
        again = FIRST_CUSTOMER + 400_000 + number - FIRST_CUSTOMER
        twin = add_customer(world, who, number=again, since=start + timedelta(days=90), origin="PUHELIN")
        _add_contract(world, rng, twin, who, plan=_Plan("plain", start + timedelta(days=90), None), days=days)


def _add_contract(
    world: World,
    rng: Random,
    customer: str,
    who: Person,
    *,
    plan: _Plan,
    days: Span,
    before: Person | None = None,
) -> None:
    site = rng.choice(names.SITES)
    street, postcode = (who.street, who.postcode) if plan.story != "protected" else place(rng)[:2]
    gsrn = add_point(world, site, street, postcode, spans=(days,), meter_since=plan.start - timedelta(days=30))
    second = str(int(customer) - 1) if plan.story == "joint" and before is not None else None
    contract = add_contract(
        world, customer, gsrn=gsrn, start=plan.start, end=plan.end, second=second,
        product=rng.choice(("KIINTEA", "PORSSI", "TOISTAI")), channel=rng.choice(("VERKKO", "PUHELIN", "TISKI")),
        energy=plan.story != "swapped",
    )  # fmt: skip
    first_bill = max(plan.start, Ago(years=3).on(world.as_of)) if plan.end is None else plan.start
    add_paid_quarters(
        world, rng, customer, contract, start=first_bill, end=plan.end or world.as_of, yearly_kwh=YEARLY_KWH[site]
    )
    if plan.story in {"overdue", "collection", "enforcement"}:
        _add_debt(world, rng, customer, contract, who=who, story=plan.story)
    if rng.randrange(6) == 0:
        day = world.as_of - timedelta(days=rng.randrange(20, 700))
        add_outage(
            world, gsrn, day, at=f"{rng.randrange(24):02d}:{rng.randrange(60):02d}", minutes=rng.randrange(3, 400)
        )


def _add_debt(world: World, rng: Random, customer: str, contract: str, *, who: Person, story: str) -> None:
    due = world.as_of - timedelta(days=rng.randrange(40, 500))
    cents = rng.randrange(4_000, 90_000)
    judged = due + timedelta(days=35) if story == "enforcement" else None
    bill = Bill(due - timedelta(days=14), due, cents, cents, (due + timedelta(days=15),), judged)
    invoice = add_invoice(world, customer, contract, bill)
    if story == "overdue":
        return
    state = "Enforcement" if story == "enforcement" else rng.choice(("New", "CollectionInProgress", "PaymentPlan"))
    add_claim(
        world, invoice=invoice, hetu=who.hetu or "", name=f"{who.last} {who.first}", cents=cents, state=state,
        day=due + timedelta(days=30),
    )  # fmt: skip


def _add_company(world: World, rng: Random, index: int) -> None:
    business_id = numbers.ytunnus(10_000 + index)
    if business_id is None:
        return
    street, postcode, town = place(rng)
    number = FIRST_COMPANY + index
    name = f"{rng.choice(names.STREETS)[:6].title()} {rng.choice(names.COMPANIES)} Oy"
    firm = Person(
        name, "", None, None, "fi", f"toimisto{index}@yritys{index}.example", numbers.phone(rng), street, postcode, town
    )
    since = world.as_of - timedelta(days=rng.randrange(300, 3000))
    add_customer(world, firm, number=number, since=since, kind="Y", business_id=business_id)
    speaker = person(rng, serial=1_000_000 + index, as_of=world.as_of)
    own = FIRST_COMPANY + 100_000 + index
    add_customer(world, speaker, number=own, since=since, origin="YRITYS")
    ended = since + timedelta(days=200) if rng.randrange(4) == 0 else None
    add_contact_role(world, own, speaker, company=(number, name), role="laskutus", ended_on=ended)
