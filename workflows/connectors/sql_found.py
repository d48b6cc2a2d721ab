"""The rows a search has found so far, whose they are, and what is known of the person.

A row is `strong` when it was reached by identity or downwards (it points at a row of the person), and
only then is it followed downwards. What is reached upwards, a shared address say, may belong to many.
"""

from collections.abc import Iterator, Sequence
from datetime import date, tzinfo
from typing import Any

from models.vocabulary import Ownership
from workflows.connectors.dataset import Graph
from workflows.connectors.shares import Doubt, Shares, spelled
from workflows.connectors.sql_lookup import picker
from workflows.connectors.sql_piles import BUFFERED_ROWS, Found, Key, Pile, Reached, Row
from workflows.connectors.sql_roles import Roles, roles_of
from workflows.connectors.sql_schema import Bound, Schema
from workflows.connectors.sql_values import local_day
from workflows.connectors.windows import Span, Windows, both, covers, of_span, union
from workflows.ports import Seeds
from workflows.register.model import SourceSpec

__all__ = ["BUFFERED_ROWS", "Discovery", "Found", "Key", "Pile", "Reached", "Row", "spans"]


class Discovery:
    """Everything found in one collect."""

    def __init__(
        self,
        spec: SourceSpec,
        graph: Graph,
        schema: Schema,
        *,
        seeds: Seeds,
        zone: tzinfo,
        shares: Shares | None = None,
    ) -> None:
        self.schema, self.zone, self.subject = schema, zone, spec.person.subject
        self.shares = shares or Shares(seeds, spec.person.strength)
        strength = self.shares.strength
        self.piles = {
            name: Pile(
                bound, roles_of(bound, graph, schema, subject=self.subject, strength=strength), picker(bound.key)
            )
            for name, bound in schema.bound.items()
        }
        self._buffered = 0
        self._known: dict[str, set[str]] = {}
        self._maybe: dict[str, set[str]] = {}  # the same of candidates
        for key, leads in seeds.items():
            for lead in leads:
                self._known.setdefault(key, set()).add(spelled(key, lead.value))
        self._given = frozenset(self._known)

    def admit(
        self,
        name: str,
        row: Row,
        *,
        strong: bool,
        identified: bool,
        direct: bool,
        windows: Windows,
        path: str,
        undated: bool,
    ) -> Found | None:
        """File a row; the `Found` if it is new or stronger than before, else None."""
        reached = Reached(path, strong=strong, identified=identified, direct=direct)
        return next(iter(self.admit_all(name, [row], windows, reached, undated=undated)), None)

    def admit_all(
        self, name: str, rows: Sequence[Row], windows: Windows, reached: Reached, *, undated: bool = False
    ) -> list[Found]:
        """File rows that were reached alike; those of them that are new or stronger than before."""
        pile = self.piles[name]
        known, key_of, roles = pile.rows, pile.key, pile.roles
        strong, identified, direct, path = reached.strong, reached.identified, reached.direct, reached.path
        doubt = reached.doubt
        # Nothing in these rows could tell that they are another's.
        sure = roles.plain and strong and not undated and not doubt
        teaches = not sure or bool(roles.taught or roles.taught_identities)
        room = BUFFERED_ROWS - self._buffered
        result: list[Found] = []
        for row in rows:
            key = key_of(row)
            found = known.get(key)
            if found is None:
                kept = row if room > 0 else None
                links = row if room > 0 else {c: row[c] for c in roles.links}
                room -= room > 0
                known[key] = found = Found(key, links, kept, strong, identified, direct, windows, path, undated, doubt)
            elif not self._stronger(found, windows, reached, undated=undated):
                continue
            found.ownership = Ownership.OWN if sure else self._judge(pile, found)
            if teaches:
                self._learn(pile, found)
            result.append(found)
        self._buffered = BUFFERED_ROWS - room
        return result

    @staticmethod
    def _stronger(old: Found, windows: Windows, reached: Reached, *, undated: bool) -> bool:
        """Note that a row was reached in one more way; whether that says more than was known."""
        before = (old.strong, old.identified, old.direct, old.undated, old.windows, old.doubt)
        if reached.doubt < old.doubt:
            old.doubt, old.path = reached.doubt, reached.path
        old.strong = old.strong or reached.strong
        old.identified = old.identified or reached.identified
        old.direct = old.direct or reached.direct
        old.undated, old.windows = old.undated and undated, union(old.windows, windows)
        return before != (old.strong, old.identified, old.direct, old.undated, old.windows, old.doubt)

    def reconsider(self) -> Iterator[tuple[str, Found]]:
        """Rows that seemed another's and, by what was learnt since, are the person's after all."""
        for name, pile in self.piles.items():
            for found in pile.rows.values():
                if found.ownership is Ownership.THIRD_PARTY:
                    found.ownership = self._judge(pile, found)
                    if found.ownership is not Ownership.THIRD_PARTY:
                        self._learn(pile, found)
                        yield name, found

    def owned(self, name: str, key: Key) -> bool:
        """Whether this row was found and is the person's, not only something that a row of theirs points at."""
        found = self.piles[name].rows.get(key)
        return found is not None and found.strong and found.ownership in (Ownership.OWN, Ownership.SHARED)

    def maybe(self, name: str, key: Key) -> bool:
        """Whether this row was found and may be the person's."""
        found = self.piles[name].rows.get(key)
        return found is not None and found.strong and found.ownership is Ownership.CANDIDATE

    def of_others(self, name: str, row: Row) -> tuple[str, ...]:
        """The columns about a third party that in this row don't name the person: of two holders, the other."""
        pile = self.piles[name]
        return tuple(
            c for c in pile.bound.node.spec.third_party if c not in row or not self._mine(pile.roles, c, row[c])
        )

    def is_mine(self, name: str, column: str, value: Any) -> bool:
        """Whether this value of a column is one of the person's."""
        return self._mine(self.piles[name].roles, column, value)

    def onward(self, name: str, found: Found, column: str) -> Windows:
        """When this column's value leads on: while the row is the person's, within the column's own window."""
        window = self.piles[name].bound.node.spec.windows.get(column)
        if window is None:
            return found.windows
        start = local_day(found.links[window.start], self.zone)
        end = local_day(found.links[window.end], self.zone)
        return both(found.windows, of_span(start, end))

    def in_time(self, bound: Bound, row: Row, windows: Windows) -> bool | None:
        """Whether the row's day lies in the windows; None where the row should have a day and has none."""
        on = bound.node.spec.on
        if windows is None or on is None:
            return True
        day = local_day(row[on], self.zone)
        return None if day is None else covers(windows, day)

    def doubt(self, name: str, column: str, row: Row) -> Doubt:
        """What it says of a row that this column carries one of the person's identifiers."""
        node = self.piles[name].bound.node
        dated = column in node.spec.windows
        return self.shares.doubt(node.identities[column], row[column], day=self.day(name, row), dated=dated)

    def day(self, name: str, row: Row) -> date | None:
        """The day that a row is about, if it says."""
        on = self.piles[name].bound.node.spec.on
        return local_day(row[on], self.zone) if on else None

    def _judge(self, pile: Pile, found: Found) -> Ownership:
        whose = self._whose(pile, found)
        return Ownership.CANDIDATE if found.doubt and whose is not Ownership.THIRD_PARTY else whose

    def _whose(self, pile: Pile, found: Found) -> Ownership:
        spec, roles = pile.bound.node.spec, pile.roles
        if spec.ownership != "auto" or (roles.plain and found.strong and not found.undated):
            return Ownership.OWN if spec.ownership == "auto" else Ownership(spec.ownership)
        if found.undated or self._another_subject(roles, found) or self._anothers_child(roles, found):
            return Ownership.THIRD_PARTY
        agree, differ = self._certain(roles, found)
        if differ:
            return Ownership.CANDIDATE if agree else Ownership.THIRD_PARTY
        if spec.owner:
            mine = all(
                found.links[c] is None or self._mine(roles, c, found.links[c]) or self._maybe_mine(roles, c, found)
                for c in spec.owner
            )
            return Ownership.OWN if mine else Ownership.THIRD_PARTY
        named = [c for c in roles.identities if found.links[c] is not None]
        if (
            found.identified
            or not named
            or any(self._mine(roles, c, found.links[c]) or self._maybe_mine(roles, c, found) for c in named)
        ):
            return Ownership.OWN
        return Ownership.THIRD_PARTY

    def _certain(self, roles: Roles, found: Found) -> tuple[bool, bool]:
        """Whether an identifier that names one person is the person's here, and whether one is another's.

        Several columns of one identity are of one record: the person is one of its holders.
        """
        agrees: dict[str, bool] = {}
        for column, identity in roles.certain:
            values = self.values(found.links[column])
            if values and self.shares.given(identity):
                mine = any(self.shares.is_given(identity, value) for value in values)
                agrees[identity] = agrees.get(identity, False) or mine
        return any(agrees.values()), not all(agrees.values())

    def values(self, link: Any) -> tuple[Any, ...]:
        """The values of a link; a row has one or none."""
        return () if link is None else (link,)

    def _maybe_mine(self, roles: Roles, column: str, found: Found) -> bool:
        """Whether a candidate's value is the person's and somebody else's, or stands in another candidate."""
        identity = roles.identities.get(column)
        return bool(found.doubt) and any(
            (identity is not None and self.shares.shared(identity, value))
            or any(spelled(key, value) in self._maybe.get(key, ()) for key in roles.meanings[column])
            for value in self.values(found.links[column])
        )

    def _another_subject(self, roles: Roles, found: Found) -> bool:
        """An e-mail address may be a family's: where the person's own number is given, another number decides."""
        return any(key in self._given and not self._mine(roles, c, found.links[c]) for c, key in roles.numbers)

    def _anothers_child(self, roles: Roles, found: Found) -> bool:
        """A row that ours only points at, and that itself hangs below a row which is not ours, is that one's."""
        if found.strong:
            return False
        values = ((found.links[c], key) for c, key in roles.below)
        return any(v is not None and spelled(key, v) not in self._known.get(key, ()) for v, key in values)

    def _mine(self, roles: Roles, column: str, value: Any) -> bool:
        return any(spelled(key, value) in self._known.get(key, ()) for key in roles.meanings[column])

    def _learn(self, pile: Pile, found: Found) -> None:
        """What a row of the person tells: the values others refer to, and its identities if it is the person's record.

        A row that names two people, such as a request with two e-mail addresses, teaches no identity.
        """
        book = self._book(found)
        if book is None:
            return
        for column, key in pile.roles.taught:
            self._know_column(book, key, found.links[column])
        if pile.roles.is_subject if self.subject else found.identified:
            for column, key in pile.roles.taught_identities:
                self._know_column(book, key, found.links[column])

    def _book(self, found: Found) -> dict[str, set[str]] | None:
        """Where what this row tells is written down; None if it tells nothing."""
        books = {Ownership.OWN: self._known, Ownership.CANDIDATE: self._maybe}
        return books.get(found.ownership) if found.strong else None

    def _know_column(self, book: dict[str, set[str]], key: str, value: Any) -> None:
        if value is not None:
            book.setdefault(key, set()).add(spelled(key, value))


def spans(windows: Windows) -> list[Span]:
    """The spans of leads: one open one for always."""
    return [(None, None)] if windows is None else sorted(windows, key=lambda s: (s[0] or date.min, s[1] or date.max))
