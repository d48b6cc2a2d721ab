"""What one notice says, sealed: by what the recipient knows the person, and what stands anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.notices import Notice
from workflows.casefile import Proof
from workflows.ports import RequestKey
from workflows.register.recipients import Recipient
from workflows.rules import identifiers
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.items import Json, canonical


@dataclass(frozen=True, slots=True)
class Treated:
    """Data that were treated: a category, and of a rectification the very field with what stands there now.

    `field` is "source:collection.field"; `value` None of a field means that it was emptied.
    """

    category: str
    field: str = ""
    value: Json = None


@dataclass(frozen=True, slots=True)
class Content:
    """A notice, opened. `token` is the secret of its link."""

    identifiers: Mapping[str, Sequence[str]]
    changes: Sequence[tuple[str, Json]]  # field as above, new value
    token: str


def seal_content(key: RequestKey, notice: Notice, content: Content) -> bytes:
    """Seal what a notice says to its row."""
    plain = {
        "identifiers": {kind: list(values) for kind, values in content.identifiers.items()},
        "changes": [list(change) for change in content.changes],
        "token": content.token,
    }
    return key.seal(canonical(plain).encode(), f"notices.content:{notice.id}")


def open_content(key: RequestKey, notice: Notice) -> Content:
    """What a notice says. Raises `NeverAgain` once it was let go of."""
    plain = json.loads(key.open(notice.content_sealed, f"notices.content:{notice.id}"))
    changes = [(str(name), value) for name, value in plain["changes"]]
    return Content(plain["identifiers"], changes, plain["token"])


def known_by(recipient: Recipient, proof: Proof) -> dict[str, tuple[str, ...]]:
    """By what this recipient knows the person: the first kind of theirs that we have, and no other.

    Where no customer number was proven, the controller's own number of the person is one. {}: by nothing we know.
    """
    told = proof.told()
    numbers = tuple(dict.fromkeys(number for _, number in proof.records if number))
    for kind in recipient.identifiers:
        values = told.get(kind, ())
        if not values and kind == identifiers.CUSTOMER_NUMBER:
            values = numbers
        if values:
            return {kind: tuple(values)}
    return {}


def names_a_code(changes: Sequence[tuple[str, Json]]) -> bool:
    """Whether a new value is or holds a personal identity code: such a one goes to nobody by a link or a program.

    Source: Data Protection Act 1050/2018 s. 29.
    """
    texts = [str(value) for _, value in changes if value is not None]
    return any(has_identity_code(text) or identifiers.normalise(identifiers.NATIONAL_ID, text) for text in texts)
