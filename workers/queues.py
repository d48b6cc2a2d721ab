"""Every queue, and how its tasks are limited. One task per kind of work, so that Celery routes and shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.messages import POLL, QUEUES, RECHECK, REMIND, SEND, SWEEP


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one task may run, in seconds, and how many may start (Celery's `rate_limit`)."""

    soft_seconds: int
    hard_seconds: int
    rate: str | None = None


_WORK = Limits(1500, 1800)
_SHORT = Limits(240, 300)

LIMITS: Mapping[str, Limits] = {
    queue: _SHORT if queue in (SEND, POLL, SWEEP, REMIND, RECHECK) else _WORK for queue in QUEUES
}
"""A worker that overruns loses its lease long before: the step is taken by another and this one is fenced."""
