"""The collection agency's file: one line a claim, pipes between the fields, ISO dates."""

from datetime import date

from workflows.demo.invoices import euros
from workflows.demo.world import World

HEADER = "tietue|nro|laskunro|hetu|nimi|paaoma|kulut|korko|tila|pvm|myyntipvm|toimisto"
AGENCY = "Esimerkkiperintä Oy"
OPEN_STATES = ("New", "CollectionInProgress", "PaymentPlan", "Legal", "Enforcement")
_DEMAND_FEES = ((10_000, 1_400), (100_000, 2_400))


def add_claim(
    world: World,
    *,
    invoice: str,
    hetu: str,
    name: str,
    cents: int,
    state: str,
    day: date,
    sold_on: date | None = None,
) -> str:
    """One claim at the agency; returns its number. Principal, costs and interest stay apart."""
    number = f"T{world.number('toimeksianto', 50_001)}"
    costs = next((fee for limit, fee in _DEMAND_FEES if cents <= limit), 5_000)
    interest = cents * 11 // 400
    fields = (
        "TOIMEKSIANTO", number, invoice, hetu, name, euros(cents), euros(costs), euros(interest), state,
        day.isoformat(), sold_on.isoformat() if sold_on else "", AGENCY,
    )  # fmt: skip
    world.collection.append("|".join(fields))
    return number
