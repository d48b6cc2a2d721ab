"""What all items of a person say together: is anything owed, collected, in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from models.vocabulary import Ownership
from workflows.rules.cel import iso_date
from workflows.rules.item_facts import known_facts
from workflows.rules.items import Fact, Item
from workflows.rules.limitation import prescription

_COUNT = (Ownership.OWN, Ownership.SHARED)
_TELLING = frozenset({"open_balance", "collection_open", "enforced", "contract_end", "contract_start", "role_active"})
"""What `_Gathering.add` looks for; whoever declares none of these adds nothing."""

_NAMED = 10  # so many invoice numbers are told in one sentence, the rest are counted


@dataclass(frozen=True, slots=True)
class Subject:
    """The `subject_*` facts (None: unknown), and words for sentences about claims, collections and roles."""

    facts: Mapping[str, Fact]
    claims: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    collections: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)


class _Any:
    """Whether something is true of any item; unknown if none is known to be and one can't be told."""

    def __init__(self) -> None:
        self.value: bool | None = False

    def add(self, value: bool | None) -> None:
        if self.value is not True and value is not False:
            self.value = value


class _Claims:
    """What one of the two owes the other: how much, until when it can be asked for, and on which invoices."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.balance = 0.0
        self.any = _Any()
        self.barred: date | None = None
        self.barred_unknown = False
        self.named: dict[str, tuple[float, str]] = {}

    def cannot_be_told(self) -> None:
        self.any.add(None)
        self.barred_unknown = True

    def add(self, amount: float, facts: Mapping[str, Fact]) -> None:
        self.any.add(True)
        self.balance += amount
        due_on = facts.get("due_on")
        named = str(facts.get("number") or f"#{len(self.named) + 1}"), (amount, str(due_on or ""))
        try:
            last = [_date(facts.get(name, "")) for name in ("reminded_on", "acknowledged_on")]
            until = prescription(
                _date(due_on) or _no_date(),
                max([day for day in last if day is not None], default=None),
                _date(facts.get("judgment_on", "")),
                today=self.today,
            )
        except Exception:  # noqa: BLE001  # whatever is wrong with the dates: the end of this claim is unknown
            self.barred_unknown = True
            self.named.update([named])
            return
        if until >= self.today:  # of what is time-barred we say nothing
            self.named.update([named])
        self.barred = max(self.barred or until, until)

    @property
    def total(self) -> float | None:
        return None if self.any.value is None else self.balance

    @property
    def until(self) -> str | None:
        return None if self.barred_unknown else self.barred.isoformat() if self.barred else ""

    def words(self) -> dict[str, str]:
        if not self.named:
            return {}
        dues = sorted(due for _, due in self.named.values() if due)
        amount = sum(balance for balance, _ in self.named.values())
        return _words(number=_listed(self.named), amount=f"{amount:.2f}", due=dues[0] if dues else "")


class _Gathering:
    """Sums up items one by one, so that they can be streamed."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.owed, self.owing = _Claims(today), _Claims(today)  # by the person, to the person
        self.collected, self.enforced, self.in_force, self.in_role = _Any(), _Any(), _Any(), _Any()
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
        if "enforced" in facts:
            self.enforced.add(_true(facts["enforced"]))
        if "contract_end" in facts or "contract_start" in facts:
            self._contract(facts.get("contract_end", ""))
        if "role_active" in facts:
            self.in_role.add(_true(facts["role_active"]))
            if facts["role_active"]:
                _note(self.companies, facts.get("company"))

    def _claim(self, facts: Mapping[str, Fact]) -> None:
        balance = facts["open_balance"]
        if not isinstance(balance, float):
            self.owed.cannot_be_told()
            self.owing.cannot_be_told()
        elif balance > 0:
            self.owed.add(balance, facts)
        elif balance < 0:
            self.owing.add(-balance, facts)

    def _contract(self, end: Fact) -> None:
        if not isinstance(end, str):
            self.in_force.add(None)
            return
        self.in_force.add(not end or end > self.today.isoformat())
        self.contract_end = max(self.contract_end, end)

    def subject(self) -> Subject:
        active = self.in_force.value
        facts: dict[str, Fact] = {
            "subject_open_balance": self.owed.total,
            "subject_claim_until": self.owed.until,
            "subject_credit": self.owing.total,
            "subject_credit_until": self.owing.until,
            "subject_collection_open": self.collected.value,
            "subject_enforced": self.enforced.value,
            "subject_contract_active": active,
            "subject_contract_end": None if active is None else "" if active else self.contract_end,
            "subject_role_active": self.in_role.value,
        }
        return Subject(
            facts,
            claims=self.owed.words(),
            credits=self.owing.words(),
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
        if item.ownership in _COUNT and not _TELLING.isdisjoint(item.facts):
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
