"""Each right as a piece of data: which states it passes, who must decide, which letter it ends with, by when.

A request is pinned to the version of the flow it was opened under. A right is answered by hand while nothing is wired
that carries it out.

Source: GDPR Art. 7(3), 12(3), 12(6), 15-18, 20, 21.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.vocabulary import Letter, Outcome, RequestState, Right

S = RequestState


class Identity(StrEnum):
    """How sure it must be who asks."""

    PROVEN = "proven"
    MATCH = "match"  # a ban harms nobody: the contact that was given is enough to find whom it is about


class Decides(StrEnum):
    """Who must say yes before anything is carried out."""

    NOBODY = "nobody"  # unless something has to be looked at
    ONE = "one"
    AS_REGISTERED = "as_registered"  # as many different people as the register wants for an erasure


@dataclass(frozen=True, slots=True)
class Flow:
    """One right's way through the house. `states` in the order of the story; what is not named is passed over.

    `carried_out` is where an approval leads. `letters` are those that say how it ended, where it was not refused.
    `target_working_days`: ours, inside the law's month; None: the register's.
    """

    right: Right
    states: tuple[RequestState, ...]
    carried_out: RequestState
    decides: Decides
    letters: Mapping[Outcome, Letter]
    identity: Identity = Identity.PROVEN
    target_working_days: int | None = None

    @property
    def searched(self) -> bool:
        """Whether the sources are searched for the person's records."""
        return S.COLLECTING in self.states

    @property
    def changes(self) -> bool:
        """Whether what was decided is carried out by changing records or rows of ours."""
        return S.CHANGING in self.states and self.carried_out is S.CHANGING

    def along(self, state: RequestState) -> RequestState:
        """This state, or the next of the story that the flow passes."""
        order = list(RequestState)
        return next(s for s in order[order.index(state) :] if s in self.states)


_BEGINNING = (S.RECEIVED, S.VERIFYING)
_SEARCH = (*_BEGINNING, S.COLLECTING, S.ASSESSING, S.DECIDING)
_END = (S.CLOSING, S.HELD, S.CLOSED)

_VERSION_1 = (
    Flow(
        Right.ACCESS,
        (*_SEARCH, S.DELIVERING, *_END),
        carried_out=S.DELIVERING,
        decides=Decides.NOBODY,
        letters={Outcome.DELIVERED: Letter.ACCESS, Outcome.NOTHING_FOUND: Letter.ACCESS},
    ),
    Flow(
        Right.PORTABILITY,
        (*_SEARCH, S.DELIVERING, *_END),
        carried_out=S.DELIVERING,
        decides=Decides.NOBODY,
        letters={Outcome.DELIVERED: Letter.PORTABILITY, Outcome.NOTHING_FOUND: Letter.PORTABILITY},
    ),
    Flow(
        Right.ERASURE,
        (*_SEARCH, S.ERASING, S.PROVING, S.CHANGING, *_END),
        carried_out=S.ERASING,
        decides=Decides.AS_REGISTERED,
        letters={
            Outcome.ERASED: Letter.ERASURE,
            Outcome.PARTLY_ERASED: Letter.PARTIAL_ERASURE,
            Outcome.KEPT: Letter.PARTIAL_ERASURE,
            Outcome.NOTHING_FOUND: Letter.ERASURE,
        },
    ),
    Flow(
        Right.RECTIFICATION,
        (*_SEARCH, S.CHANGING, *_END),
        carried_out=S.CHANGING,
        decides=Decides.ONE,
        letters={Outcome.RECTIFIED: Letter.RECTIFICATION},
        target_working_days=5,
    ),
    Flow(
        Right.RESTRICTION,
        (*_SEARCH, S.CHANGING, *_END),
        carried_out=S.CHANGING,
        decides=Decides.ONE,
        letters={Outcome.RESTRICTED: Letter.RESTRICTION},
        target_working_days=5,
    ),
    Flow(
        Right.OBJECTION,
        (*_BEGINNING, S.ASSESSING, S.DECIDING, S.CHANGING, *_END),
        carried_out=S.CHANGING,
        decides=Decides.ONE,
        letters={Outcome.STOPPED: Letter.OBJECTION},
    ),
    Flow(
        Right.MARKETING_BAN,
        (S.RECEIVED, S.CHANGING, *_END),
        carried_out=S.CHANGING,
        decides=Decides.NOBODY,
        letters={Outcome.BANNED: Letter.BAN},
        identity=Identity.MATCH,
        target_working_days=2,
    ),
    Flow(
        Right.WITHDRAW_CONSENT,
        (S.RECEIVED, S.CHANGING, *_END),
        carried_out=S.CHANGING,
        decides=Decides.NOBODY,
        letters={Outcome.BANNED: Letter.BAN},
        identity=Identity.MATCH,
        target_working_days=2,
    ),
)

VERSION = 1
"""New requests are pinned to this one."""

FLOWS: Mapping[tuple[int, Right], Flow] = {(1, flow.right): flow for flow in _VERSION_1}


def flow_of(right: Right, version: int = VERSION) -> Flow:
    """The flow of a right in a version; raises `KeyError` for a version there never was."""
    return FLOWS[version, right]
