"""Answers to a survey and the recipe that makes them anonymous, in whatever kind of source."""

from datetime import date

from tests.connectors.shop import EMAIL, KEY, field
from workflows.register.recipes import Recipe

RECIPE = Recipe(
    id="survey-counts",
    version=1,
    source="s",
    collection="answer",
    keeps=("rating", "postcode"),
    household="customer_id",
    approved_by="Anneli Esimerkki",
    approved_on=date(2026, 10, 1),
)
FIELDS = [
    field("id", "system.operations", primary_key=True),
    field("customer_id", KEY),
    field("email", EMAIL, identity="email"),
    field("rating", "user.behavior"),
    field("postcode", "user.contact.address.postal_code"),
    field("text", "user.content"),
]
