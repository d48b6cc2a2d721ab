"""Whose record a request is about: who may be sent a code, and what may seed a search afterwards."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from workflows.rules import identifiers
from workflows.rules.identifiers import BUSINESS_ID, CUSTOMER_NUMBER, EMAIL, NATIONAL_ID, PHONE, normalise
from workflows.rules.lookalike import skeleton

NAME = "name"

STRONG = frozenset({CUSTOMER_NUMBER, EMAIL})
"""One of these on file names one customer relationship. A phone changes hands, a metering point changes
residents, an invoice lies on a table: each of those needs a second one."""

_ONE_EACH = frozenset({CUSTOMER_NUMBER, NATIONAL_ID, BUSINESS_ID})
"""A record has one of these and it does not change with a new address or phone: another value contradicts."""


class ContactLike(Protocol):
    """The contact on file."""

    @property
    def name(self) -> str:
        """As on file."""
        ...


class PersonLike(Protocol):
    """One person's record in a source that knows people, such as `workflows.ports.Person`."""

    @property
    def source(self) -> str:
        """The source that has the record."""
        ...

    @property
    def key(self) -> str:
        """The record's key there."""
        ...

    @property
    def identifiers(self) -> Mapping[str, str]:
        """Identity key to value as on file."""
        ...

    @property
    def contact(self) -> ContactLike:
        """The contact on file."""
        ...


P = TypeVar("P", bound=PersonLike)


@dataclass(frozen=True, slots=True)
class Match(Generic[P]):
    """What the claims select. Nothing here proves anybody: a code to the contact *on file* does.

    `one`: one person, by a strong identifier or two weak ones. `selected`: one record, by a claim too weak
    for anything but that code (`reason` says which: "hetu_alone", "phone_number_alone" ...); at the desk or on
    the phone it counts as not identified. `ambiguous`, `none`: no code goes out, `person` is None.
    `people` are all records of that one person, `person` the one whose contact gets the code. `differs` names
    claims that the record has otherwise, for the caseworker; `lookalike`: the e-mail imitates the one on file.
    """

    outcome: Literal["one", "selected", "ambiguous", "none"]
    reason: str
    person: P | None = None
    people: tuple[P, ...] = ()
    matched: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    lookalike: bool = False


def match_identity(given: Mapping[str, str], people: Sequence[P]) -> Match[P]:
    """Which of these records the claims select; `given` maps identity keys and "name" to what was claimed.

    `people` are the records that carry any of the claims. A personal identity code, with or without a name,
    selects and never identifies.

    Source: Data Protection Act 1050/2018 s. 29 (as amended by 1225/2023); GDPR Art. 12(6).
    """
    claims = {k: n for k, v in given.items() if k != NAME and (n := normalise(k, v)) is not None}
    name = given.get(NAME, "")
    fits = [f for f in (_fit(claims, name, person=p) for p in people) if f.matched]
    standing = [f for f in fits if not f.contradicted]
    if not standing:
        return Match("none", "contradicted" if fits else "unknown")
    best = max(standing, key=lambda f: (bool(f.keys & STRONG), len(f.keys)))
    same = [f for f in standing if f is best or same_person(best.person, f.person)]
    ours = frozenset().union(*(f.keys for f in same))
    # a claim that only another person's record carries points away, even if that record is contradicted otherwise
    astray = any(not same_person(best.person, f.person) and f.keys - ours for f in fits)
    if len(same) < len(standing) or astray:
        return Match("ambiguous", "several_people", matched=tuple(sorted(ours)))
    reason = _too_weak(ours, named=any(f.named for f in same))
    return Match(
        "selected" if reason else "one",
        reason or "strong" * bool(ours & STRONG) or "two_weak",
        person=best.person,
        people=tuple(f.person for f in same),
        matched=tuple(sorted(ours)),
        differs=tuple(sorted(best.differs - ours)),
        lookalike=best.lookalike,
    )


