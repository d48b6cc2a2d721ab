"""Who may open which page: every route names one of these sets, and a route that names none opens for nobody."""

from collections.abc import Callable
from typing import Any, TypeVar

from models.vocabulary import Role

EVERYONE = frozenset(Role)
LIST = frozenset(Role) - {Role.ADMIN}  # see that a case exists and how it stands
NAMES = frozenset({Role.CASEWORKER, Role.APPROVER, Role.DPO})  # see who the person is
RECORDS = NAMES  # see the person's records, letters and files
REGISTER = frozenset({Role.INTAKE, Role.CASEWORKER, Role.DPO})  # write requests down, read what came in
VERIFY = frozenset({Role.INTAKE, Role.CASEWORKER, Role.APPROVER, Role.DPO})  # say whom they saw
WORK = frozenset({Role.CASEWORKER, Role.APPROVER, Role.DPO})  # extend, ask a source again, close tasks
DECIDE = frozenset({Role.APPROVER, Role.DPO})  # approve and refuse
PAUSE = WORK | {Role.ADMIN}  # stop a source for a while
AUDIT = frozenset({Role.DPO, Role.AUDITOR})
OFFICER = frozenset({Role.DPO})

View = TypeVar("View", bound=Callable[..., Any])

_GUARDS = "vastine_roles"
_OPEN = "vastine_open"
_FILES = "vastine_files"
_TOKEN = "vastine_token"  # noqa: S105  # a mark on a function


def allow(roles: frozenset[Role]) -> Callable[[View], View]:
    """Let these roles use a view, and nobody else."""

    def mark(view: View) -> View:
        setattr(view, _GUARDS, roles)
        return view

    return mark


def open_to_all(view: View) -> View:
    """A view that needs no log-in: the log-in itself, files of style, the health check."""
    setattr(view, _OPEN, True)
    return view


def by_token(view: View) -> View:
    """A view for programs: a bearer token with one of its roles opens it, a person's session does not."""
    setattr(view, _TOKEN, True)
    return view


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """A view that takes uploads larger than a form may be."""

    def mark(view: View) -> View:
        setattr(view, _FILES, most_bytes)
        return view

    return mark


def most_bytes(view: Callable[..., Any]) -> int | None:
    """How large the body of a view's request may be, if larger than a form."""
    most: int | None = getattr(view, _FILES, None)
    return most


def takes_token(view: Callable[..., Any]) -> bool:
    """Whether a view is for programs."""
    return bool(getattr(view, _TOKEN, False))


def roles_of(view: Callable[..., Any]) -> frozenset[Role]:
    """The roles a view lets in; none if nobody said."""
    roles: frozenset[Role] = getattr(view, _GUARDS, frozenset())
    return roles


def is_open(view: Callable[..., Any]) -> bool:
    """Whether a view needs no log-in."""
    return bool(getattr(view, _OPEN, False))
