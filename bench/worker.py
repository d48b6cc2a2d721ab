"""`vastine worker -c 2` with parts left out, to see what they cost: `no-pdf`, or `engine` (stages that do nothing)."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Step
from models.vocabulary import Event, Kind, Outcome, RequestState
from workers.app import Process, attach, make_app
from workers.host import settings
from workflows.errors import VastineError
from workflows.messages import QUEUES, WORK
from workflows.runtime import Runtime
from workflows.wiring import build
from workflows.work import Lease, NewStep

STORY = {
    Kind.VERIFY: (RequestState.VERIFYING, Event.IDENTIFIED),
    Kind.COLLECT: (RequestState.COLLECTING, Event.COLLECTED),
    Kind.ASSESS: (RequestState.ASSESSING, Event.ASSESSED),
    Kind.DELIVER: (RequestState.DELIVERING, Event.DELIVERED),
    Kind.CLOSE: (RequestState.CLOSING, Event.ANSWERED),
}
"""The steps of an access request with one source."""


class Nothing:
    """A stage whose work is nothing at all: what is left is the engine."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> None:
        """Nothing."""

    def work(self, rt: Runtime, lease: Lease, inputs: Any) -> None:
        """Nothing."""

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Any, result: Any
    ) -> Event | None:
        """On to the next state."""
        request.outcome, request.answered_at = Outcome.DELIVERED, rt.now()
        return self._event

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """Nothing."""
        return None


def _begin(kind: Kind, session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
    return [NewStep(key=kind.value, kind=kind)]


PARTS: dict[str, dict[str, Any]] = {
    "full": {},
    "no-pdf": {"render_pdf": False},
    "engine": {
        "stages": {kind: Nothing(event) for kind, (_, event) in STORY.items()},
        "entries": {state: partial(_begin, kind) for kind, (state, _) in STORY.items()},
    },
}


def main(mode: str) -> None:
    """Consume every queue with two processes until stopped."""
    app = make_app(settings())
    process = Process(settings(), app, make=partial(build, **PARTS[mode]))
    process.kinds = WORK
    attach(app, process)
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    app.worker_main(["worker", "-Q", ",".join(QUEUES), "-c", "2", *quiet])


if __name__ == "__main__":
    main(sys.argv[1])
