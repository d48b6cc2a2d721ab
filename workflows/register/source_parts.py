"""Small parts of register files that stand for themselves: where a secret is, a canary, what restricts a record."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Secret(_Part):
    """Where a secret is: an environment variable or a file, never the value itself."""

    env: str | None = None
    file: str | None = None


class Canary(_Part):
    """A person of ours who is in the source for good: a search that does not find them has not searched.

    `identity` names them; empty: the controller's `canary`. `expect` says of each collection how many records there
    are at least.
    """

    identity: Mapping[str, str] = {}
    expect: Mapping[str, Annotated[int, Field(ge=1)]] = Field(min_length=1)


class Restriction(BaseModel):
    """The column that says whether a record may be used: `value` where it may not, `free` where it may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    value: str | int | bool
    free: str | int | bool | None = None
