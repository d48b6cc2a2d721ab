"""`vastine task`: the work that waits for people, and their answers, from a shell or a script."""

import json
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask, StaffUser
from models.vocabulary import Role, TaskState
from workers.host import runtime
from workers.speech import give_json, give_table, say
from workflows import audit
from workflows.casefile import open_key, seeds_digest
from workflows.errors import BadInput, Fault, NotAllowed, NotFound
from workflows.hand import erasing, places, searching
from workflows.hand.access import WORKERS, check_may_work
from workflows.hand.answers import draft_of
from workflows.hand.orders import items_of
from workflows.repair import ANSWERS, close_by_word, is_erasing, is_search, locked_task
from workflows.runtime import Runtime
from workflows.views import find_request


@click.group()
def task() -> None:
    """Work that waits for people."""


@task.command("list")
@click.option("--request", "reference", help="Of this request only.")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are done too.")
@click.option("--json", "as_json", is_flag=True)
def list_(*, reference: str | None, all_of_them: bool, as_json: bool) -> None:
    """List tasks, the next due first."""
    rt = runtime()
    with rt.unit() as session:
        query = select(HumanTask, Request.reference).join(Request, Request.id == HumanTask.request_id, isouter=True)
        if not all_of_them:
            query = query.where(HumanTask.state == TaskState.OPEN)
        if reference:
            query = query.where(HumanTask.request_id == find_request(session, reference).id)
        query = query.order_by(HumanTask.due_on, HumanTask.created_at, HumanTask.id)
        rows = [_told(row, about) for row, about in session.execute(query).all()]
    if as_json:
        give_json(rows)
    else:
        give_table(rows, ["id", "kind", "code", "source", "reference", "due_on", "state"])


@task.command()
@click.argument("ident", metavar="ID")
@click.option("--as", "user", required=True, help="Who looks: search terms and records are somebody's data.")
@click.option("--json", "as_json", is_flag=True)
def show(*, ident: str, user: str, as_json: bool) -> None:
    """Show one task: what to look for, or which records to treat."""
    rt = runtime()
    with rt.unit() as session:
        found, request = _mine(session, rt, ident, user)
        shown = _told(found, request.reference if request else None)
        if request is not None and is_search(found):
            shown |= _search(session, rt, found, request)
        elif request is not None and is_erasing(found):
            shown["items"] = _items(session, rt, found, request)
        if request is not None:
            looked = {"what": "task", "how": "command line"}
            audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
    if as_json:
        give_json(shown)
        return
    tables = {name: value for name, value in shown.items() if isinstance(value, list) and value}
    for name, value in shown.items():
        if name not in tables:
            text = value if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)
            click.echo(f"{name}: {text if text is not None else ''}")
    for name, rows in tables.items():
        click.echo(f"\n{name}")
        give_table(rows, list(rows[0])) if isinstance(rows[0], dict) else click.echo("\n".join(map(str, rows)))


@task.command()
@click.argument("ident", metavar="ID")
@click.option("--as", "user", required=True, help="Who did it; the second person of an item is another one.")
@click.option("--say", "word", type=click.Choice(ANSWERS), help="Close a task that a word ends.")
@click.option(
    "--search", "file", help="The answer to a search as `task show --json` gives it, filled in; - reads stdin."
)
@click.option("--item", type=int, help="The number of a record that is erased by hand.")
@click.option("--evidence", type=click.Choice(list(erasing.EVIDENCE)), help="What you did to it.")
@click.option("--confirm", is_flag=True, help="You are the second person and looked; with --reason you sign it off.")
@click.option("--take-back", is_flag=True, help="You looked and it is not so: it is to be done again.")
@click.option("--leave", is_flag=True, help="Answer the person although it is not done; it is told as not done.")
@click.option("--reason", default="", help="Why it was not found, is signed off or left.")
def answer(*, ident: str, user: str, word: str | None, file: str | None, item: int | None, **said: Any) -> None:
    """Answer one task."""
    rt = runtime()
    given = _filled(file) if file is not None else None
    with rt.unit() as session:
        found, request = _mine(session, rt, ident, user)
        if given is not None and request is not None and is_search(found):
            _answer_search(session, rt, found, request, given=given, by=user)
        elif is_search(found):
            raise BadInput([Fault("ID", "this is a search", "give its answer with --search FILE")])
        elif request is not None and is_erasing(found):
            _treat(session, rt, found, request, item=item, by=user, said=said)
        elif word is None:
            raise BadInput([Fault("--say", "is missing", "write one of " + ", ".join(ANSWERS))])
        else:
            close_by_word(session, rt, found, by=user, answer=word)
        over = found.state is TaskState.DONE
    say("done" if over else "noted; there is more to do")


