"""Records that may be the person's: somebody looks, says whose they are, and only then is anything given or erased."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from models.audit import AuditEntry
from models.vocabulary import Belongs, Right
from tests.connectors.household import COLLECTIONS, DDL, PERSON, ROWS, SHARED_MAIL
from tests.connectors.shop import dataset, run_sql
from tests.story.house import TWO, House, open_house, prepare, records_of
from workflows import belonging, views
from workflows.candidates import verdicts_of
from workflows.casefile import open_key
from workflows.errors import Conflict, NotAllowed
from workflows.stages import decision

MAIJA = {"customer_number": "1001"}
ARCHIVE = "CREATE TABLE scan (id INTEGER PRIMARY KEY, ticket INTEGER, text VARCHAR(80));\n"
SCANS = "INSERT INTO scan VALUES (500, 10, 'Liite'), (501, 11, 'Maijan liite'), (502, 12, 'Matin liite')"
SCAN = [
    {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": True}},
    {
        "name": "ticket",
        "data_categories": ["user.unique_id"],
        "fides_meta": {"references": [{"dataset": "shop", "field": "ticket.id", "direction": "from"}]},
    },
    {"name": "text", "data_categories": ["user.content"], "fides_meta": {"data_type": "string"}},
]
DELETE = {"masking_strategy_override": {"strategy": "delete"}}

CONTROLLER = "name: Koti Oy\ndelivery: {objection_hours: 0}\n"


@pytest.fixture
def home(tmp_path: Path, database_url: str, request: pytest.FixtureRequest) -> House:
    """A company that knows a household; sources of the kind of database ours is."""
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("shop", "archive")}
    if not database_url.startswith("sqlite"):
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
        urls = {name: fresh() for name in urls}
    run_sql(urls["shop"], DDL + ROWS + ";\nDELETE FROM phone")
    run_sql(urls["archive"], ARCHIVE + SCANS)
    sources = {
        "shop": dataset(COLLECTIONS, ticket=DELETE, reply=DELETE),
        "archive": dataset({"scan": SCAN}, key="archive", scan=DELETE),
    }
    folder = tmp_path / "register" / "sources"
    folder.mkdir(parents=True)
    (tmp_path / "register" / "controller.yaml").write_text(CONTROLLER, encoding="utf-8")
    for name, one in sources.items():
        described: dict[str, Any] = {
            "source": name,
            "kind": "sql",
            "connection": {"url": {"env": f"{name.upper()}_URL"}},
            "dataset": [_plain(one)],
        }
        if name == "shop":
            # A fact that a hold could rest on: right before erasing, this source is asked afresh.
            facts = {"ticket": {"facts": {"number": "text"}}}
            described["person"] = {**PERSON, "collections": {**PERSON["collections"], **facts}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    prepare(database_url)
    environ = {
        "VASTINE_REGISTER": str(tmp_path / "register"),
        "VASTINE_DATA_DIR": str(tmp_path / "var"),
        "VASTINE_DATABASE_URL": database_url,
        **{f"{name.upper()}_URL": url for name, url in urls.items()},
    }
    return open_house(tmp_path, urls, environ)


def _plain(value: Any) -> Any:
    """Without what says nothing, which a reader of registers would stumble over."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def candidates(home: House, reference: str) -> dict[str, belonging.Candidate]:
    """ "collection/id" to what a person is asked about."""
    with home.held(reference) as (session, request):
        found = belonging.candidates_of(
            home.rt,
            request,
            open_key(session, home.rt, request.data_key_id),
            blobs=belonging.where_they_lie(session, request),
            verdicts=verdicts_of(session, home.rt, request),
        )
        return {f"{c.item.collection}/{c.item.locator['id']}": c for c in found}


def say(home: House, reference: str, user: str = "kaspar", **words: Belongs) -> int:
    """One person's word on "collection_id"; how many are left."""
    there = candidates(home, reference)
    said = [belonging.Said(there[n.replace("_", "/")].mark, w, "katsoin tiketistä") for n, w in words.items()]
    with home.held(reference) as (session, request):
        return belonging.say(session, home.rt, request, user=user, said=said)


def actions(home: House, reference: str) -> dict[str, tuple[str, str]]:
    return {
        f"{i['collection']}/{i['locator']['id']}": (i["action"], i["ownership"]) for i in home.plan(reference)["items"]
    }


