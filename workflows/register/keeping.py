"""How long something is kept: what the sources hold of a category, and our own records about requests."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Keeps(_Part):
    """How long a category keeps a record, in CEL: `until` gives the last day, or "" while no end can be told."""

    until: str
    source: str
    checked_on: date
    approved_by: str | None = None


class Kept(_Part):
    """How long something is kept, in days, and on what that rests."""

    days: int = Field(ge=1, le=3650)
    source: str = ""
    checked_on: date | None = None


class OwnRecords(_Part):
    """How long our own records about requests are kept. Source: GDPR Art. 5(1)(e), 5(2), 11(1), 17(3)(e), 77."""

    packages: Kept = Kept(days=30, source="GDPR 5(1)(e)")
    messages: Kept = Kept(days=30, source="GDPR 5(1)(e)")
    cases: Kept = Kept(days=365, source="GDPR 5(2), 17(3)(e), 77")  # the time in which somebody may complain
    most: int = Field(default=500, ge=1, le=1_000_000)  # more, or a larger share, goes in one run only by two people
    percent: int = Field(default=2, ge=1, le=100)
