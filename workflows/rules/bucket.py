"""How urgent a step is, from the days its request has left."""

from datetime import date

from models.vocabulary import Bucket


def deadline_bucket(due_a: date, today: date) -> Bucket:
    """At most three days left, or none: OVERDUE; at most seven: SOON; else NORMAL. Both are dates at the seat."""
    left = (due_a - today).days
    if left <= 3:
        return Bucket.OVERDUE
    return Bucket.SOON if left <= 7 else Bucket.NORMAL