def test_an_answer_waits_until_somebody_has_said_whose_each_doubtful_record_is(home: House) -> None:
    reference = home.ask(MAIJA)
    home.work()
    assert home.state(reference) == "deciding"
    assert [t.code for t in home.tasks(reference) if t.key.startswith("candidates:")] == ["review_candidates"]
    assert set(candidates(home, reference)) == {"ticket/10", "reply/100"}
    with pytest.raises(Conflict, match="candidates_open"):
        home.approve(reference, TWO[1])
    assert say(home, reference, ticket_10=Belongs.MINE) == 1
    assert home.state(reference) == "deciding"
    assert say(home, reference, reply_100=Belongs.MINE) == 0
    home.work()
    if home.state(reference) == "deciding":
        home.approve(reference, TWO[1])
        home.work()
    assert home.ended(reference) == ("closed", "delivered")
    given = records_of(home.file(reference))
    assert sorted(r["id"] for r in given["ticket"]) == [10, 11]
    assert sorted(r["id"] for r in given["reply"]) == [100, 110]
    assert sorted(r["id"] for r in given["scan"]) == [500, 501], "what is theirs leads on as theirs"
    assert home.chain_is_whole()
    home.close()


def test_what_is_not_theirs_or_nobody_can_tell_is_neither_given_nor_named(home: House) -> None:
    reference = home.ask(MAIJA)
    home.work()
    assert say(home, reference, ticket_10=Belongs.NOT_MINE, reply_100=Belongs.CANT_TELL) == 0
    home.work()
    home.approve(reference, TWO[1])
    home.work()
    assert home.ended(reference) == ("closed", "delivered")
    package = home.file(reference)
    given = records_of(package)
    assert [r["id"] for r in given["ticket"]] == [11]
    assert [r["id"] for r in given["reply"]] == [110]
    assert [r["id"] for r in given["scan"]] == [501]
    assert "Jompikumpi" not in json.dumps(given)
    home.close()


def test_only_what_somebody_said_to_be_theirs_is_erased(home: House) -> None:
    before = home.dump()
    reference = home.ask(MAIJA, Right.ERASURE)
    home.work()
    assert actions(home, reference)["ticket/10"] == ("keep", "candidate")
    first = home.plan(reference)["hash"]
    with pytest.raises(Conflict, match="candidates_open"):
        home.approve(reference, TWO[0], plan_hash=first)
    assert say(home, reference, ticket_10=Belongs.NOT_MINE, reply_100=Belongs.MINE) == 0
    home.work()
    planned = actions(home, reference)
    assert planned["ticket/10"] == ("keep", "third_party")
    assert planned["reply/100"] == ("delete", "own")
    assert home.plan(reference)["hash"] != first
    with pytest.raises(Conflict, match="plan_changed"):
        home.approve(reference, TWO[0], plan_hash=first)
    home.approve(reference, *TWO)
    home.work()
    assert home.ended(reference)[0] == "closed"
    after = home.dump()
    gone = {
        (table, dict(row).get("id"))
        for (name, table), rows in before.items()
        for row in rows - after[name, table]
        if dict(row).get("id") not in {dict(r).get("id") for r in after[name, table]}
    }
    assert gone == {("ticket", "11"), ("reply", "110"), ("reply", "100"), ("scan", "501")}
    for table, ids in {
        "ticket": {"10", "12", "13"},
        "person": {"2", "3", "4", "5"},
        "call": {"20", "21", "22"},
    }.items():
        kept = {row for row in before["shop", table] if dict(row)["id"] in ids}
        assert kept <= after["shop", table], table
    assert home.chain_is_whole()
    home.close()


def test_a_record_that_changed_since_somebody_looked_is_asked_about_again(home: House) -> None:
    reference = home.ask(MAIJA, Right.ERASURE)
    home.work()
    say(home, reference, ticket_10=Belongs.MINE, reply_100=Belongs.MINE)
    home.execute("shop", "UPDATE ticket SET text = 'Matin sittenkin' WHERE id = 10")
    home.work()
    assert home.state(reference) == "deciding"
    now = candidates(home, reference)
    assert {name: c.word for name, c in now.items()} == {"ticket/10": None}
    with pytest.raises(Conflict, match="candidates_open"):
        home.approve(reference, *TWO)
    home.close()


def test_a_word_is_a_named_persons_and_on_record_without_what_it_is_about(home: House) -> None:
    reference = home.ask(MAIJA)
    home.work()
    with pytest.raises(NotAllowed):
        say(home, reference, user="ilona", ticket_10=Belongs.MINE)
    assert say(home, reference, ticket_10=Belongs.MINE) == 1
    with home.rt.unit() as session:
        rows = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == "candidate:decided")).all()
        request = views.find_request(session, reference)
        with pytest.raises(Conflict):
            decision.approve(session, home.rt, request, user=TWO[1])
    assert [(r.actor, r.facts["source"], r.facts["collection"], r.facts["verdict"]) for r in rows] == [
        ("kaspar", "shop", "ticket", "mine")
    ]
    assert "katsoin" not in repr(rows[0].facts)
    assert SHARED_MAIL not in repr(rows[0].facts)
    home.close()
