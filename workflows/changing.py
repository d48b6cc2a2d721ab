"""To restrict records in their source, let them go again, or put them right, where the source lets a program do it.

A connector that can has these three methods; of any other, people have to do it, and the error says so.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from workflows.errors import PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem


@runtime_checkable
class Changing(Protocol):
    """A connector whose source lets records be restricted and put right.

    Each call treats the items all or none, is safe to repeat with its `op_id`, raises `Fenced` if a call with a
    higher fence came first, leaves alone and answers "drifted" for a record that differs from its digest, and
    "absent" for one that is gone. A receipt is kept in the transaction that changes.
    """

    def restrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Mark these records as not to be used. Source: GDPR Art. 18(1), 4(3)."""
        ...

    def unrestrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Let these records be used again."""
        ...

    def rectify(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:
        """Give fields of these records their new values. Source: GDPR Art. 16."""
        ...


def restrict(connector: object, op_id: str, fence: int, *, items: Sequence[ChangeItem]) -> list[ChangedItem]:
    """As `Changing.restrict`; raises `PersonMustLook("restrict_by_hand")` where only people can."""
    return _able(connector, "restrict_by_hand").restrict(op_id, fence, items)


def unrestrict(connector: object, op_id: str, fence: int, *, items: Sequence[ChangeItem]) -> list[ChangedItem]:
    """As `Changing.unrestrict`; raises `PersonMustLook("restrict_by_hand")` where only people can."""
    return _able(connector, "restrict_by_hand").unrestrict(op_id, fence, items)


def rectify(connector: object, op_id: str, fence: int, *, items: Sequence[ChangeItem]) -> list[ChangedItem]:
    """As `Changing.rectify`; raises `PersonMustLook("rectify_by_hand")` where only people can."""
    return _able(connector, "rectify_by_hand").rectify(op_id, fence, items)


def _able(connector: object, code: str) -> Changing:
    if not isinstance(connector, Changing):
        raise PersonMustLook(code, detail="this kind of source does not let a program do it; its keeper has to")
    return connector
