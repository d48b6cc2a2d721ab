"""Through which doors Vastine sends itself a request every day, and when it is late."""

from pydantic import BaseModel, ConfigDict, Field


class Doors(BaseModel):
    """What `controller.yaml` says of it; a door that is switched off is not watched, and nobody is called for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    portal: bool = True
    mail: bool | None = None  # None: where a mailbox is read
    api: bool | None = None  # None: where another system has a token
    late_hours: int = Field(default=6, ge=1, le=72)  # what has not arrived by then has not arrived
