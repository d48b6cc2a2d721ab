"""When an unpaid claim becomes time-barred.

Source: Act on Limitation of Debts 728/2003 (vanhentumislaki) s. 4, 5, 10, 11, 13, 13 a.
"""

from datetime import date

from workflows.errors import BadInput, Fault
from workflows.rules.deadlines import add_months


def prescription(due_on: date, reminded_on: date | None, judgment_on: date | None, *, today: date) -> date:
    """The last day on which a consumer's contractual debt can be claimed.

    Three years from the due day or the last interruption (a reminder counts), five once there is a
    judgment, and never more than twenty years from the due day. A credit loss that was booked changes
    nothing. A reminder or judgment dated after `today` is an error: nobody can tell from it.
    Source: Act 728/2003 s. 4, 5, 10, 11, 13 and 13 a.
    """
    if any(day is not None and day > today for day in (reminded_on, judgment_on)):
        raise BadInput([Fault("reminded_on", "an interruption lies in the future", "Correct the date in the source.")])
    interrupted = max(day for day in (due_on, reminded_on, judgment_on) if day is not None)
    years = 3 if judgment_on is None else 5
    return min(add_months(interrupted, 12 * years), add_months(due_on, 12 * 20))
