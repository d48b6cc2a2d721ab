"""What the engine and a stage say to each other."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import Event, Kind, StepState
from workflows.errors import PersonMustLook, VastineError
from workflows.exchange import ChangedItem, ChangeItem
from workflows.ports import Connector
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


@dataclass(frozen=True, slots=True)
class Changes:
    """One piece of what was decided, opened: so many records of one source, or nothing outside at all.

    `op_id` is the same each time the piece is tried. `basis` is whatever plain data the right's own work needs.
    """

    source: str
    op_id: str
    items: tuple[ChangeItem, ...] = ()
    connector: Connector | None = None
    basis: Any = None


class ChangeWork(Protocol):
    """How one right's decisions are carried out; registered by right in `workflows.wiring.CHANGES`.

    The stage `workflows.stages.changing` sees to leases, intents, effects and looking again; this says what of it all
    there is. Each is called under the request's lock, but for `carry_out`.
    """

    def require_decided(self, session: Session, rt: Runtime, request: Request) -> None:
        """Raise `Conflict` while something is missing that an approval rests on."""
        ...

    def next_steps(self, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
        """The next piece, of kind CHANGE; nothing once all is done. The key says which piece it is."""
        ...

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Changes | None:
        """The piece, opened; None where nothing of it is left."""
        ...

    def still(self, session: Session, rt: Runtime, request: Request, changes: Changes) -> str:
        """In the transaction that writes the intent: why it must not be done any more, as a code; "" if it may."""
        ...

    def carry_out(self, rt: Runtime, lease: Lease, changes: Changes) -> Sequence[ChangedItem]:
        """Do it in the source; no transaction is open, and it may come twice with the same `op_id`."""
        ...

    def settle(
        self,
        session: Session,
        rt: Runtime,
        request: Request,
        step: Step,
        *,
        changes: Changes,
        results: Sequence[ChangedItem],
    ) -> Event | None:
        """Write what came of it; an event where the request must go another way."""
        ...

    def stopped(self, session: Session, rt: Runtime, request: Request, changes: Changes, code: str) -> Event | None:
        """`still` said no: write it down, and say where the request goes."""
        ...

    def end(self, session: Session, rt: Runtime, request: Request) -> Event:
        """All is done: rows of ours, the outcome, and the event that leads on."""
        ...


class InOurBooks:
    """A `ChangeWork` that is carried out in our own registers alone: there is no piece of it in any source."""

    def next_steps(self, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG002
        """Nothing in any source: other systems ask us."""
        return []

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Changes | None:  # noqa: ARG002
        """Nothing to do outside."""
        return None

    def still(self, session: Session, rt: Runtime, request: Request, changes: Changes) -> str:  # noqa: ARG002
        """Never asked: there is no piece."""
        raise PersonMustLook("nothing_outside")

    def carry_out(self, rt: Runtime, lease: Lease, changes: Changes) -> Sequence[ChangedItem]:  # noqa: ARG002
        """Never asked: there is no piece."""
        raise PersonMustLook("nothing_outside")

    def settle(
        self,
        session: Session,  # noqa: ARG002
        rt: Runtime,  # noqa: ARG002
        request: Request,  # noqa: ARG002
        step: Step,  # noqa: ARG002
        *,
        changes: Changes,  # noqa: ARG002
        results: Sequence[ChangedItem],  # noqa: ARG002
    ) -> Event | None:
        """Never asked: there is no piece."""
        raise PersonMustLook("nothing_outside")

    def stopped(self, session: Session, rt: Runtime, request: Request, changes: Changes, code: str) -> Event | None:  # noqa: ARG002
        """Never asked: there is no piece."""
        raise PersonMustLook(code)
