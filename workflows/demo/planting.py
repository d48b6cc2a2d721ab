"""Put the cast into the register, before the crowd, so that its numbers never depend on the crowd's size."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from workflows.demo import numbers
from workflows.demo.calendar import Ago, last_leap_day
from workflows.demo.cast import FIRST_NUMBER, Deal, Debt, Member
from workflows.demo.cast_channels import CALLERS
from workflows.demo.cast_customers import CUSTOMERS
from workflows.demo.cast_debts import DEBTORS
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
from workflows.demo.people import Person, mail_address
from workflows.demo.population import YEARLY_KWH
from workflows.demo.world import Span, World

CAST: tuple[Member, ...] = CUSTOMERS + DEBTORS + CALLERS
"""All members; a member's place gives the customer number."""

_STORED_DAYS = 60
_FIRST_COMPANY = 190_001
_SECOND_NUMBER = 10_000  # added to the first customer number of somebody who has two


def customer_number(slug: str) -> int:
    """The customer number of a member; the one who is not on file has a number nobody has."""
    return FIRST_NUMBER + next(i for i, member in enumerate(CAST) if member.slug == slug)


def as_person(member: Member) -> Person:
    """The member as the register knows them; the same in every register."""
    index = customer_number(member.slug) - FIRST_NUMBER
    home = index if not member.home_of else customer_number(member.home_of) - FIRST_NUMBER
    streets = ("Halkoliiterintie", "Savipellonraitti", "Kytösavuntie", "Nuottaverkonpolku", "Heinäseiväskuja")
    towns = (
        ("60100", "Seinäjoki"),
        ("60550", "Nurmo"),
        ("60800", "Ilmajoki"),
        ("61300", "Kurikka"),
        ("62100", "Lapua"),
    )
    individual = 900 + (index % 50) * 2 + (0 if member.woman else 1)
    return Person(
        member.last,
        member.first,
        member.born,
        numbers.hetu(member.born, individual, index) if member.has_hetu else None,
        member.language,
        member.email or mail_address(member.first, member.last, "posti.example"),
        f"+35845799{10_000 + index}",
        f"PL {200 + index}" if member.protected else f"{streets[home % 5]} {200 + home}",
        *towns[home % 5],
    )


@dataclass(slots=True)
class _Planted:
    """What is known while the cast is planted."""

    world: World
    rng: Random
    points: dict[str, str]  # slug -> its first metering point
    contracts: dict[str, str]


def plant_cast(world: World, rng: Random) -> None:
    """Every member who is on file, with all that the story needs."""
    planted = _Planted(world, rng, {}, {})
    for index, member in enumerate(CAST):
        if member.on_file:
            _plant(planted, member, FIRST_NUMBER + index)
    for member in CAST:
        for debt in member.debts:
            _owe(planted, member, debt)


def _plant(planted: _Planted, member: Member, number: int) -> None:
    world, who, as_of = planted.world, as_person(member), planted.world.as_of
    since = min([member.since.on(as_of), *(_start(deal, member, as_of) for deal in member.deals)])
    ends = [_end(deal, as_of) for deal in member.deals]
    ended_on = max((e for e in ends if e), default=None) if ends and None not in ends else None
    business_id = numbers.ytunnus(700) if member.kind == "T" else None
    customer = add_customer(
        world, who, number=number, since=since, kind=member.kind, ended_on=ended_on, business_id=business_id,
        protected=member.protected,
    )  # fmt: skip
    if member.old_address:
        add_address(
            world, number, "Vilukkalantie 311", "61100", "Peräseinäjoki", start=Ago(years=9).on(as_of), end=since
        )
    if member.old_last:
        add_old_name(world, number, last=member.old_last, first=member.first, until=Ago(years=2).on(as_of))
    for ban in member.bans:
        add_ban(world, number, ban, Ago(years=1).on(as_of))
    for role in member.roles:
        _speak(planted, member, number, company=role.company, role=role.role, ended=role.ended)
    for deal in member.deals:
        _deal(planted, member, customer, deal=deal)
    for ago in member.outages:
        add_outage(world, planted.points[member.slug], ago.on(as_of), at="03:15", minutes=95)
    if member.twin:
        twin = number + _SECOND_NUMBER
        second = add_customer(world, who, number=twin, since=Ago(years=2).on(as_of), origin="PUHELIN")
        _deal(planted, member, second, deal=Deal(Ago(years=2), site="cottage"))


