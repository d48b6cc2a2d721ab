"""People of ours who are in the sources for good: a search that does not find them has not searched.

While one is not found, a source that says "nothing" is not believed: what it did not find waits, with a task.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models.collection import SourceHealth
from models.request import Request
from models.session import reading
from models.step import Step
from models.vocabulary import StepState, TaskKind
from workflows import gates
from workflows.human import open_task
from workflows.register.source_parts import Canary
from workflows.runtime import Runtime


def canary_of(rt: Runtime, source: str) -> tuple[Mapping[str, str], Mapping[str, int]] | None:
    """Who is in this source for good, and how many records of each collection at least; None where nobody is."""
    canary: Canary | None = rt.register.sources[source].canary
    if canary is None:
        return None
    return canary.identity or rt.register.controller.canary, canary.expect


def hold(session: Session, rt: Runtime, request: Request, step: Step) -> bool:
    """Whether an answer "nothing" of the step's source is not to be believed now; then the step waits, with a task."""
    source = str(step.source)
    if rt.register.sources[source].canary is None:
        return False
    with reading(session, SourceHealth):
        blind = gates.is_blind(rt, session.get(SourceHealth, source))
    if not blind:
        return False
    step.state, step.done_at = StepState.NEEDS_HUMAN, None
    step.error_class, step.error_code = "PersonMustLook", gates.BLIND
    open_task(
        session,
        rt,
        key=f"step:{step.id}",
        kind=TaskKind.SOURCE_FAILED,
        code=gates.BLIND,
        request_id=request.id,
        step_id=step.id,
        due_on=request.due_on,
        facts={"step": step.key, "source": source, "kind": step.kind.value},
    )
    return True
