"""Carry out what was decided, other than erasing: source by source, an intent before and a look after each.

What there is to change, the right's own `ChangeWork` says; this is what all of them have in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.request import Request
from models.step import Effect, Step
from models.vocabulary import Action, EffectState, Event, Kind, RequestState, StepState
from workflows import audit, lifecycle
from workflows.acting import require_live
from workflows.casefile import open_key
from workflows.errors import Conflict, PersonMustLook, TryAgain, VastineError
from workflows.exchange import ChangedItem
from workflows.lease import mid_work
from workflows.notice import require_no_objection
from workflows.ports import EraseItem
from workflows.runtime import Runtime
from workflows.work import Changes, ChangeWork, Lease, NewStep

_DONE = ("changed", "as_it_was")
_LOOK_AGAIN = 60.0
_NOTHING = "change:none"
_BY_PEOPLE = "_by_hand:"
"""In the key of a step that only people do: they can where the source is in the register no more."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the work; no changes where nothing of it is left."""

    work: ChangeWork
    changes: Changes | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing is done: what it rests on is not what it was."""

    code: str


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:
    """The first piece, once the person on file has had time to object; the others follow one by one."""
    return _work_of(rt, request).next_steps(session, rt, request) or [
        NewStep(key=_NOTHING, kind=Kind.CHANGE, run_at=request.objection_until)
    ]


def _work_of(rt: Runtime, request: Request) -> ChangeWork:
    work = rt.changes.get(request.right)
    if work is None:
        raise PersonMustLook("nothing_wired", detail="nothing carries this right out; a person has to answer")
    return work


class Changing:
    """The stage: one piece of what was decided."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Piece:
        """The piece of this step, opened."""
        require_no_objection(session, rt, request)
        if request.answered_at is None:  # also where nothing is written to a source: the restriction itself is ours
            require_live(session, rt, request, open_key(session, rt, request.data_key_id))
        work = _work_of(rt, request)
        if step.key.startswith(f"{_NOTHING}#"):
            return Piece(work, None)
        if step.source is not None and step.source not in rt.connectors and _BY_PEOPLE not in step.key:
            raise PersonMustLook("source_not_in_register")
        return Piece(work, work.prepare(session, rt, request, step))

    def work(self, rt: Runtime, lease: Lease, inputs: Piece) -> list[ChangedItem] | Stopped | None:
        """Write the intent, have it done, look again."""
        changes = inputs.changes
        if changes is None:
            return None
        with mid_work(rt, lease) as (session, request):
            code = _intend(session, rt, request, lease, inputs.work, changes)
        if code:
            return Stopped(code)
        rt.failpoint("intended")
        results = list(inputs.work.carry_out(rt, lease, changes))
        rt.failpoint("changed")
        look_again(changes, results)
        return results

    def settle(
        self,
        session: Session,
        rt: Runtime,
        request: Request,
        step: Step,
        inputs: Piece,
        result: list[ChangedItem] | Stopped | None,
    ) -> Event | None:
        """Write what came of it; go on with the next piece, or end."""
        work, changes = inputs.work, inputs.changes
        if isinstance(result, Stopped) and changes is not None:
            return work.stopped(session, rt, request, changes, result.code)
        if changes is not None and isinstance(result, list):
            event = work.settle(session, rt, request, step, changes=changes, results=result)
            if step.state is not StepState.DONE:
                return event  # people have to do something first: the piece is not over
            _settled(session, rt, request, changes, result)
            if event is not None:
                return event
        session.flush()
        following = work.next_steps(session, rt, request)
        if following:
            lifecycle.add_steps(session, rt, request, following)
            return None
        return work.end(session, rt, request)

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """An effect whose outcome is not known stays intended until the step is done or a person has looked."""
        return None


def look_again(changes: Changes, results: Sequence[ChangedItem]) -> None:
    """Raise `TryAgain("not_as_written")` where the source does not show what it said it wrote."""
    said = {r.item_no: r.digest for r in results if r.outcome in _DONE and r.digest}
    if not said or changes.connector is None:
        return
    items = [
        EraseItem(i.item_no, i.collection, i.locator, Action.RESTRICT, (), said[i.item_no])
        for i in changes.items
        if i.item_no in said
    ]
    now = changes.connector.present(items)
    if any(now.get(n) != digest for n, digest in said.items()):
        raise TryAgain("not_as_written", after_seconds=_LOOK_AGAIN)


def _intend(session: Session, rt: Runtime, request: Request, lease: Lease, work: ChangeWork, changes: Changes) -> str:
    """Check all that it rests on and write that it is about to happen; or say why not, as a code."""
    if request.state is not RequestState.CHANGING:
        raise Conflict("not_changing")
    require_no_objection(session, rt, request)
    if request.answered_at is None:
        require_live(session, rt, request, open_key(session, rt, request.data_key_id))
    code = work.still(session, rt, request, changes)
    if code:
        return code
    effect = session.get(Effect, changes.op_id)
    if effect is None:
        effect = Effect(
            op_id=changes.op_id,
            step_id=lease.step_id,
            kind="change",
            first_fence=lease.fence,
            intended_at=rt.now(),
        )
        session.add(effect)
    effect.state, effect.last_fence, effect.settled_at = EffectState.INTENDED, lease.fence, None
    facts = {"source": changes.source, "items": len(changes.items), "right": request.right.value}
    audit.record(session, "change:intended", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    return ""


def _settled(session: Session, rt: Runtime, request: Request, changes: Changes, results: Sequence[ChangedItem]) -> None:
    effect = session.get(Effect, changes.op_id)
    if effect is not None:
        none = bool(results) and all(r.outcome == "refused" for r in results)
        effect.state, effect.settled_at = EffectState.REFUSED if none else EffectState.CONFIRMED, rt.now()
    counts: dict[str, int] = {}
    for result in results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    facts = {"source": changes.source, "outcomes": counts}
    audit.record(session, "change:done", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
