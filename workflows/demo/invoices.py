"""Invoices with lines, payments, reminders and ledger entries. Money is in whole cents here."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from workflows.demo import numbers
from workflows.demo.calendar import months_before, year_end
from workflows.demo.world import World

_REMINDER_FEE = 500  # cents. Source: Debt Collection Act 513/1999 s. 10 a (consumer)
_VAT_CHANGE = date(2024, 9, 1)


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice as it should stand; `open_cents` below zero is money owed to the customer."""

    day: date
    due: date
    cents: int
    open_cents: int = 0
    reminded: tuple[date, ...] = ()
    judged: date | None = None
    disputed: bool = False
    payer: str = ""


def euros(cents: int) -> str:
    """Decimal euros as text: -3820 gives "-38.20"."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def add_invoice(world: World, customer: str, contract: str, bill: Bill) -> str:
    """The invoice and all that hangs on it; returns its number.

    The vouchers of an invoice stay together: each carries the fiscal year of the last entry about it.
    """
    serial = world.number("lasku", 1)
    number = f"{bill.day.year}{serial:07d}"
    paid, paid_on = bill.cents - bill.open_cents, bill.due - timedelta(days=serial % 6)
    ends = year_end(max([bill.day, *bill.reminded, *([paid_on] if paid > 0 else [])]))
    world.add(
        "lasku", number, customer, contract, bill.day, bill.due, euros(bill.cents), euros(bill.open_cents),
        _state(bill, world.as_of), ends, numbers.reference_number(int(number)),
        bill.reminded[-1] if bill.reminded else None, paid_on if 0 < paid < bill.cents else None, bill.judged,
        bill.disputed,
    )  # fmt: skip
    _lines(world, number, bill, ends)
    if paid > 0:
        account = numbers.iban(int(customer))
        world.add("suoritus", world.number("suoritus"), number, account, bill.payer or None, paid_on, paid, ends)
        world.add("osareskontra", f"P{number}", customer, "1701", euros(-paid), paid_on, year_end(paid_on))
    for level, day in enumerate(bill.reminded, start=1):
        world.add("muistutus", world.number("muistutus"), number, day, level, _REMINDER_FEE, ends)
    world.add("osareskontra", f"L{number}", customer, "1701", euros(bill.cents), bill.day, year_end(bill.day))
    return number


def _state(bill: Bill, as_of: date) -> str:
    if bill.open_cents == 0:
        return "MAKSETTU"
    if bill.open_cents < 0:
        return "HYVITYS"
    return "ERAANTYNYT" if bill.due < as_of else "AVOIN"


def _lines(world: World, number: str, bill: Bill, ends: date) -> None:
    base = 1350  # three months at 4.50
    rate = 255 if bill.day >= _VAT_CHANGE else 240
    net = bill.cents * 1000 // (1000 + rate)
    energy = max(net - base, 0)
    kwh = energy * 10 // 128  # 8.9 c energy and 3.9 c grid a kilowatt-hour
    rows = (
        ("Sähköenergia ja siirto", str(kwh), "kWh", energy),
        ("Perusmaksut", "3", "kk", net - energy),
        (f"Arvonlisävero {rate // 10},{rate % 10} %", "1", "kpl", bill.cents - net),
    )
    for no, (text, amount, unit, cents) in enumerate(rows, start=1):
        world.add("laskurivi", number, no, text, amount, unit, cents, ends)


def add_paid_quarters(
    world: World, rng: Random, customer: str, contract: str, *, start: date, end: date, yearly_kwh: int, payer: str = ""
) -> None:
    """Paid invoices every third month of [start, end), the latest due before the day of the register."""
    day = months_before(start, -3)
    while day < end and day + timedelta(days=21) < world.as_of:
        cents = (yearly_kwh * rng.randrange(60, 160) // 400) * 13 + 1_350
        add_invoice(world, customer, contract, Bill(day, day + timedelta(days=14), cents, payer=payer))
        day = months_before(day, -3)
