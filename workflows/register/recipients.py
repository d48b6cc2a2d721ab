"""Those who got personal data from us, or gave them to us: who must hear of a correction, erasure or restriction."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from workflows.register.source_parts import Secret


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Hook(_Part):
    """An address that takes signed notices. Source: Standard Webhooks specification."""

    url: str
    secret: Secret
    allow_private: bool = False  # on the controller's own network, or on this machine


class Recipient(_Part):
    """One entry of `recipients.yaml`. With neither `email` nor `webhook` people tell them, as a task.

    `identifiers` are those by which they know a person: nothing else about a person is sent to them. `fields`
    ("source:collection.field") are the only ones they hold, where they hold not all of their categories.
    Source: GDPR Art. 19.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: str = Field(min_length=1, max_length=200)
    role: Literal["processor", "recipient", "source"]
    categories: tuple[str, ...] = Field(min_length=1)
    fields: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = Field(default=("customer_number",), min_length=1)
    email: str = ""
    webhook: Hook | None = None
    language: Literal["fi", "sv", "en"] = "fi"
    collects: bool = False  # claims of ours: told to pause while one is disputed. Source: Act 513/1999 s. 4 b
    acknowledge_within_days: int = Field(default=14, ge=1, le=90)
    tested_on: date | None = None  # when they last acknowledged a test

    def holds(self, category: str, field: str = "") -> bool:
        """Whether they hold data of this category, and this very field where one is named."""
        return category in self.categories and (not field or not self.fields or field in self.fields)


def recipients_of(recipients: Sequence[Recipient], category: str) -> list[Recipient]:
    """Those who hold data of this category."""
    return [one for one in recipients if one.holds(category)]
