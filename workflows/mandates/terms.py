"""What staff say of a mandate they looked at: one sealed text that a second person agrees to word for word."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from models.mandate import AnswerTo, Mandate
from models.request import Request
from models.vocabulary import Method, Right
from workflows.acting import Holder
from workflows.ports import RequestKey
from workflows.register.mandates import mandate_kinds
from workflows.rules.items import canonical
from workflows.rules.mandates import CheckList, Scope, age_on, last_day, of_age_on


@dataclass(frozen=True, slots=True)
class Terms:
    """A mandate as it was seen. `identifiers` are the person's own, as the records have them.

    `method`: how whoever acts was seen. `born_on` of a child, for the age; it is kept no longer than until it is
    accepted. `until_on`: the last day that the document names, None where it names none.
    """

    kind: str
    ticked: frozenset[str]
    identifiers: Mapping[str, str]
    method: Method
    holder: Holder
    answer_to: AnswerTo
    rights: frozenset[Right]
    categories: frozenset[str] | None = None
    from_on: date | None = None
    until_on: date | None = None
    born_on: date | None = field(default=None, repr=False)

    def known(self) -> CheckList:
        """Its check list; raises `KeyError` for no kind of ours."""
        return mandate_kinds()[self.kind].check_list()

    def scope(self, today: date) -> Scope:
        """How far it goes if it is accepted today."""
        grown = of_age_on(self.born_on) if self.born_on is not None else None
        until = last_day(self.known(), today, told=self.until_on, of_age_on=grown)
        return Scope(self.rights, self.from_on or min(today, until), until, self.categories)

    def age(self, today: date) -> int | None:
        """Of the child it is about."""
        return age_on(self.born_on, today) if self.born_on is not None else None

    def plain(self) -> str:
        """The same text for the same terms."""
        return canonical(
            {
                "kind": self.kind,
                "ticked": sorted(self.ticked),
                "identifiers": dict(self.identifiers),
                "method": self.method.value,
                "holder": asdict(self.holder),
                "answer_to": self.answer_to.value,
                "rights": sorted(right.value for right in self.rights),
                "categories": sorted(self.categories) if self.categories is not None else None,
                "from_on": self.from_on.isoformat() if self.from_on else None,
                "until_on": self.until_on.isoformat() if self.until_on else None,
                "born_on": self.born_on.isoformat() if self.born_on else None,
            }
        )

    def digest(self) -> bytes:
        """What the second person agrees to."""
        return hashlib.sha256(b"vastine-mandate-1\n" + self.plain().encode()).digest()

    def seal(self, key: RequestKey, request: Request) -> bytes:
        """Under the case's key, until it is accepted."""
        return key.seal(self.plain().encode(), f"mandates.offer:{request.id}")


def offered(key: RequestKey, row: Mandate) -> Terms | None:
    """What the first of two people said, if one did and the second has not."""
    if row.offer_sealed is None:
        return None
    return _from(json.loads(key.open(row.offer_sealed, f"mandates.offer:{row.request_id}")))


def _from(data: Mapping[str, Any]) -> Terms:
    return Terms(
        kind=data["kind"],
        ticked=frozenset(data["ticked"]),
        identifiers=data["identifiers"],
        method=Method(data["method"]),
        holder=Holder(**data["holder"]),
        answer_to=AnswerTo(data["answer_to"]),
        rights=frozenset(Right(right) for right in data["rights"]),
        categories=frozenset(data["categories"]) if data["categories"] is not None else None,
        from_on=_day(data["from_on"]),
        until_on=_day(data["until_on"]),
        born_on=_day(data["born_on"]),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
