"""What strangers send stays shut until the virus scanner has looked at it; each time, since it learns new names.

Where no scanner is set nothing is looked at, and the pages say so.
"""

from collections.abc import Iterable

from workflows import audit
from workflows.errors import Conflict, VastineError
from workflows.rules.mail_parts import TooComplex
from workflows.runtime import Runtime


def is_guarded(rt: Runtime) -> bool:
    """Whether there is a scanner."""
    return rt.scanner is not None


def require_clean(rt: Runtime, contents: Iterable[bytes], *, what: str, user: str) -> None:
    """Return once the scanner has found nothing in any of these; that something was held is put on record.

    `what` names the message or file. Outside any transaction: a look takes time. Raises `Conflict` "infected" or
    "not_scannable", `TryAgain` "scanner" while it does not answer.
    """
    if rt.scanner is None:
        return
    try:
        for content in contents:
            if name := rt.scanner.find(content):
                raise Conflict("infected", detail=f"the virus scanner found {name}")
    except TooComplex:
        error: VastineError = Conflict("not_scannable", detail="it can't be taken apart to be looked at")
        _note(rt, what, error, user=user)
        raise error from None
    except VastineError as error:
        _note(rt, what, error, user=user)
        raise


def _note(rt: Runtime, what: str, error: VastineError, *, user: str) -> None:
    facts = {"message": what, "code": error.code}
    if error.code == "infected":
        facts["found"] = error.detail.rpartition(" ")[2]
    with rt.unit() as session:
        audit.record(session, "file:held", at=rt.now(), actor=user, facts=facts)
