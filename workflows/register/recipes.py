"""Recipes for making records anonymous: each approved by name, none for what can't be anonymous."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

SMALLEST_CELL = 10
"""Households that must look alike before a record says nothing of one of them."""


class Recipe(BaseModel):
    """What stays of a record, and how many households must share it; everything else loses its value for good.

    It counts only with a name and a day of approval. Random values are made anew each time and kept nowhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=1)
    source: str
    collection: str
    keeps: tuple[str, ...] = Field(min_length=1)  # columns that stay as they are
    household: str  # the column that tells households apart
    min_cell: int = Field(default=SMALLEST_CELL, ge=SMALLEST_CELL)
    approved_by: str = ""
    approved_on: date | None = None

    @property
    def approved(self) -> bool:
        """Whether somebody stands for this version with their name and a day."""
        return bool(self.approved_by.strip()) and self.approved_on is not None


def recipe_for(recipes: Sequence[Recipe], source: str, collection: str) -> Recipe | None:
    """The approved recipe for this collection."""
    found = (r for r in recipes if r.approved and (r.source, r.collection) == (source, collection))
    return next(found, None)
