"""When a door that people write to has been silent for too long."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

_MOST_GAPS = 60


def too_silent(gaps: Sequence[float], *, quiet: timedelta, least: timedelta) -> bool:
    """Whether `quiet` exceeds three times the median of the last gaps, and in any case `least`.

    `gaps`: seconds between the times at which something arrived. Few gaps say little, so `least` counts alone.
    """
    usual = timedelta(seconds=3 * median(gaps)) if len(gaps) >= 3 else timedelta(0)
    return quiet > max(usual, least)


def with_gap(gaps: Sequence[float], seconds: float) -> list[float]:
    """The last gaps, this one among them."""
    return [*gaps, round(max(0.0, seconds), 1)][-_MOST_GAPS:]
