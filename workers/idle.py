"""Do everything that is due, here, until nothing is."""

from datetime import timedelta

from sqlalchemy import exists, or_, select

from models.delivery import Outbox
from models.step import Step
from models.vocabulary import Kind, OutboxState, StepState
from workflows.engine import drain
from workflows.mailroom import poll
from workflows.post import send_all
from workflows.reminding import remind
from workflows.runtime import Runtime
from workflows.sweeps import sweep

MOST_ROUNDS = 1000


def work_until_idle(rt: Runtime, *, everything: bool = True) -> int:
    """Sweep, work and send in turn until a round does nothing; how many steps were run.

    `everything`: read the mailbox and climb the reminder ladder too.
    """
    steps = 0
    for _ in range(MOST_ROUNDS):
        if everything:
            poll(rt)
            remind(rt)
        sweep(rt)
        ran = drain(rt, budget_seconds=3600)
        sent = send_all(rt)
        steps += ran
        if not ran and not sent and not due(rt):
            break
    return steps


def due(rt: Runtime) -> bool:
    """Whether any step or mail is due now."""
    with rt.unit() as session:
        now = rt.now() + timedelta(seconds=0)
        step = exists().where(Step.state == StepState.READY, Step.run_at <= now, Step.kind != Kind.DECIDE)
        mail = exists().where(Outbox.state == OutboxState.READY, Outbox.run_at <= now)
        return bool(session.scalar(select(or_(step, mail))))
