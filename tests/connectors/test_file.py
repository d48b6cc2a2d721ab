"""A file is scanned line by line; what it says of others stays with the others."""

from datetime import date
from pathlib import Path

import pytest

from models.vocabulary import Action, Ownership
from tests.connectors.shop import dataset, field, ref, register, source
from workflows.connectors.file import FileConnector
from workflows.errors import NeverAgain, PersonMustLook, SourceDown
from workflows.ports import EraseItem, Lead
from workflows.rules.items import Item

LINES = """no|invoice|hetu|name|moved
1|500|A|Äiti Esimerkki|2024-01-01
2|500|B|Velallinen|2024-01-01
3|501|C|Muu|2024-01-02
"""


def agency(folder: Path, text: str | bytes = LINES, person: object = None, **connection: object) -> FileConnector:
    path = folder / "agency.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    fields = [
        field("no", primary_key=True),
        field("invoice", "user.financial", references=[ref("invoice.no", dataset="billing")]),
        field("hetu", "user.government_id", references=[ref("customer.hetu", dataset="crm")]),
        field("name", "user.name"),
        field("moved", "user.financial"),
    ]
    spec = source(
        "agency",
        dataset({"claim": fields}, key="agency"),
        kind="file",
        connection={"path": str(path), "delimiter": "|", "encoding": "utf-8", "header": True, **connection},
        person={"collections": {"claim": person or {"owner": ["hetu"], "on": "moved"}}},
    )
    return FileConnector(spec, register=register(spec), environ={})


def collected(connector: FileConnector, **seeds: Lead) -> list[Item]:
    items: list[Item] = []
    names = {"invoice": "billing:invoice.no", "hetu": "crm:customer.hetu"}
    connector.collect({names[k]: [v] for k, v in seeds.items()}, items.append)
    return items


def test_a_co_debtors_line_is_marked_as_theirs(tmp_path: Path) -> None:
    connector = agency(tmp_path)
    led = {"billing:invoice.no", "crm:customer.hetu"}
    assert connector.entries() == led | {f"joint:{key}" for key in led}
    found = collected(connector, invoice=Lead("500"), hetu=Lead("A"))
    assert [(i.locator, i.ownership) for i in found] == [
        ({"no": "1"}, Ownership.OWN),
        ({"no": "2"}, Ownership.THIRD_PARTY),
    ]
    assert found[0].fields["name"] == "Äiti Esimerkki"


def test_a_line_outside_the_persons_time_is_not_theirs(tmp_path: Path) -> None:
    connector = agency(tmp_path)
    assert collected(connector, hetu=Lead("A", date(2024, 1, 2), None)) == []
    assert len(collected(connector, hetu=Lead("A", date(2024, 1, 1), date(2024, 1, 2)))) == 1


def test_erasing_is_for_whoever_keeps_the_file(tmp_path: Path) -> None:
    connector = agency(tmp_path)
    (item,) = collected(connector, hetu=Lead("A"))
    plan = [EraseItem(7, "claim", item.locator, Action.DELETE, (), item.digest)]
    assert connector.guarantee == "D"
    assert [p.refused for p in connector.preview(plan)] == ["by_hand"]
    assert connector.present(plan) == {7: item.digest}
    with pytest.raises(PersonMustLook):
        connector.erase("op", 1, plan)
    renamed = [EraseItem(7, "demand", item.locator, Action.DELETE, (), item.digest)]
    with pytest.raises(PersonMustLook):
        connector.erase("op", 1, renamed)  # renamed in the register, and still there


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LINES.encode("latin-1"), "encoding"),
        (LINES + "4|1\n", "bad_row"),
        ("no|invoice|hetu|name\n", "schema_changed"),
        ("", "schema_changed"),
    ],
)
def test_a_file_that_is_not_as_described_is_refused(tmp_path: Path, text: str | bytes, code: str) -> None:
    with pytest.raises(NeverAgain) as caught:
        collected(agency(tmp_path, text), hetu=Lead("A"))
    assert caught.value.code == code


def test_latin_1_is_read_as_latin_1(tmp_path: Path) -> None:
    (item,) = collected(agency(tmp_path, LINES.encode("latin-1"), encoding="iso-8859-1"), hetu=Lead("A"))
    assert item.fields["name"] == "Äiti Esimerkki"


def test_a_file_that_is_not_there_may_come_later(tmp_path: Path) -> None:
    connector = agency(tmp_path)
    (tmp_path / "agency.txt").unlink()
    with pytest.raises(SourceDown):
        connector.health()


def _by_mail(connector: FileConnector) -> list[Item]:
    items: list[Item] = []
    connector.collect({"identity:email": [Lead("a@x.example")]}, items.append)
    return items


def test_a_line_without_a_key_is_found_again_by_what_it_says_wherever_it_stands(tmp_path: Path) -> None:
    fields = [field("mail", "user.contact.email", identity="email"), field("text", "user.content")]
    spec = source(
        "list",
        dataset({"entry": fields}, key="list"),
        kind="file",
        connection={"path": str(tmp_path / "list.txt"), "by_hand": {"keeper": "Desk"}},
    )
    path = tmp_path / "list.txt"
    path.write_text("mail|text\na@x.example|first\na@x.example|second\na@x.example|second\n", encoding="utf-8")
    connector = FileConnector(spec, register=register(spec), environ={})
    items = _by_mail(connector)
    assert [i.fields["text"] for i in items] == ["first", "second"]
    plan = [EraseItem(n, i.collection, i.locator, Action.DELETE, (), i.digest) for n, i in enumerate(items)]
    assert [p.refused for p in connector.preview(plan)] == ["", ""]
    path.write_text("mail|text\na@x.example|second\n", encoding="utf-8")
    assert list(connector.present(plan)) == [1]
    assert [d.outcome.value for d in connector.call_off("op", 1, plan)] == ["absent", "kept"]
    path.write_text("mail|text\na@x.example|second and more\n", encoding="utf-8")
    assert [p.refused for p in connector.preview(plan)] == ["absent", "absent"]
