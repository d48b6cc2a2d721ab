"""The words of durable work: where a step, an outside effect or a mail stands. Told by `models.vocabulary` too."""

from enum import IntEnum, StrEnum


class StepState(StrEnum):
    """Where one piece of durable work stands."""

    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"  # for a person or an outside answer; never lost, never timed out
    NEEDS_HUMAN = "needs_human"  # gave up by itself; a task asks a person to requeue or skip
    DONE = "done"
    SKIPPED = "skipped"


class Bucket(IntEnum):
    """Deadline bucket of a step, most urgent first; the sweep recomputes it daily."""

    OVERDUE = 0  # at most three days left, or none
    SOON = 1  # at most seven days left
    NORMAL = 2
    BULK = 3


class EffectState(StrEnum):
    """An outside effect: written before it happens, settled after."""

    INTENDED = "intended"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class OutboxState(StrEnum):
    """A mail on its way out."""

    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"  # the connection broke after DATA; see `Outbox.once`
    FAILED = "failed"
    PAPER = "paper"  # there is no address for mail: a person prints it and takes it to the post
