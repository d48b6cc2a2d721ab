"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """`Clock` over the operating system's time."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)


__all__ = ["SystemClock"]
