"""Erase in a service that keeps no receipts of ours: look, write down what is asked for, ask, look again.

| Mark | What is known | What is done |
|---|---|---|
| none | nothing was asked | look; if it is what was approved, write `asked` and ask |
| `asked` | the answer may have got lost | look: gone or masked is done, unchanged is asked again, else it drifted |
| `job` | the service works on it | ask the job, and only when it is done look |
| `done` | the service said yes | look, once it had time to settle; still there is asked again, later |
| `off` | called off | nothing more is asked |

`Idempotency-Key` stays the same over all attempts where the service knows one (guarantee B).
"""

from collections.abc import Callable, Mapping

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors.http_hands import Hands, Target
from workflows.connectors.records import Record
from workflows.connectors.records_items import record_digest
from workflows.errors import TryAgain
from workflows.ports import Mark

_SLOWEST_POLL = 3600.0


class Work:
    """One item of one operation."""

    def __init__(self, hands: Hands, target: Target, *, op_id: str, fence: int) -> None:
        self._hands, self._target, self._op_id, self._fence = hands, target, op_id, fence

    def go_on(self, mark: Mark | None) -> ReceiptOutcome | None:
        """From where the mark says it stands to as far as it gets; None: the service is not done with it."""
        if mark is not None and mark.state in _GOING:
            return _GOING[mark.state](self, mark)
        record = self._hands.look(self._target)
        done = self._done(record) if mark is not None else ReceiptOutcome.ABSENT if record is None else None
        if done is not None:
            return done
        if record is None or record_digest(record) != self._target.item.digest:
            return ReceiptOutcome.DRIFTED
        if self._target.in_array(record):
            return ReceiptOutcome.REFUSED
        self._write("asked")
        job = self._hands.ask(self._target, f"{self._op_id}:{self._target.item.item_no}")
        if job is not None:
            self._write("job", job)
            return self._pending(float(self._every()))
        return self._settled(self._write("done"))

    def _off(self, _mark: Mark) -> ReceiptOutcome | None:
        return ReceiptOutcome.KEPT

    def call_off(self, mark: Mark | None) -> ReceiptOutcome:
        """What became of it; from now on nobody with an older lease asks for it."""
        if mark is None or mark.state == "off":
            self._write("off")
            return ReceiptOutcome.KEPT
        if mark.state == "job" and self._ask_job(mark) == "running":
            self._pending(float(self._every()))
            return ReceiptOutcome.KEPT
        record = self._hands.look(self._target)
        done = self._done(record)
        if done is not None:
            return done
        self._write("off")
        same = record is not None and record_digest(record) == self._target.item.digest
        return ReceiptOutcome.KEPT if same else ReceiptOutcome.DRIFTED

    def _after_job(self, mark: Mark) -> ReceiptOutcome | None:
        state = self._ask_job(mark)
        if state == "running":
            return self._pending(min(_SLOWEST_POLL, max(float(self._every()), mark.age_seconds / 4)))
        if state == "failed":
            record = self._hands.look(self._target)
            done = self._done(record)
            if done is not None:
                return done
            self._write("asked")
            raise TryAgain("job_failed", detail="the service says that it could not do it")
        return self._settled(self._write("done"))

    def _ask_job(self, mark: Mark) -> str:
        job = self._target.change.job
        return self._hands.jobs().state(mark.note, job) if job is not None else "done"

    def _settled(self, mark: Mark) -> ReceiptOutcome | None:
        done = self._done(self._hands.look(self._target))
        if done is not None:
            return done
        left = self._hands.settle_seconds - mark.age_seconds
        if left > 0:
            return self._pending(left)
        self._write("asked")
        raise TryAgain("not_gone", detail="the service said that it was done, and the record is as it was")

    def _done(self, record: Record | None) -> ReceiptOutcome | None:
        if self._target.item.action is Action.DELETE:
            return ReceiptOutcome.ERASED if record is None else None
        if record is None:
            return ReceiptOutcome.ABSENT
        return ReceiptOutcome.MASKED if self._target.is_masked(record) else None

    def _pending(self, seconds: float) -> ReceiptOutcome | None:
        self._hands.wait(max(1.0, seconds))
        return None

    def _every(self) -> int:
        job = self._target.change.job
        return job.every_seconds if job is not None else 1

    def _write(self, state: str, note: str = "") -> Mark:
        self._hands.marks.set(self._op_id, self._target.item.item_no, state, fence=self._fence, note=note)
        return Mark(state, note, 0.0)


_GOING: Mapping[str, Callable[[Work, Mark], ReceiptOutcome | None]] = {
    "off": Work._off,  # noqa: SLF001 (the table of this class)
    "job": Work._after_job,  # noqa: SLF001
    "done": Work._settled,  # noqa: SLF001
}
