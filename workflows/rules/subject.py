"""What all items of a person say together: is anything owed, collected, in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from models.vocabulary import Ownership
from workflows.rules.cel import iso_date
from workflows.rules.item_facts import known_facts
from workflows.rules.items import Fact, Item
from workflows.rules.limitation import prescription

_NAMED = 10  # so many invoice numbers are told in one sentence, the rest are counted


@dataclass(frozen=True, slots=True)
class Subject:
    """The `subject_*` facts (None: unknown), and words for sentences about claims, collections and roles."""

    facts: Mapping[str, Fact]
    claims: Mapping[str, str] = field(default_factory=dict)
    collections: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)


class _Any:
    """Whether something is true of any item; unknown if none is known to be and one can't be told."""

    def __init__(self) -> None:
        self.value: bool | None = False

    def add(self, value: bool | None) -> None:
        if self.value is not True and value is not False:
            self.value = value


class _Gathering:
    """Sums up items one by one, so that they can be streamed."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.balance = 0.0
        self.owed = _Any()
        self.barred: date | None = None
        self.barred_unknown = False
        self.claims: dict[str, tuple[float, str]] = {}
        self.collected, self.in_force, self.in_role = _Any(), _Any(), _Any()
        self.contract_end = ""
        self.references: dict[str, None] = {}
        self.agencies: dict[str, None] = {}
        self.companies: dict[str, None] = {}

    def add(self, facts: Mapping[str, Fact]) -> None:
        if "open_balance" in facts:
            self._claim(facts)
        if "collection_open" in facts:
            self.collected.add(_true(facts["collection_open"]))
            if facts["collection_open"] is not False:
                _note(self.references, facts.get("number"))
                _note(self.agencies, facts.get("agency"))
        if "contract_end" in facts or "contract_start" in facts:
            self._contract(facts.get("contract_end", ""))
        if "role_active" in facts:
            self.in_role.add(_true(facts["role_active"]))
            if facts["role_active"]:
                _note(self.companies, facts.get("company"))

    def _claim(self, facts: Mapping[str, Fact]) -> None:
        balance = facts["open_balance"]
        if not isinstance(balance, float):
            self.owed.add(None)
            self.barred_unknown = True
            return
        if balance <= 0:
            return
        self.owed.add(True)
        self.balance += balance
        due_on = facts.get("due_on")
        claim = str(facts.get("number") or f"#{len(self.claims) + 1}"), (balance, str(due_on or ""))
        try:
            until = prescription(
                _date(due_on) or _no_date(),
                _date(facts.get("reminded_on", "")),
                _date(facts.get("judgment_on", "")),
                today=self.today,
            )
        except Exception:  # noqa: BLE001  # whatever is wrong with the dates: the end of this claim is unknown
            self.barred_unknown = True
            self.claims.update([claim])
            return
        if until >= self.today:  # of what is time-barred we say nothing
            self.claims.update([claim])
        self.barred = max(self.barred or until, until)

    def _contract(self, end: Fact) -> None:
        if not isinstance(end, str):
            self.in_force.add(None)
            return
        self.in_force.add(not end or end > self.today.isoformat())
        self.contract_end = max(self.contract_end, end)

    def subject(self) -> Subject:
        active = self.in_force.value
        facts: dict[str, Fact] = {
            "subject_open_balance": None if self.owed.value is None else self.balance,
            "subject_claim_until": None if self.barred_unknown else self.barred.isoformat() if self.barred else "",
            "subject_collection_open": self.collected.value,
            "subject_contract_active": active,
            "subject_contract_end": None if active is None else "" if active else self.contract_end,
            "subject_role_active": self.in_role.value,
        }
        owed = sum(balance for balance, _ in self.claims.values())
        dues = sorted(due for _, due in self.claims.values() if due)
        return Subject(
            facts,
            claims=_words(number=_listed(self.claims), amount=f"{owed:.2f}", due=dues[0] if dues else "")
            if self.claims
            else {},
            collections=_words(ref=_listed(self.references), agency=_listed(self.agencies)),
            roles=_words(company=_listed(self.companies)),
        )


def subject_facts(items: Iterable[Item], *, today: date) -> Subject:
    """The facts about the person, from one pass over all items; what is somebody else's doesn't count.

    A known debt, open collection or contract in force counts whatever else is unknown; without one, a
    single item that can't tell makes the fact unknown.
    """
    gathering = _Gathering(today)
    for item in items:
        if item.ownership in (Ownership.OWN, Ownership.SHARED) and item.facts:
            gathering.add(known_facts(item))
    return gathering.subject()


def _true(value: Fact) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Fact) -> date | None:
    if not isinstance(value, str):
        raise TypeError
    return iso_date(value)


def _no_date() -> date:
    raise ValueError


def _note(seen: dict[str, None], value: Fact) -> None:
    if value:
        seen[str(value)] = None


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" (+{more})" if more > 0 else "")


def _words(**words: str) -> dict[str, str]:
    return {name: word for name, word in words.items() if word}
