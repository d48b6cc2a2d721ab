"""A source is erased after those that its collections name in `erase_after`."""

from tests.connectors.shop import dataset, field, register, source
from workflows.register.ordering import may_go_first

FIELDS = [field("id", primary_key=True)]


def one(name: str, *after: str) -> object:
    return source(name, dataset({"rows": FIELDS}, key=name, rows={"erase_after": list(after)} if after else None))


def test_a_source_waits_for_those_its_collections_are_erased_after() -> None:
    whole = register(one("a", "b.rows"), one("b", "c.rows"), one("c"))  # type: ignore[arg-type]
    assert may_go_first(whole, {"a", "b", "c"}) == {"c"}
    assert may_go_first(whole, {"a", "b"}) == {"b"}
    assert may_go_first(whole, {"a"}) == {"a"}
    assert may_go_first(whole, {"a", "c"}) == {"a", "c"}


def test_sources_that_wait_for_each_other_all_may_go() -> None:
    whole = register(one("a", "b.rows"), one("b", "a.rows"))  # type: ignore[arg-type]
    assert may_go_first(whole, {"a", "b"}) == {"a", "b"}


def test_what_waits_for_its_own_source_waits_for_nobody() -> None:
    whole = register(one("a", "a.rows"), one("b"))  # type: ignore[arg-type]
    assert may_go_first(whole, {"a", "b"}) == {"a", "b"}
