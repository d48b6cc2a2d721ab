"""What the engine and a stage say to each other."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import Event, Kind, StepState
from workflows.errors import VastineError
from workflows.runtime import Runtime


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be added; the same key is added once."""

    key: str
    kind: Kind
    source: str | None = None
    state: StepState = StepState.READY
    run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed step, as plain data."""

    step_id: uuid.UUID
    request_id: uuid.UUID
    kind: Kind
    key: str
    source: str | None
    fence: int
    attempts: int
    bucket: int


class Stage(Protocol):
    """One stage's work: read in the claim's transaction, work outside of any, settle in a second one."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Any:
        """Plain data for the work; nothing lazy leaves the session."""
        ...

    def work(self, rt: Runtime, lease: Lease, inputs: Any) -> Any:
        """Talk to the world; no transaction is open. May run twice: effects carry the step's op id."""
        ...

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Any, result: Any
    ) -> Event | None:
        """Write what came of it under the request's row lock; the event moves the request.

        A stage that waits for a person sets the step to `WAITING` and returns None.
        """
        ...

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """Called when the step goes to a person; the engine opens the task."""
        ...
