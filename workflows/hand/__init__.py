"""Work at a source that only people can do: searching, taking folders out, erasing record by record.

Of equal rank with what programs do: the same findings, items, holds, plan, receipts and verification. A step of
such a source waits, a task says what is to be done, and the step goes on when people have done it.
"""
