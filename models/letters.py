"""The letters this version can write, and the languages it writes them in."""

from enum import StrEnum


class Letter(StrEnum):
    """The letters of this version; the value names the template in `workflows/documents/templates`."""

    ACKNOWLEDGEMENT = "acknowledgement"  # L01
    CODE = "code"  # L02: the one-time code, to the contact on file
    NOTICE = "notice"  # to the contact on file: somebody was taken for you without it
    FETCH_CODE = "fetch_code"  # the code that opens an answer, to the same contact
    ASK = "ask"  # L02: what else is needed from the person
    EXTENSION = "extension"  # L03
    ACCESS = "access"  # L04
    PORTABILITY = "portability"  # L05
    REFUSAL = "refusal"  # L08
    FEE = "fee"  # L08f: a fee is asked for in place of a refusal
    ESTATE = "estate"  # L08e: about a person who has died
    ANSWER = "answer"  # in the words of who answers outside the flows
    PARTIAL_ERASURE = "partial_erasure"  # L09
    ERASURE = "erasure"  # L10
    FINAL_ERASURE = "final_erasure"  # L10b
    RECTIFICATION = "rectification"  # L06
    RESTRICTION = "restriction"  # L11
    LIFTING = "lifting"  # L11b: before a restriction is lifted
    OBJECTION = "objection"  # L12, to an objection that was upheld
    BAN = "ban"  # L12, to a ban on marketing or a withdrawn consent
    HOLD_LATER = "hold_later"  # L09 again: a date moved later
    DUPLICATE = "duplicate"  # L13, joined with an earlier case
    WITHDRAWN = "withdrawn"  # L13, taken back
    LATE = "late"  # L14: the day has passed
    MESSAGE = "message"  # the mail that says a message waits on the page of the case
    EXPIRING = "expiring"  # the answer was not fetched, and the time for it ends
    READY = "ready"  # the mail that says a package or letter can be fetched
    REMINDER = "reminder"  # to staff
    RECIPIENT_NOTICE = "recipient_notice"  # L07: to those who got the data from us, or gave them to us


LANGUAGES = ("fi", "sv", "en")
