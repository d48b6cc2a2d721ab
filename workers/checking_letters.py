"""What `vastine check` says of letters: whether each can be written, and who signs them."""

from collections.abc import Iterator

from workers.finding import Finding, of_fault
from workflows.errors import BadInput
from workflows.register.model import Register
from workflows.settings import Settings


def check_letters(register: Register) -> Iterator[Finding]:
    """Every letter and mail, in every language, for an invented case."""
    from workflows.documents.sample import letter_faults  # noqa: PLC0415

    faults = letter_faults(register)
    yield from (of_fault("letters", fault, "fail") for fault in faults)
    if not faults:
        yield Finding("letters", "fi, sv, en", "ok", "every letter and mail can be written")


def check_signing(told: Settings) -> Iterator[Finding]:
    """The certificate that letters are signed with: whose it is, and until when."""
    from workflows.adapters.clock import SystemClock  # noqa: PLC0415
    from workflows.documents.signing import WARN_BEFORE  # noqa: PLC0415
    from workflows.wiring import signer_of  # noqa: PLC0415

    clock = SystemClock()
    try:
        signer = signer_of(told, clock)
    except BadInput as bad:
        yield from (of_fault("signing", fault, "fail") for fault in bad.faults)
        return
    if signer is None:
        return
    text = f"{signer.subject}, until {signer.expires_at:%Y-%m-%d}"
    remedy = "ask for a new certificate and set VASTINE_SIGNING_KEY_FILE"
    if not signer.in_force():
        yield Finding("signing", "certificate", "fail", f"not in force, so letters wait: {text}", remedy)
    elif signer.expires_at - clock.now() < WARN_BEFORE:
        yield Finding("signing", "certificate", "warn", f"soon to expire: {text}", remedy)
    else:
        yield Finding("signing", "certificate", "ok", text)