def _mine(session: Session, rt: Runtime, ident: str, user: str) -> tuple[HumanTask, Request | None]:
    """The task and its request, locked, if this person may do this work."""
    try:
        wanted = uuid.UUID(ident)
    except ValueError:
        raise BadInput([Fault("ID", "this is no id of a task", "take it from `vastine task list`")]) from None
    found, request = locked_task(session, wanted)
    who = session.get(StaffUser, user)
    if who is None:
        raise NotFound("user", detail=f"there is no user {user}")
    if is_search(found) or is_erasing(found):
        check_may_work(who, rt.register.sources[str(found.facts["source"])])
    elif who.disabled_at is not None or who.role not in WORKERS:
        raise NotAllowed("role", detail="this role answers no tasks")
    return found, request


def _told(row: HumanTask, reference: str | None) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind.value,
        "code": row.code,
        "source": row.facts.get("source"),
        "reference": reference,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "state": row.state.value,
    }


def _search(session: Session, rt: Runtime, found: HumanTask, request: Request) -> dict[str, Any]:
    source = str(found.facts["source"])
    spec = places.hand_spec(rt.register, source)
    key = open_key(session, rt, request.data_key_id)
    search = searching.search_of(session, request, source)
    draft = searching.draft_of(search, key)
    seeds = searching.current_seeds(session, rt, request, key, source=source)
    terms = searching.terms(session, rt, request, key, source=source, search=search)
    return {
        "keeper": places.keeper_of(spec),
        "instructions": places.instructions_of(spec, "en"),
        "terms": [{"what": t.key, "value": t.value, "span": t.span, "new": t.new} for t in terms],
        "places_to_search": list(places.places_of(spec)),
        "fields": {name: [f.name for f in fields] for name, fields in places.collections_of(spec).items()},
        "found": draft.found,
        "places": list(draft.answer.places),
        "comment": draft.answer.comment,
        "records": [
            {"entry": r.entry, "collection": r.collection, "values": dict(r.values), "whose": r.whose.value,
             "location": r.location, "pages": r.pages}
            for r in draft.answer.records
        ],
        "revision": search.revision if search is not None else 0,
        "asked": seeds_digest(seeds).hex(),
    }  # fmt: skip


def _items(session: Session, rt: Runtime, found: HumanTask, request: Request) -> list[dict[str, Any]]:
    key = open_key(session, rt, request.data_key_id)
    return [
        {
            "item": one.row.item_no,
            "collection": one.row.collection,
            "locator": dict(one.locator),
            "action": one.action.value,
            "fields": " ".join(one.fields),
            "evidence": one.tick.evidence if one.tick else None,
            "done_by": one.tick.done_by if one.tick else None,
            "confirmed_by": one.tick.confirmed_by if one.tick else None,
        }
        for one in items_of(session, key, found)
    ]


def _filled(file: str) -> Mapping[str, Any]:
    """The answer to a search. Raises `BadInput` where it is none; what is in it is in no message."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        remedy = "fill in what `vastine task show ID --json` prints"
        raise BadInput([Fault("--search", "this is no file with an answer in JSON", remedy)])
    return value


def _answer_search(
    session: Session, rt: Runtime, found: HumanTask, request: Request, *, given: Mapping[str, Any], by: str
) -> None:
    source = str(found.facts["source"])
    key = open_key(session, rt, request.data_key_id)
    before = searching.draft_of(searching.search_of(session, request, source), key)
    draft = draft_of(places.hand_spec(rt.register, source), given, before)
    revision, asked = given.get("revision"), given.get("asked")
    if type(revision) is not int or not isinstance(asked, str):
        raise BadInput([Fault("revision, asked", "are missing", "keep them as `vastine task show` printed them")])
    searching.answer(session, rt, request, found, draft=draft, revision=revision, asked=asked, by=by)


def _treat(
    session: Session,
    rt: Runtime,
    found: HumanTask,
    request: Request,
    *,
    item: int | None,
    by: str,
    said: Mapping[str, Any],
) -> None:
    """What one person says of one record, or of all that is left."""
    chosen = [name for name in ("evidence", "confirm", "take_back", "leave") if said[name]]
    if len(chosen) != 1 or (item is None) != (chosen == ["leave"]):
        remedy = "write --item N with one of --evidence, --confirm, --take-back; or --leave alone"
        raise BadInput([Fault("ID", "this task is answered record by record", remedy)])
    reason = str(said["reason"])
    if item is None:
        if session.get_one(StaffUser, by).role not in (Role.APPROVER, Role.DPO):
            raise NotAllowed("role", detail="that something is not done may be told by who decides")
        erasing.leave_for_later(session, rt, request, found, reason=reason, by=by)
    elif said["evidence"]:
        erasing.tick(session, rt, request, found, item_no=item, evidence=said["evidence"], reason=reason, by=by)
    elif said["confirm"]:
        erasing.confirm(session, rt, request, found, item_no=item, looked=not reason.strip(), reason=reason, by=by)
    else:
        erasing.take_back(session, rt, request, found, item_no=item, by=by)
