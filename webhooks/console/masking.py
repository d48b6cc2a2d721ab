"""What a role may not see is shown as dots: names for those without need, identifiers until they are asked for."""

from dataclasses import dataclass

from flask import g
from sqlalchemy.orm import Session

from models.request import Request
from webhooks.console.roles import NAMES
from webhooks.console.shell import Shell
from workflows.casefile import open_claim, open_key, open_proof
from workflows.errors import NeverAgain

DOTS = "•••"


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as the reader may see them."""

    name: str
    proven: bool
    protected: bool = False


def mask(value: str) -> str:
    """The first letter of each word: enough to tell two lines apart, too little to tell who it is."""
    return " ".join(f"{word[0]}{DOTS}" for word in value.split()) or DOTS


def mask_identifier(value: str) -> str:
    """The last two characters, where there are many more."""
    text = value.strip()
    return f"{DOTS}{text[-2:]}" if len(text) > 5 else DOTS


def person_of(session: Session, shell: Shell, request: Request) -> Shown:
    """Who the case is about; masked for roles that need no name."""
    try:
        key = open_key(session, shell.rt, request.data_key_id)
        if request.proof_sealed is not None:
            contact = open_proof(key, request).contact
            name, proven, protected = contact.name, True, contact.protected
        else:
            name, proven, protected = open_claim(key, request).name, False, False
    except NeverAgain:  # the key was destroyed when the case's own time was over
        return Shown(DOTS, proven=False)
    if not name:
        return Shown("", proven=proven, protected=protected)
    return Shown(name if g.user.role in NAMES else mask(name), proven=proven, protected=protected)
