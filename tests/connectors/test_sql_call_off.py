"""An erasure that nobody knows the end of is called off: it never happens later, and what it did is told."""

import pytest

from models.vocabulary import ReceiptOutcome
from tests.connectors.shop import COLLECTIONS, collected, dump, seeds, shop, to_erase
from workflows.connectors.sql import SqlConnector
from workflows.errors import Fenced

ONE = {"email": "one@shop.example"}


def test_what_was_called_off_can_not_be_erased_by_who_began_it(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(**ONE)), connector)
    before = dump(shop_url)
    told = connector.call_off("op-1", 5, plan)
    assert {e.outcome for e in told} == {ReceiptOutcome.KEPT}
    with pytest.raises(Fenced):
        connector.erase("op-1", 4, plan)
    after = dump(shop_url)
    after.pop("vastine_receipts", None)
    assert after == before


def test_what_was_erased_before_it_was_called_off_is_told(shop_url: str) -> None:
    connector = shop(shop_url)
    plan = to_erase(collected(connector, seeds(**ONE)), connector)
    done = connector.erase("op-1", 4, plan)
    after = dump(shop_url)
    assert shop(shop_url).call_off("op-1", 5, plan) == done
    assert dump(shop_url) == after


def test_without_receipts_the_records_themselves_tell(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqlConnector, "guarantee", "C")
    connector = shop(shop_url, **{name: {"masking_strategy_override": {"strategy": "delete"}} for name in COLLECTIONS})
    plan = to_erase(collected(connector, seeds(**ONE)), connector)
    assert {e.outcome for e in connector.call_off("op-1", 1, plan)} == {ReceiptOutcome.KEPT}
    done = {e.item_no: e.outcome for e in connector.erase("op-1", 1, plan)}
    told = {e.item_no: e.outcome for e in connector.call_off("op-1", 2, plan)}
    gone = {ReceiptOutcome.ERASED: ReceiptOutcome.ABSENT, ReceiptOutcome.REFUSED: ReceiptOutcome.KEPT}
    assert told == {no: gone.get(outcome, outcome) for no, outcome in done.items()}
