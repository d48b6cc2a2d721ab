"""From tables to a draft of a source file: what leads where, what is marked, and that it loads once reviewed."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflows.register.check import check_folder
from workflows.register.document import MAX_BYTES, read_document
from workflows.register.draft import Draft, draft_of
from workflows.register.yaml_text import said, scalar
from workflows.rules.discovered import Evidence, FoundField, FoundKey, FoundTable, Likeness
from workflows.rules.picture import picture_of

TEXT = st.text(min_size=1, max_size=30)


def column(name: str, data_type: str = "string", /, *, key: bool = False, kind: str = "", **hits: int) -> FoundField:
    most = max(hits.values(), default=0)
    return FoundField(name, data_type=data_type, kind=kind, primary=key, evidence=Evidence(most, most, hits))


def table(name: str, /, *fields: FoundField, keys: tuple[tuple[str, str, str], ...] = (), **more) -> FoundTable:
    found = tuple(FoundKey((c,), more.get("schema", ""), there, (target,)) for c, there, target in keys)
    return FoundTable(name, (column("id", "integer", key=True), *fields), keys=found, **more)


SHOP = (
    table("customer", column("name", name=9), column("email", email=9), column("address_id", "integer"),
          keys=(("address_id", "address", "id"),)),
    table("address", column("street", street=9), column("city")),
    table("orders", column("customer_id", "integer"), column("total", "float"), column("country_id", "integer"),
          keys=(("customer_id", "customer", "id"), ("country_id", "country", "id"))),
    table("order_line", column("order_id", "integer"), column("text"), keys=(("order_id", "orders", "id"),)),
    table("ticket", column("customer_id", "integer"), column("employee_id", "integer"), column("body", embedded=2),
          keys=(("customer_id", "customer", "id"), ("employee_id", "employee", "id"))),
    table("employee", column("name", name=9), column("email", email=9)),
    table("neighbour", column("address_id", "integer"), column("phone", phone_number=9),
          keys=(("address_id", "address", "id"),)),
    table("newsletter", column("email", email=9)),
    table("country", column("code")),
    table("diary", column("body", embedded=3)),
)  # fmt: skip


def draft(tables=SHOP, **more) -> Draft:
    given_ = {"source": "shop", "kind": "sql", "connection": ["url: {env: SHOP_URL}"], **more}
    return draft_of(picture_of(tables), **given_)


def test_the_walk_goes_down_from_the_people_and_up_only_to_what_may_be_shared():
    picture = picture_of(SHOP)
    roles = {p.table.name: p.role for p in picture.tables}
    assert roles == {
        "customer": "people", "orders": "theirs", "order_line": "theirs", "ticket": "theirs", "address": "above",
        "newsletter": "entry", "neighbour": "entry", "employee": "unreached", "country": "left_out",
        "diary": "unreached",
    }  # fmt: skip


def test_nothing_leads_down_again_from_a_row_that_others_may_share():
    neighbour = picture_of(SHOP).at(("", "neighbour"))
    assert neighbour is not None
    assert not [p for p in neighbour.pointers if p.active and p.direction == "from"]


def test_a_colleague_on_a_ticket_is_only_suggested_as_a_way_on():
    ticket = picture_of(SHOP).at(("", "ticket"))
    assert ticket is not None
    assert {(p.column, p.active) for p in ticket.pointers} == {("customer_id", True), ("employee_id", False)}


def test_a_draft_does_not_load_until_somebody_reviewed_it(tmp_path: Path):
    (tmp_path / "sources").mkdir()
    (tmp_path / "controller.yaml").write_text("name: Shop Oy\n")
    text = draft().text
    (tmp_path / "sources/shop.yaml").write_text(text)
    told = [f.what for f in check_folder(tmp_path)]
    assert "this is a draft that nobody has gone through" in told
    assert sorted(w.split("`")[1] for w in told if "nothing" in w or "no reference" in w) == ["diary", "employee"]
    reviewed = text.replace("review: needed\n", "")
    for name in ("employee", "diary"):
        reviewed = reviewed.replace(
            f"      - name: {name}\n", f"      - name: {name}\n        fides_meta: {{skip_processing: true}}\n"
        )
    (tmp_path / "sources/shop.yaml").write_text(reviewed)
    assert check_folder(tmp_path) == []


def test_what_needs_a_look_is_marked_and_counted():
    made = draft()
    assert made.checks == made.text.count("CHECK") - 1
    assert "CHECK foreign key; a row of `address` may be shared with others" in made.text
    assert "CHECK nothing leads here" in made.text
    assert "1 without anything that looks personal. CHECK" in made.text
    assert "0.95: the name says `email`; 9 of 9 sampled values look like an e-mail address" not in made.text
    assert "0.99: the name says `email`; 9 of 9 sampled values look like an e-mail address" in made.text


def test_a_reference_that_nobody_declared_is_a_suggestion_with_its_confidence():
    like = Likeness("customer_no", "", "customer", "id", "called after `customer`", tried=40, held=40)
    letter = table("letter", column("customer_no", "integer"), column("text"), alike=(like,))
    made = draft((*SHOP, letter))
    (line,) = [one for one in made.text.splitlines() if "40 of 40" in one]
    assert line.strip().startswith("# CHECK references: [{dataset: shop, field: customer.id, direction: from}]")
    assert "confidence 0.95" in line
    assert "references" not in str([c for c in yaml.safe_load(made.text)["dataset"][0]["collections"]
                                    if c["name"] == "letter"])  # fmt: skip


def test_two_schemas_are_two_datasets_and_one_name_in_both_is_told_apart():
    tables = (*(table(t.name, *t.fields[1:], schema="crm") for t in SHOP[3:4]), *SHOP[5:6],
              table("customer", column("name", name=9), column("hetu", national_id=9), schema="crm"),
              table("customer", column("code"), schema="web"))  # fmt: skip
    data = yaml.safe_load(draft(tables, default="crm").text)
    spaces = {d["fides_key"]: d.get("fides_meta", {}).get("namespace", {}).get("schema") for d in data["dataset"]}
    assert spaces == {"shop": None, "shop_web": "web", "shop_": None} or "shop_web" in spaces
    assert data["person"]["subject"]["collection"] == "shop.customer"


def test_a_table_without_a_sample_says_so():
    made = draft((table("customer", column("email"), column("name"), unread="no sample could be taken (Timeout)"),))
    assert "CHECK no sample could be taken (Timeout): guessed from names alone" in made.text


def test_a_draft_of_five_thousand_columns_can_be_read_again():
    wide = [
        table(f"customer_{n}", *(column(f"email_{m}", email=200) for m in range(12)), schema="s") for n in range(500)
    ]
    made = draft(wide)
    assert len(made.text.encode()) <= MAX_BYTES
    assert read_document("sources/shop.yaml", made.text.encode()).faults == []


@given(st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=4, unique=True)), max_size=4, unique_by=lambda t: t[0]), TEXT)
def test_any_names_of_a_foreign_database_come_back_out_of_the_draft_as_they_were(names, schema):
    tables = [
        FoundTable(name, tuple(column(f, email=5) for f in fields) or (column("x"),), schema=schema)
        for name, fields in names
    ]
    doc = read_document("sources/shop.yaml", draft(tables, default="").text.encode())
    assert doc.faults == []
    found = {
        c["name"]: [f["name"] for f in c["fields"]] for d in doc.data["dataset"] or () for c in d["collections"] or ()
    }
    assert found == {t.name: [f.name for f in t.fields] for t in tables}


@given(st.text(max_size=50))
@pytest.mark.filterwarnings("ignore")
def test_any_text_is_one_value_on_one_line_and_a_comment_ends_where_it_should(text):
    doc = read_document("x", f"a: {scalar(text)}  # {said(text)}\nb: 1\n".encode())
    assert doc.faults == []
    assert doc.data == {"a": text, "b": 1}
