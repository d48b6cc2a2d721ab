"""A signature under a request: one more sign that it is the person's, and never the proof.

A signature by hand proves nothing without another one to compare it with, and a signed PDF says who signed a file, not
who asks. Either helps staff to see more; what is enough for a case, the ladder alone says.
Source: GDPR Art. 12(2), 12(6); what the repealed Personal Data Act 523/1999 s. 28 asked for is no hurdle any more.
"""

import hashlib

from sqlalchemy.orm import Session

from models.request import Request
from models.staff import StaffUser
from models.vocabulary import Role
from workflows import audit
from workflows.errors import BadInput, Fault, NotAllowed
from workflows.runtime import Runtime
from workflows.vouching import Signed

COMPARED = ("alike", "unlike", "nothing_to_compare")
"""How a signature by hand looks beside the one on file."""

_ROLES = (Role.CASEWORKER, Role.APPROVER, Role.DPO)


def look_at_pdf(session: Session, rt: Runtime, request: Request, pdf: bytes, *, user: str) -> Signed:
    """What the signatures of a file that came with the request are worth. The result is kept, the file and name not.

    Raises `NotAllowed` for the role.
    """
    _staff(session, user)
    found = rt.signatures(pdf)
    digest = hashlib.sha256(pdf).hexdigest()
    facts = {"kind": "signed_pdf", "result": found.result, "file": digest, "certificate": found.mark}
    audit.record(session, "identity:supporting", at=rt.now(), actor=user, request_id=request.id, facts=facts)
    return found


def compared(session: Session, rt: Runtime, request: Request, *, how: str, user: str) -> None:
    """A member of staff held a letter signed by hand beside the signature on file. Raises `NotAllowed`, `BadInput`."""
    _staff(session, user)
    if how not in COMPARED:
        raise BadInput([Fault("compared", "compared_missing", f"one of {', '.join(COMPARED)}")])
    facts = {"kind": "hand_signed", "result": how}
    audit.record(session, "identity:supporting", at=rt.now(), actor=user, request_id=request.id, facts=facts)


def _staff(session: Session, name: str) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in _ROLES:
        raise NotAllowed("role", detail="this account may not do that")
