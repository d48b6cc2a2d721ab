from datetime import date, timedelta

import pytest

from models.vocabulary import Bucket
from workflows.rules.bucket import deadline_bucket

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-400, Bucket.OVERDUE),
        (-1, Bucket.OVERDUE),
        (0, Bucket.OVERDUE),
        (3, Bucket.OVERDUE),
        (4, Bucket.SOON),
        (7, Bucket.SOON),
        (8, Bucket.NORMAL),
        (90, Bucket.NORMAL),
    ],
)
def test_the_fewer_days_left_the_more_urgent_the_bucket(days, bucket):
    assert deadline_bucket(TODAY + timedelta(days=days), TODAY) is bucket
