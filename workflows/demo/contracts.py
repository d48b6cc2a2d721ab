"""Customers, their addresses and roles, metering points and contracts."""

from datetime import date

from workflows.demo import numbers
from workflows.demo.people import Person
from workflows.demo.world import Held, Point, Span, World

PRODUCTS = (
    ("KIINTEA", "Lakeus Kiinteä"),
    ("PORSSI", "Lakeus Pörssi"),
    ("TOISTAI", "Lakeus Toistaiseksi"),
    ("VERKKO", "Verkkopalvelu 3 x 25 A"),
)
_FUSES = {"flat": "1x25 A", "farm": "3x63 A"}


def add_products(world: World) -> None:
    """What is sold."""
    for code, name in PRODUCTS:
        world.add("tuote", code, name)


def add_customer(
    world: World,
    who: Person,
    *,
    number: int,
    since: date,
    kind: str = "H",
    ended_on: date | None = None,
    business_id: str | None = None,
    protected: bool = False,
    origin: str = "VERKKO",
) -> str:
    """A customer record and its present address; returns the customer number as text."""
    world.add(
        "asiakas", number, kind, who.hetu, who.born, business_id, who.last, who.first, who.language,
        who.email or None, who.phone or None, who.street, who.postcode, who.town, protected, origin, since, ended_on,
        since if who.phone else None, since if who.street else None,
    )  # fmt: skip
    add_address(world, number, who.street, who.postcode, who.town, start=since)
    world.people[str(number)] = who
    return str(number)


def add_address(
    world: World,
    number: int,
    street: str,
    postcode: str,
    town: str,
    *,
    start: date,
    end: date | None = None,
    origin: str = "ASIAKAS",
) -> None:
    """One line of the address history; `end` is the last day."""
    kind = "L" if end is None else "V"
    world.add("osoite", world.number("osoite"), number, kind, street, postcode, town, origin, start, end)


def add_old_name(world: World, number: int, *, last: str, first: str, until: date) -> None:
    """A name somebody had before."""
    world.add("nimihistoria", world.number("nimi"), number, last, first, until)


def add_contact_role(
    world: World, number: int, who: Person, *, company: tuple[int, str], role: str, ended_on: date | None = None
) -> None:
    """Somebody speaks for a company; without an end the role is active."""
    world.add(
        "yhteyshenkilo", world.number("yht"), number, company[0], company[1], f"{who.first} {who.last}".strip(),
        who.email or None, who.phone or None, role, "A" if ended_on is None else "P", ended_on,
    )  # fmt: skip


def add_ban(world: World, number: int, kind: str, day: date, channel: str = "VERKKO") -> None:
    """A ban B1-B7 on marketing or disclosure."""
    world.add("kielto", world.number("kielto"), number, kind, day, channel)


def add_point(
    world: World,
    site: str,
    street: str,
    postcode: str,
    *,
    spans: tuple[Span, ...],
    meter_since: date,
    solar: bool = False,
) -> str:
    """A metering point with its meter; returns the GSRN. Its values are written later."""
    serial = world.number("gsrn", 100_001)
    number = numbers.gsrn(serial)
    world.add("kayttopaikka", number, street, postcode, _FUSES.get(site, "3x25 A"), site, "LES1")
    world.add("mittari", f"M{serial:09d}", number, meter_since, None)
    world.points.append(Point(number, site, solar, spans))
    return number


def add_contract(
    world: World,
    customer: str,
    *,
    gsrn: str,
    start: date,
    end: date | None,
    product: str = "TOISTAI",
    second: str | None = None,
    channel: str = "VERKKO",
    grid: bool = True,
    energy: bool = True,
) -> str:
    """A sale and a grid contract on one point; returns the number of the first.

    `end` is the first day no longer in force.
    """
    main = ""
    for kind, code, wanted in (("myynti", product, energy), ("verkko", "VERKKO", grid)):
        if wanted:
            number = f"S{world.number('sopimus', 700_001)}"
            main = main or number
            world.add("sopimus", number, customer, second, gsrn, code, kind, start, end, channel)
    world.held.setdefault(customer, Held(gsrn, start, end))
    return main


def add_outage(world: World, gsrn: str, day: date, *, at: str, minutes: int) -> None:
    """A time without power at one point."""
    world.add("keskeytys", world.number("keskeytys"), gsrn, day, at, minutes)
