"""What `controller.yaml` says of the mail that comes in."""

from pydantic import BaseModel, ConfigDict, Field


class Mail(BaseModel):
    """The house's mailboxes, colleagues' domains and own mail servers; all of it is optional."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    addresses: tuple[str, ...] = ()  # further mailboxes of ours: mail from them is a loop
    domains: tuple[str, ...] = ()  # colleagues write from there too, and may pass on what people sent them
    authserv_ids: tuple[str, ...] = ()  # by these names our own mail servers sign Authentication-Results
    own_hops: int = Field(default=3, ge=1, le=20)  # at most so many Received lines are our own servers'
    silent_hours: int = Field(
        default=168, ge=1, le=8760
    )  # a mailbox silent for longer is looked at, unless it often is
    letters_an_hour: int = Field(default=20, ge=1, le=1000)  # of one sender; people read the others, a few at a time
    identity_copy_days: int = Field(default=7, ge=0, le=60)  # then unasked copies of identity documents are destroyed
