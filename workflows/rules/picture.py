"""From tables to a first picture of a source: who the people are, which tables are theirs, and what leads where.

It starts at the table of the people and goes down the foreign keys that point at it: those rows are theirs. Up it
goes only to tables with something personal in them, and never down again from there: a shared address would lead
to everybody who lives at it. Whatever it is not sure of it leaves to a person, with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from workflows.rules.classify import IDENTITIES, Guess, classify
from workflows.rules.detect_names import names_people, names_staff
from workflows.rules.discovered import FoundField, FoundKey, FoundTable

Place = tuple[str, str]
Role = Literal["people", "entry", "theirs", "above", "unreached", "left_out"]
"""The people themselves; a table with a way in of its own; rows below or above theirs; personal and nothing leads
there; nothing personal."""

_WAY_IN_FROM = 0.6
_PEOPLE_FROM = 3.0
_ABOUT = {
    "national_id": 2.0, "birth_date": 1.5, "last_name": 1.5, "first_name": 1.0, "full_name": 1.5, "name": 0.5,
    "email": 1.0, "phone_number": 0.5, "street": 0.5, "customer_number": 0.5, "protected": 1.0, "gender": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pointer:
    """A reference of one column. `direction` as in Fideslang: "from" takes its value from there, "to" leads there."""

    column: str
    place: Place
    target: str
    direction: Literal["from", "to"]
    reason: str
    active: bool  # else only suggested


@dataclass(slots=True)
class Pictured:
    """One table in the picture."""

    table: FoundTable
    guesses: Mapping[str, Guess]
    role: Role = "left_out"
    why: str = ""
    identities: dict[str, str] = field(default_factory=dict)  # column -> identity
    pointers: list[Pointer] = field(default_factory=list)

    @property
    def personal(self) -> bool:
        """Whether any column looks personal."""
        return any(guess.personal for guess in self.guesses.values())

    def best(self, *meanings: str) -> str | None:
        """The column that is most likely of one of these meanings."""
        found = [(g.confidence, name) for name, g in self.guesses.items() if g.meaning in meanings and g.personal]
        return max(found, key=lambda pair: pair[0])[1] if found else None


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole source; `people` is the table of the people, if one looks like it."""

    tables: Sequence[Pictured]
    people: Pictured | None

    def at(self, place: Place) -> Pictured | None:
        """The table in this place."""
        return next((t for t in self.tables if t.table.place == place), None)


def guesses_of(table: FoundTable) -> dict[str, Guess]:
    """A guess for every column, each seen beside the others: `name` alone is the name of a product or a town."""
    found = {f.name: classify(f) for f in table.fields}
    others = {g.meaning for g in found.values() if g.personal} - {"name", "full_name", "text", "city", "language", ""}
    if not others and not names_people(table.name):
        for name, guess in found.items():
            unsure = guess.meaning == "name" or (guess.meaning == "full_name" and guess.confidence <= 0.5)
            if unsure and guess.personal:
                reason = f"{guess.reason}, but nothing else here is about a person"
                found[name] = Guess(guess.meaning, guess.category, 0.2, reason)
    return found


def picture_of(tables: Iterable[FoundTable]) -> Picture:
    """The picture of these tables."""
    pictured = [Pictured(t, guesses_of(t)) for t in tables]
    places = {p.table.place: p for p in pictured}
    below: dict[Place, list[tuple[Pictured, FoundKey]]] = {}
    for one in pictured:
        for key in one.table.keys:
            below.setdefault((key.schema, key.table), []).append((one, key))
    walk = _Walk(places, below)
    people = _people(pictured, below)
    if people is not None:
        _as_people(people)
        walk.from_(people)
    for one in _with_way_in(pictured):
        if one.role == "left_out" and _as_entry(one):
            walk.from_(one)
    for one in pictured:
        if one.role == "left_out" and one.personal:
            one.role = "unreached"
            one.why = "a view: its tables are described by themselves" if one.table.view else "nothing leads here"
        _suggest(one, places)
    return Picture(pictured, people)


def _people(pictured: Sequence[Pictured], below: Mapping[Place, list[tuple[Pictured, FoundKey]]]) -> Pictured | None:
    best, most = None, 0.0
    for one in pictured:
        table = one.table
        if table.view or len(table.primary) != 1 or names_staff(table.name):
            continue
        meanings = {g.meaning for g in one.guesses.values() if g.personal}
        score = sum(weight for meaning, weight in _ABOUT.items() if meaning in meanings)
        score += 2.0 if names_people(table.name) else 0.0
        score += min(1.5, 0.3 * len(below.get(table.place, ())))
        score -= 0.5 * len(table.keys)  # the people's own table points at few others
        if meanings & {"national_id", "birth_date", "last_name", "full_name", "name", "email"} and score > most:
            best, most = one, score
    return best if most >= _PEOPLE_FROM else None


def _as_people(one: Pictured) -> None:
    one.role, one.why = "people", "this looks like the table of the people"
    number = one.best("customer_number") or one.table.primary[0]
    one.identities[number] = "customer_number"
    for meaning in IDENTITIES[1:]:
        if (column := one.best(meaning)) is not None and column not in one.identities:
            one.identities[column] = meaning


def _with_way_in(pictured: Sequence[Pictured]) -> list[Pictured]:
    """Tables of their own right first, so that what hangs below them is found through them."""
    return sorted(pictured, key=lambda p: (len(p.table.keys), not names_people(p.table.name), p.table.place))


