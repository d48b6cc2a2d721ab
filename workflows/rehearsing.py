"""A trial writes in no source: what would be erased or changed is asked for, and left as it is.

Each connector's writing methods are replaced, whatever calls them: nobody has to remember that it is a trial.
"""

from collections.abc import Sequence
from typing import Any

from models.vocabulary import ReceiptOutcome
from workflows.errors import BadInput, Fault
from workflows.exchange import ChangedItem, ChangeItem, ErasedItem, EraseItem
from workflows.ports import Connector

_CHANGES = ("restrict", "unrestrict", "rectify")


def rehearse(name: str, connector: Connector) -> Connector:
    """The connector, of which nothing writes any more. Raises `BadInput` where that can't be made sure."""
    stand_ins: dict[str, Any] = {"erase": _Erase(connector), "call_off": _call_off}
    stand_ins |= {method: _change for method in _CHANGES if hasattr(connector, method)}
    try:
        for method, stand_in in stand_ins.items():
            setattr(connector, method, stand_in)
    except AttributeError:
        what = "a trial writes in no source, and this kind of source can't be kept from it"
        raise BadInput([Fault(f"sources/{name}.yaml", what, "leave it out of the trial")]) from None
    return connector


class _Erase:
    """In place of `erase`: the source says what it would do."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def __call__(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Rehearsed, refused, or found to be another record than was approved or none."""
        said = {one.item_no: one.refused for one in self._connector.preview(items)}
        now = self._connector.present(items)
        return [ErasedItem(item.item_no, _outcome(item, said.get(item.item_no, ""), now)) for item in items]


def _outcome(item: EraseItem, refused: str, now: dict[int, str]) -> ReceiptOutcome:
    if item.item_no not in now:
        return ReceiptOutcome.ABSENT
    if now[item.item_no] != item.digest:
        return ReceiptOutcome.DRIFTED
    return ReceiptOutcome.REFUSED if refused else ReceiptOutcome.REHEARSED


def _call_off(op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG001
    return [ErasedItem(item.item_no, ReceiptOutcome.KEPT) for item in items]


def _change(op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:  # noqa: ARG001
    """As if it had been done; the record is as it was, and its digest says so."""
    return [ChangedItem(item.item_no, "changed", item.digest) for item in items]
