"""Find out, from what a search found, which identifiers of the person are somebody else's too."""

from collections.abc import Iterator
from typing import Any

from models.vocabulary import Ownership
from workflows.connectors.shares import IDENTITY, outside, spelled
from workflows.connectors.sql_found import Discovery, Found, Pile
from workflows.connectors.sql_values import local_day


def compare(discovery: Discovery) -> bool:
    """Note them; whether anything new was learnt.

    The search is then to be made again, for what such an identifier alone led to is not the person's.
    """
    shares, news = discovery.shares, False
    for pile in discovery.piles.values():
        for column, identity in pile.roles.identities.items():
            if pile.roles.people:
                several = _recycled if shares.strength(identity) == "strong" else _on_several
                for value in several(discovery, pile, column=column, identity=identity):
                    news = shares.share(identity, value, None) or news
            if column in pile.bound.node.spec.windows:
                news = _had_for_a_time(discovery, pile, column=column, identity=identity) or news
    return news


def _on_several(discovery: Discovery, pile: Pile, *, column: str, identity: str) -> Iterator[Any]:
    """The proven values that stand on more than one person's own record."""
    shares = discovery.shares
    mine: set[str] = set()
    others: dict[str, list[tuple[Found, Any]]] = {}
    for found in pile.rows.values():
        for value in discovery.values(found.links[column]) if found.identified else ():
            text = spelled(IDENTITY + identity, value)
            if not shares.is_given(identity, value):
                continue
            if _surely_mine(discovery, pile, found):
                mine.add(text)
            else:
                others.setdefault(text, []).append((found, value))
    for text, several in others.items():
        if text in mine or len(several) > 1 or several[0][0].ownership is Ownership.THIRD_PARTY:
            yield several[0][1]


def _recycled(discovery: Discovery, pile: Pile, *, column: str, identity: str) -> Iterator[Any]:
    """The proven values on several people's records that name different people otherwise: a number given out again."""
    other = [(c, i) for c, i in pile.roles.certain if i != identity]
    named: dict[str, dict[str, set[str]]] = {}
    for found in pile.rows.values() if other and column not in pile.bound.key else ():
        for value in discovery.values(found.links[column]):
            if discovery.shares.is_given(identity, value):
                names = named.setdefault(spelled(IDENTITY + identity, value), {})
                for c, i in other:
                    names.setdefault(i, set()).update(
                        spelled(IDENTITY + i, v) for v in discovery.values(found.links[c])
                    )
    yield from (value for value, names in named.items() if any(len(several) > 1 for several in names.values()))


def _surely_mine(discovery: Discovery, pile: Pile, found: Found) -> bool:
    return any(
        discovery.shares.is_given(identity, value)
        for column, identity in pile.roles.certain
        for value in discovery.values(found.links[column])
    )


def _had_for_a_time(discovery: Discovery, pile: Pile, *, column: str, identity: str) -> bool:
    """An identifier with a period is the person's in it; at any other time it is whoever's had it then."""
    window, news = pile.bound.node.spec.windows[column], False
    for found in pile.rows.values():
        if found.ownership is not Ownership.OWN:
            continue
        start, end = (local_day(found.links[c], discovery.zone) for c in (window.start, window.end))
        when = outside((start, end))
        for value in discovery.values(found.links[column]) if when else ():
            news = discovery.shares.share(identity, value, when) or news
    return news