def _as_entry(one: Pictured) -> bool:
    """Make a table that nothing leads to one that a search can start in, where it carries an identifier."""
    if one.table.view or names_staff(one.table.name) or not one.personal:
        return False
    pointing = {column for key in one.table.keys for column in key.columns}
    for meaning in IDENTITIES:
        found = [
            (guess.confidence, name)
            for name, guess in one.guesses.items()
            if guess.meaning == meaning and guess.confidence >= _WAY_IN_FROM and name not in pointing
        ]
        if found:
            one.identities[max(found, key=lambda pair: pair[0])[1]] = meaning
    if one.identities:
        one.role, one.why = "entry", "no key leads here; a search starts from the identifier in it"
    return bool(one.identities)


class _Walk:
    """Down from a table to the rows that are its people's, then up to what those point at."""

    def __init__(
        self, places: Mapping[Place, Pictured], below: Mapping[Place, list[tuple[Pictured, FoundKey]]]
    ) -> None:
        self._places, self._below = places, below

    def from_(self, start: Pictured) -> None:
        """Walk as far as it goes."""
        theirs, at = [start], 0
        while at < len(theirs):
            parent = theirs[at]
            at += 1
            for child, key in self._below.get(parent.table.place, ()):
                if child is parent:
                    continue
                if child.role == "left_out":
                    child.role, child.why = "theirs", f"its rows point at `{parent.table.name}`"
                    theirs.append(child)
                    self._point(child, key, "from", f"foreign key to `{parent.table.name}`", active=True)
                elif child not in (start,) and child.role in ("theirs", "entry"):
                    self._second(child, key, parent)
        self._up(theirs)

    def _second(self, child: Pictured, key: FoundKey, parent: Pictured) -> None:
        """A second way to the same rows may lead to other people's: it is only suggested."""
        reason = f"foreign key to `{parent.table.name}` too; would it lead to rows of others?"
        if not any(p.column == key.columns[0] and p.place == parent.table.place for p in child.pointers):
            self._point(child, key, "from", reason, active=False)

    def _up(self, theirs: Sequence[Pictured]) -> None:
        open_ = list(theirs)
        while open_:
            child = open_.pop(0)
            for key in child.table.keys:
                parent = self._places.get((key.schema, key.table))
                if parent is None or parent is child or parent.role not in ("left_out", "above") or not parent.personal:
                    continue
                others = names_people(parent.table.name) or names_staff(parent.table.name)
                reason = f"foreign key; a row of `{parent.table.name}` may be shared with others"
                self._point(child, key, "to", reason, active=not others)
                if not others and parent.role == "left_out":
                    parent.role, parent.why = "above", f"rows of `{child.table.name}` point here; others may share them"
                    open_.append(parent)

    @staticmethod
    def _point(child: Pictured, key: FoundKey, direction: Literal["from", "to"], reason: str, *, active: bool) -> None:
        for column, target in zip(key.columns, key.targets, strict=False):
            child.pointers.append(Pointer(column, (key.schema, key.table), target, direction, reason, active))


def _suggest(one: Pictured, places: Mapping[Place, Pictured]) -> None:
    """References that nobody declared but that names and values speak for."""
    known = {(p.column, p.place) for p in one.pointers}
    for like in one.table.alike:
        place = (like.schema, like.table)
        if (like.column, place) not in known and place in places:
            held = f"{like.held} of {like.tried} sampled values exist there"
            reason = f"confidence {confidence_of(like.tried, like.held):.2f}: {like.reason}; {held}"
            one.pointers.append(Pointer(like.column, place, like.target, "from", reason, active=False))


def confidence_of(tried: int, held: int) -> float:
    """How much a reference is to be believed when `held` of `tried` values exist on the other side."""
    if not tried:
        return 0.3
    return round(min(0.95, (held / tried) * (1 - 0.5 / tried)), 2)


def likely_targets(tables: Sequence[FoundTable]) -> list[tuple[FoundTable, FoundField, FoundTable, str, str]]:
    """Undeclared references worth a look: (table, column, other table, its key, why), by name and type alone."""
    by_key: dict[str, list[tuple[FoundTable, FoundField]]] = {}
    for table in tables:
        if len(table.primary) == 1 and not table.view:
            key = table.field(table.primary[0])
            if key is not None:
                for name in _callings(table, key):
                    by_key.setdefault(name, []).append((table, key))
    found = []
    for table in tables:
        declared = {column for key in table.keys for column in key.columns}
        for column in table.fields if not table.view else ():
            if column.name in declared or not column.readable:
                continue
            for other, key in by_key.get(_plain(column.name), ())[:3]:
                same = column.data_type == key.data_type and column.kind == key.kind
                if other is not table and same and not (column.primary and len(table.primary) == 1):
                    reason = "the same name" if column.name == key.name else f"called after `{other.name}`"
                    found.append((table, column, other, key.name, reason))
    return found


def _callings(table: FoundTable, key: FoundField) -> set[str]:
    """What a column that refers to this table would be called."""
    name, singular = _plain(table.name), _plain(table.name).rstrip("s")
    own = {_plain(key.name)} if _plain(key.name) not in ("id", "nro", "no", "nr", "key", "code", "koodi") else set()
    return own | {f"{n}{end}" for n in (name, singular) for end in ("id", "no", "nro", "nr", _plain(key.name))}


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")