def _speak(planted: _Planted, member: Member, number: int, *, company: str, role: str, ended: Ago | None) -> None:
    world = planted.world
    own = world.number("yritys", _FIRST_COMPANY)
    serial = 800 + own - _FIRST_COMPANY
    while numbers.ytunnus(serial) is None:
        serial += 100
    firm = Person(
        company, "", None, None, "fi", f"toimisto@yritys{own}.example", "", f"Sarkaojankuja {own % 700 + 200}",
        "60100", "Seinäjoki",
    )  # fmt: skip
    since = Ago(years=5).on(world.as_of)
    add_customer(world, firm, number=own, since=since, kind="Y", business_id=numbers.ytunnus(serial))
    ended_on = ended.on(world.as_of) if ended else None
    add_contact_role(world, number, as_person(member), company=(own, company), role=role, ended_on=ended_on)


def _deal(planted: _Planted, member: Member, customer: str, *, deal: Deal) -> None:
    world, as_of = planted.world, planted.world.as_of
    start, end = _start(deal, member, as_of), _end(deal, as_of)
    who = as_person(member)
    street = "Kurjenmarjantie 499" if member.protected else who.street
    second = str(customer_number(deal.joint)) if deal.joint else None
    for _ in range(deal.points):
        gsrn = planted.points[deal.at] if deal.at else add_point(
            world, deal.site, street, who.postcode, spans=_spans(deal, member, as_of), meter_since=start,
            solar=deal.solar,
        )  # fmt: skip
        contract = add_contract(world, customer, gsrn=gsrn, start=start, end=end, second=second, energy=deal.energy)
        planted.points.setdefault(member.slug, gsrn)
        planted.contracts.setdefault(member.slug, contract)
        until = end or as_of
        first = max(start, Ago(years=deal.bills_for_years).on(until))
        add_paid_quarters(
            world, planted.rng, customer, contract, start=first, end=until, yearly_kwh=YEARLY_KWH[deal.site]
        )


def _owe(planted: _Planted, member: Member, debt: Debt) -> None:
    as_of = planted.world.as_of
    due = debt.due.on(as_of)
    bill = Bill(
        due - timedelta(days=14), due, debt.cents, debt.open_cents, tuple(ago.on(as_of) for ago in debt.reminded),
        debt.judged.on(as_of) if debt.judged else None, debt.disputed,
    )  # fmt: skip
    number = customer_number(member.slug)
    invoice = add_invoice(planted.world, str(number), planted.contracts[member.slug], bill)
    if not debt.claim:
        return
    slugs = [member.slug, debt.co_debtor] if debt.co_debtor else [member.slug]
    for who in (as_person(m) for slug in slugs for m in CAST if m.slug == slug):
        add_claim(
            planted.world, invoice=invoice, hetu=who.hetu or "", name=f"{who.last} {who.first}".strip(),
            cents=debt.open_cents or debt.cents, state=debt.claim, day=due + timedelta(days=30),
            sold_on=debt.sold.on(as_of) if debt.sold else None,
        )  # fmt: skip


def _start(deal: Deal, member: Member, as_of: date) -> date:
    return last_leap_day(deal.start.on(as_of)) if member.slug == "leap-day" else deal.start.on(as_of)


def _end(deal: Deal, as_of: date) -> date | None:
    return deal.end.on(as_of) if deal.end else None


def _spans(deal: Deal, member: Member, as_of: date) -> tuple[Span, ...]:
    if deal.stored:
        return tuple(Span(first.on(as_of), last.on(as_of)) for first, last in deal.stored)
    until = _end(deal, as_of) or as_of
    recent = Span(until - timedelta(days=_STORED_DAYS), until)
    start = _start(deal, member, as_of)
    return (Span(start, start + timedelta(days=2)), recent) if member.slug == "leap-day" else (recent,)
