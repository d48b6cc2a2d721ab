"""A typed code, weighed in one way wherever one is asked for: by mail or by post, to prove or to open."""

import hmac

from sqlalchemy.orm import Session

from models.request import Request
from models.verification import Challenge
from workflows import audit
from workflows.runtime import Runtime


def take(session: Session, rt: Runtime, request: Request, row: Challenge, code: str) -> bool:
    """Use this challenge up if it is its code; a wrong one, or one for which none was ever sent, costs one try.

    The caller holds the request's lock.
    """
    given = rt.vault.digest("challenge", f"{row.id}:{''.join(c for c in code if c.isdigit())}")
    if row.code_digest is None or not hmac.compare_digest(given, row.code_digest):
        row.tries_left -= 1
        facts = {"purpose": row.purpose}
        audit.record(session, "identity:code:failed", at=rt.now(), actor="person", request_id=request.id, facts=facts)
        return False
    row.used_at = rt.now()
    return True
