"""Names of everything that may be queued. A message is a bell: it says which kind of work there may be."""

from models.vocabulary import Kind

WORK = tuple(kind.value for kind in Kind if kind is not Kind.DECIDE)
"""Kinds that a worker does; a decision is a person's."""

SEND, POLL, SWEEP, REMIND, RECHECK, LOOK = "send", "poll", "sweep", "remind", "recheck", "look"

QUEUES = (*WORK, SEND, POLL, SWEEP, REMIND, RECHECK, LOOK)
"""Every queue; each has one Celery task `vastine.<name>`."""


def task_name(queue: str) -> str:
    """The Celery task that serves a queue."""
    return f"vastine.{queue}"
