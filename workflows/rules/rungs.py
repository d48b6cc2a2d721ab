"""Which proof a request needs: the more harm a mistake would do, the surer we have to be."""

from collections.abc import Iterable, Mapping, Sequence

from models.vocabulary import Method, Right

DISCLOSES = (Right.ACCESS, Right.PORTABILITY)
"""Rights whose answer hands the data themselves over."""

_ORDER = ("low", "medium", "high")


def risk_of(right: Right, *, rights: Mapping[Right, str], categories: Iterable[str]) -> str:
    """The class of risk of a request: "low", "medium" or "high".

    `rights` is what the register says of some, `categories` the classes of the data that an answer may hold.
    It is the same for everybody who asks, known or not, so that what is asked of a person tells nothing.

    Source: GDPR Art. 5(1)(f), 12(6), 32(1); EDPB Guidelines 01/2022, 65-66 (proportionate to the risk).
    """
    classes = [rights.get(right, "medium")]
    if right in DISCLOSES:
        classes += categories
    return max(classes, key=_ORDER.index)


def is_enough(method: Method, risk: str, *, enough: Mapping[str, Sequence[Method]], lowered: bool) -> bool:
    """Whether this proof will do; `lowered`: two people accepted one rung less for this case.

    A rung less than low is still low: a case is never opened to nobody at all.
    """
    rung = _ORDER.index(risk)
    return method in enough[_ORDER[max(0, rung - 1)] if lowered else risk]
