"""Who may be given work at a source that people search: for paper only those who signed to keep its secrets."""

from models.staff import StaffUser
from models.vocabulary import Role
from workflows.errors import NotAllowed
from workflows.register.model import SourceSpec

WORKERS = frozenset({Role.CASEWORKER, Role.APPROVER, Role.DPO})


def check_may_work(user: StaffUser, spec: SourceSpec) -> None:
    """Raise `NotAllowed` where this person may not see or do the work of this source."""
    if user.disabled_at is not None or user.role not in WORKERS:
        raise NotAllowed("role", detail="this role does no work at the sources")
    if spec.kind == "paper" and user.nda_signed_on is None:
        raise NotAllowed("nda_missing", detail="paper is only for staff who signed the promise of secrecy")
