"""A database that programs may only read and whose keeper erases: people do it, and the database is asked whether."""

from collections.abc import Sequence
from dataclasses import replace

from models.vocabulary import Action, ReceiptOutcome
from workflows.connectors import sql_erase
from workflows.connectors.records_standing import as_it_is
from workflows.connectors.sql import SqlConnector
from workflows.connectors.sql_standing import stand
from workflows.errors import PersonMustLook
from workflows.exchange import ChangedItem, ChangeItem
from workflows.ports import ErasedItem, EraseItem, Guarantee, PreviewedItem
from workflows.register.model import Register, SourceSpec
from workflows.rules.privileges import Privilege


class SqlByPeople(SqlConnector):
    """One database that is searched, and in which nothing is ever written."""

    @property
    def guarantee(self) -> Guarantee:
        """People do it, two of them for each record."""
        return "D"

    def read_only(self) -> bool:
        """It is meant to be, and no erasure stops at it."""
        return False

    def privileges(self) -> list[Privilege]:
        """What the user who searches may do beyond that; nobody else is asked for."""
        return [one for one in super().privileges() if one.who == "reading"]

    def preview(self, items: Sequence[EraseItem]) -> list[PreviewedItem]:
        """What the keeper is to do, as far as looking tells. Nobody counts by hand how many households look alike."""
        with self._source.reading() as connection:
            told = sql_erase.preview(connection, self._schema(connection), items, zone=self._zone)
        anonymous = {item.item_no for item in items if item.action is Action.ANONYMISE}
        return [replace(one, refused=one.refused or "action") if one.item_no in anonymous else one for one in told]

    def erase(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Only what somebody has taken out already; raises `PersonMustLook("by_hand")` while any is there."""
        there, unknown = self._look(items)
        if there or unknown:
            raise PersonMustLook("by_hand", detail="rows of this database are erased by whoever keeps it")
        return [ErasedItem(item.item_no, ReceiptOutcome.ABSENT) for item in items]

    def call_off(self, op_id: str, fence: int, items: Sequence[EraseItem]) -> list[ErasedItem]:  # noqa: ARG002
        """Nothing is ever begun here; what people did is what the rows look like now."""
        there, unknown = self._look(items)
        kept = {number: ErasedItem(number, ReceiptOutcome.KEPT) for number in unknown}
        return [kept.get(done.item_no, done) for done in as_it_is(items, there)]

    def restrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:  # noqa: ARG002
        """Raises `PersonMustLook("restrict_by_hand")`."""
        raise PersonMustLook("restrict_by_hand", detail="rows of this database are changed by whoever keeps it")

    def unrestrict(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:  # noqa: ARG002
        """Raises `PersonMustLook("restrict_by_hand")`."""
        raise PersonMustLook("restrict_by_hand", detail="rows of this database are changed by whoever keeps it")

    def rectify(self, op_id: str, fence: int, items: Sequence[ChangeItem]) -> list[ChangedItem]:  # noqa: ARG002
        """Raises `PersonMustLook("rectify_by_hand")`."""
        raise PersonMustLook("rectify_by_hand", detail="rows of this database are changed by whoever keeps it")

    def _look(self, items: Sequence[EraseItem]) -> tuple[dict[int, str], set[int]]:
        """Digests of those that are there, and those that the register knows no more: they are not gone for that."""
        if not items:
            return {}, set()
        with self._source.reading() as connection:
            standings = stand(connection, self._schema(connection), items, zone=self._zone, lock=False)
        there = {s.item.item_no: s.digest for s in standings if s.rows}
        return there, {s.item.item_no for s in standings if s.refused and not s.rows}


def sql_connector(spec: SourceSpec, *, register: Register, url: str, erase_url: str = "") -> SqlConnector:
    """The connector of a database: people erase in it where its file names them, else programs do."""
    if spec.connection.get("by_hand"):
        return SqlByPeople(spec, register=register, url=url)
    return SqlConnector(spec, register=register, url=url, erase_url=erase_url)
