"""Do everything that is due, here, until nothing is."""

from workflows.engine import drain
from workflows.mailroom import poll
from workflows.post import send_all
from workflows.recipients.sending import send_notices
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
        sent = send_all(rt) + send_notices(rt)
        steps += ran
        if not ran and not sent:
            break  # nothing is due, or what is due is another process's or waits for a source to come back
    return steps