def agrees(given: Mapping[str, str], people: Sequence[P]) -> bool:
    """Whether what somebody said of themselves is about one of these records; `given` is as for `match_identity`.

    It is asked of the records of the one person who was proven and of no others, so that the answer can't tell
    whether an address is on anybody else's. Whoever said nothing agrees.
    """
    claims = {k: n for k, v in given.items() if k != NAME and (n := normalise(k, v)) is not None}
    name = _words(given.get(NAME, ""))
    if not claims and not name:
        return True
    fits = [_fit(claims, given.get(NAME, ""), person=p) for p in people]
    ours = frozenset().union(*(f.keys for f in fits))
    if any(f.differs & _ONE_EACH - ours for f in fits):
        return False
    theirs = [_words(p.contact.name) for p in people]
    if any(f.matched and NAME not in f.differs for f in fits):
        return True
    return bool(name) and any(words and (name <= words or words <= name) for words in theirs)


def changes_hands(match: Match[P]) -> bool:
    """Whether a record is meant by nothing but what another may have by now, such as a number that was given up.

    Staff who saw or called somebody have then not seen whose the record is.
    """
    return match.outcome == "selected" and not _ONE_EACH & set(match.matched)


def proven_identifiers(person: PersonLike, *, shared: Collection[str] = ()) -> dict[str, str]:
    """What may seed a search once the person is proven: the record's own values, never what was merely claimed.

    `shared` names keys whose value stands on another person's record too (see `shared_keys`); they lead to
    other people and are left out.
    """
    return {k: v for k, v in person.identifiers.items() if v.strip() and k not in shared}


def shared_keys(person: PersonLike, people: Sequence[PersonLike]) -> frozenset[str]:
    """The identity keys of a record whose value another person's record carries as well: household e-mail, phone."""
    own = _on_file(person)
    others = [_on_file(p) for p in people if not _is_record(person, p) and not same_person(person, p)]
    return frozenset(k for k, v in own.items() if any(o.get(k) == v for o in others))


@dataclass(frozen=True, slots=True)
class _Fit(Generic[P]):
    """How one record stands to the claims."""

    person: P
    matched: tuple[str, ...]
    differs: frozenset[str]
    named: bool
    lookalike: bool

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self.matched)

    @property
    def contradicted(self) -> bool:
        return bool(self.differs & _ONE_EACH)


def _fit(claims: Mapping[str, str], name: str, *, person: P) -> _Fit[P]:
    on_file = _on_file(person)
    differs = {k for k, v in claims.items() if k in on_file and on_file[k] != v}
    named = bool(name and person.contact.name) and _words(name) == _words(person.contact.name)
    if name and person.contact.name and not _words(name) & _words(person.contact.name):
        differs.add(NAME)
    lookalike = EMAIL in differs and skeleton(claims[EMAIL]) == skeleton(on_file[EMAIL])
    return _Fit(
        person,
        matched=tuple(k for k, v in claims.items() if on_file.get(k) == v),
        differs=frozenset(differs),
        named=named,
        lookalike=lookalike,
    )


def _too_weak(keys: frozenset[str], *, named: bool) -> str:
    """The code why these keys do not identify, or "". A name helps a phone or a meter, never a hetu."""
    if keys & STRONG:
        return ""
    if keys == {NATIONAL_ID}:
        return "hetu_alone"
    return "" if len(keys) > 1 or named else f"{min(keys)}_alone"


def same_person(one: PersonLike, other: PersonLike) -> bool:
    """Whether two records are the same person's by the controller's own data; a name or birthday is not enough."""
    if _is_record(one, other):
        return True
    a, b = _on_file(one), _on_file(other)
    if any(k in a and k in b and a[k] != b[k] for k in (NATIONAL_ID, BUSINESS_ID)):
        return False
    if a.get(CUSTOMER_NUMBER) is not None and a.get(CUSTOMER_NUMBER) == b.get(CUSTOMER_NUMBER):
        return True
    if a.get(NATIONAL_ID) is None or a.get(NATIONAL_ID) != b.get(NATIONAL_ID):
        return False
    # one mistyped identity code must not merge two people, so that something else has to agree
    names = _words(one.contact.name), _words(other.contact.name)
    return any(k in a and a[k] == b.get(k) for k in (EMAIL, PHONE)) or (bool(names[0]) and names[0] == names[1])


def _is_record(one: PersonLike, other: PersonLike) -> bool:
    return (one.source, one.key) == (other.source, other.key)


def _on_file(person: PersonLike) -> dict[str, str]:
    return {k: n for k, v in person.identifiers.items() if (n := normalise(k, v)) is not None}


def _words(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", identifiers.clean(name)).casefold()
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return frozenset(letters.split())
