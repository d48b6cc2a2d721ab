"""Members of staff: personal log-ins with a memory-hard password hash, and sessions that end at once when told to."""

import re
import secrets
from datetime import date, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.staff import ApiToken, StaffSession, StaffUser
from models.vocabulary import Role
from workflows import audit
from workflows.barring import NOBODY
from workflows.errors import BadInput, Conflict, Fault, NotAllowed, NotFound
from workflows.runtime import Runtime

PASSWORD_CHARACTERS = 12
IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,63}")
_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
"""Checked where there is no such user, so that both take the same time."""


def require_user(session: Session, name: str) -> None:
    """Raise `NotAllowed` unless this is the name of an account in use: what is done under another is nobody's."""
    row = session.get(StaffUser, name)
    if row is None or row.disabled_at is not None:
        raise NotAllowed("unknown_user", detail=f"there is no enabled user {name}; add one with `vastine user add`")


def add_user(
    session: Session,
    rt: Runtime,
    name: str,
    *,
    role: Role,
    display_name: str = "",
    email: str | None = None,
    password: str | None = None,
    nda_signed_on: date | None = None,
    by: str = "cli",
) -> str:
    """Add a person; returns the password, made up if none is given. Raises `BadInput` or `Conflict`."""
    if not _NAME.fullmatch(name):
        remedy = "2 to 64 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter"
        raise BadInput([Fault("name", "this can't be a user name", remedy)])
    if name in NOBODY:
        raise BadInput([Fault("name", "the record has another meaning for this name", "choose another")])
    if session.get(StaffUser, name) is not None:
        raise Conflict("user_exists", detail=f"there is a user {name} already")
    password = password if password is not None else secrets.token_urlsafe(15)
    session.add(
        StaffUser(
            name=name,
            role=role,
            display_name=display_name or name,
            email=email,
            password_hash=hash_password(password),
            created_at=rt.now(),
        )
    )
    audit.record(session, "staff:added", at=rt.now(), actor=by, facts={"name": name, "role": role.value})
    if nda_signed_on is not None:
        sign_nda(session, rt, name, on=nda_signed_on, by=by)
    return password


def sign_nda(session: Session, rt: Runtime, name: str, *, on: date, by: str = "cli") -> None:
    """Note the day a person signed to keep secrets. Raises `NotFound`, or `BadInput` for a day to come."""
    user = session.get(StaffUser, name)
    if user is None:
        raise NotFound("user", detail=f"there is no user {name}")
    if on > rt.today():
        raise BadInput([Fault("nda_signed_on", "this day is still to come", "give the day it was signed")])
    user.nda_signed_on = on
    audit.record(session, "staff:signed", at=rt.now(), actor=by, facts={"name": name, "on": on.isoformat()})


def lacks_nda(rt: Runtime, user: StaffUser) -> bool:
    """Whether the organisation lets in only those who signed to keep secrets, and this person did not."""
    return rt.register.controller.staff.nda_required and user.nda_signed_on is None


def hash_password(password: str) -> str:
    """Argon2id. Raises `BadInput` for a password that is too short."""
    if len(password) < PASSWORD_CHARACTERS:
        remedy = f"use at least {PASSWORD_CHARACTERS} characters"
        raise BadInput([Fault("password", "the password is too short", remedy)])
    return _hasher.hash(password)


def check_password(session: Session, name: str, password: str) -> StaffUser | None:
    """The person, if the password is theirs and the account is not disabled. Equal work for unknown names."""
    user = session.get(StaffUser, name)
    known = user.password_hash if user and user.password_hash and user.disabled_at is None else None
    try:
        _hasher.verify(known or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    return user if known else None


def disable_user(session: Session, rt: Runtime, name: str, *, by: str = "cli") -> None:
    """Disable an account and end its sessions at once; what the person did stays on record."""
    user = session.get(StaffUser, name)
    if user is None:
        raise NotFound("user", detail=f"there is no user {name}")
    user.disabled_at = user.disabled_at or rt.now()
    session.execute(delete(StaffSession).where(StaffSession.name == name))
    audit.record(session, "staff:disabled", at=rt.now(), actor=by, facts={"name": name})


def log_in(session: Session, rt: Runtime, user: StaffUser) -> str:
    """A fresh session; returns its secret, of which the database keeps a digest."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_digest=rt.vault.digest("session", token),
            name=user.name,
            created_at=rt.now(),
            seen_at=rt.now(),
            expires_at=rt.now() + ABSOLUTE,
        )
    )
    audit.record(session, "staff:logged_in", at=rt.now(), actor=user.name)
    return token


def user_of(session: Session, rt: Runtime, token: str) -> StaffUser | None:
    """Whose session this is, while it lasts; a look keeps it from idling out."""
    row = session.get(StaffSession, rt.vault.digest("session", token))
    if row is None or row.expires_at <= rt.now() or row.seen_at + IDLE <= rt.now():
        return None
    user = session.get(StaffUser, row.name)
    if user is None or user.disabled_at is not None or lacks_nda(rt, user):
        return None
    if rt.now() - row.seen_at > timedelta(minutes=1):
        row.seen_at = rt.now()
    return user


def log_out(session: Session, rt: Runtime, token: str) -> None:
    """End a session."""
    session.execute(delete(StaffSession).where(StaffSession.token_digest == rt.vault.digest("session", token)))


def new_token(session: Session, rt: Runtime, *, label: str, role: Role, days: int, by: str = "cli") -> str:
    """A bearer token for the API; shown once."""
    token = f"vst_{secrets.token_urlsafe(32)}"
    session.add(
        ApiToken(
            token_digest=rt.vault.digest("api_token", token),
            label=label,
            role=role,
            created_at=rt.now(),
            expires_at=rt.now() + timedelta(days=days),
        )
    )
    audit.record(session, "token:made", at=rt.now(), actor=by, facts={"label": label, "role": role.value})
    return token


def token_of(session: Session, rt: Runtime, token: str) -> ApiToken | None:
    """The token's row, while it is good."""
    row = session.scalar(select(ApiToken).where(ApiToken.token_digest == rt.vault.digest("api_token", token)))
    return row if row and row.revoked_at is None and row.expires_at > rt.now() else None
