"""The tree of errors; a class's docstring is its default message.

VastineError
├── TryAgain        the same call may succeed later: network, lock, 5xx, greylisting
├── NeverAgain      the same call can never succeed: wrong schema, refused by the source
├── PersonMustLook  only a person can tell: ambiguous, changed under our hands, unknown outcome
├── WaitFor         something else must happen first
├── Fenced          another worker holds the step now
├── Conflict        somebody else was first; nothing was changed
├── NotAllowed      the role or the state does not permit it
├── NotFound
└── BadInput        the caller can mend it; carries one `Fault` per mistake
    └── BadRegister

Messages never hold personal data: a code, a name of ours, a count.
"""

from dataclasses import dataclass


class VastineError(Exception):
    """Something went wrong."""

    status = 500

    def __init__(self, code: str = "", *, detail: str = "") -> None:
        self.code = code or type(self).__name__
        self.detail = detail or (type(self).__doc__ or "").strip()
        super().__init__(f"{self.code}: {self.detail}")


class TryAgain(VastineError):  # noqa: N818
    """It did not work this time and may work later."""

    status = 503

    def __init__(self, code: str = "", *, detail: str = "", after_seconds: float | None = None) -> None:
        super().__init__(code, detail=detail)
        self.after_seconds = after_seconds


class SourceDown(TryAgain):
    """The source does not answer; counts towards its breaker and costs no attempts."""


class NeverAgain(VastineError):  # noqa: N818
    """It can't work however often it is tried."""


class PersonMustLook(VastineError):  # noqa: N818
    """A person has to look before anything more is done."""


class WaitFor(VastineError):  # noqa: N818
    """Something else must happen first; the step waits and costs no attempts.

    With `after_seconds` it is tried again by itself then; without, somebody has to say when.
    """

    def __init__(self, code: str = "", *, detail: str = "", after_seconds: float | None = None) -> None:
        super().__init__(code, detail=detail or "Something else must happen first.")
        self.after_seconds = after_seconds


class Fenced(VastineError):  # noqa: N818
    """Another worker holds this step now; the result is dropped."""


class Conflict(VastineError):  # noqa: N818
    """Something changed in the meantime; nothing was done."""

    status = 409


class NotAllowed(VastineError):  # noqa: N818
    """This is not permitted for this role or in this state."""

    status = 403


class NotFound(VastineError):  # noqa: N818
    """There is no such thing."""

    status = 404


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: where it is, what it is, and what to do about it."""

    where: str  # "sources/billing.yaml:14" or a form field
    what: str
    remedy: str = ""


class BadInput(VastineError):  # noqa: N818
    """The input has mistakes; each is listed with its remedy."""

    status = 422

    def __init__(self, faults: list[Fault], code: str = "bad_input") -> None:
        self.faults = faults
        super().__init__(code, detail="; ".join(f"{f.where}: {f.what}" for f in faults))


class BadRegister(BadInput):
    """The register has mistakes; each is listed with file, line and remedy."""
