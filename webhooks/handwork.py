"""The form in which people answer a search: its facts for the page and its fields back."""

import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from models.hand import HandSearch
from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Ownership
from webhooks.words import Words
from workflows.casefile import open_key, seeds_digest
from workflows.documents.catalogue import Catalogue
from workflows.errors import BadInput, Fault, NotFound
from workflows.hand import places, searching
from workflows.hand.answers import Draft, blank, draft_of, with_scan
from workflows.hand.files import SCAN, keep_file, scan_of
from workflows.handed import HandAnswer
from workflows.ports import RequestKey
from workflows.runtime import Runtime

UPLOAD_BYTES = 21 * 1024 * 1024
_FIELD = re.compile(r"r(\d{1,3})\.(entry|collection|whose|location|shelf|pages|f\.(.+))")


def locked_task(session: Session, ident: uuid.UUID) -> tuple[HumanTask, Request]:
    """The task and its request, the request's lock taken first. Raises `NotFound`."""
    owner = session.get(HumanTask, ident)
    if owner is None or owner.request_id is None or not owner.facts.get("source"):
        raise NotFound("task")
    request = session.get_one(Request, owner.request_id, with_for_update=True)
    session.refresh(owner, with_for_update=True)
    return owner, request


def given_of(form: Mapping[str, str], chosen: list[str]) -> dict[str, Any]:
    """What was typed, as plain data. `chosen`: the places that were ticked."""
    rows: dict[int, dict[str, Any]] = {}
    for name, value in form.items():
        if (match := _FIELD.fullmatch(name)) is None:
            continue
        row = rows.setdefault(int(match[1]), {"values": {}})
        if match[3] is not None:
            row["values"][match[3]] = value
        else:
            row[match[2]] = value
    for row in rows.values():
        row["location"] = " · ".join(filter(None, (row.pop("shelf", ""), row.get("location", "").strip())))
    found = {"yes": True, "no": False}.get(form.get("found", ""))
    return {
        "found": found,
        "places": chosen,
        "comment": form.get("comment", ""),
        "records": [rows[n] for n in sorted(rows)],
    }


def take_form(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, form: MultiDict[str, str], by: str
) -> str:
    """Do what the pressed button says: save, add, drop or answer; which it was. Raises as the search does."""
    source = str(task.facts["source"])
    spec = places.hand_spec(rt.register, source)
    key = open_key(session, rt, request.data_key_id)
    before = searching.draft_of(searching.search_of(session, request, source), key)
    given = given_of(form, form.getlist("places"))
    do, _, what = form.get("do", "save").partition(":")
    if do == "drop":
        given["records"] = [r for r in given["records"] if r.get("entry") != what]
    draft = draft_of(spec, given, before)
    if do == "add":
        if what not in places.collections_of(spec):
            raise BadInput([Fault("records", "no_such_collection")])
        draft = Draft(_added(draft, what), True)
    revision = int(form.get("revision", "")) if form.get("revision", "").isdigit() else -1
    if do == "answer":
        searching.answer(session, rt, request, task, draft=draft, revision=revision, asked=form.get("asked", ""), by=by)
    else:
        searching.save(session, rt, request, task, draft=draft, revision=revision, by=by)
    return do


def _added(draft: Draft, collection: str) -> HandAnswer:
    return replace(draft.answer, records=(*draft.answer.records, blank(collection)), none=False)


def take_scan(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, entry: str, content: bytes, by: str
) -> None:
    """Keep a scan with the record it belongs to. Raises `BadInput` where it is no scan or there is no such record."""
    source = str(task.facts["source"])
    key = open_key(session, rt, request.data_key_id)
    search = searching.search_of(session, request, source)
    draft = searching.draft_of(search, key)
    if search is None or entry not in draft.scans():
        raise BadInput([Fault("file", "no_such_record")])
    row = keep_file(session, rt, request, key, source=source, content=content, purpose=SCAN, by=by)
    whole = with_scan(draft, entry, scan_of(row))
    searching.save(session, rt, request, task, draft=whole, revision=search.revision, by=by)


def search_facts(
    session: Session,
    rt: Runtime,
    request: Request,
    task: HumanTask,
    *,
    words: Words,
    catalogue: Catalogue,
    typed: MultiDict[str, str] | None = None,
) -> dict[str, Any]:
    """Everything the page of a search shows; `typed` is what stays in the form after a mistake."""
    source = str(task.facts["source"])
    spec = places.hand_spec(rt.register, source)
    key = open_key(session, rt, request.data_key_id)
    search = searching.search_of(session, request, source)
    if search is None:
        raise NotFound("task")
    draft = searching.draft_of(search, key)
    if typed is not None:
        with suppress(BadInput):  # what is too garbled to show again gives way to what was saved last
            draft = draft_of(spec, given_of(typed, typed.getlist("places")), draft)
    seeds = searching.current_seeds(session, rt, request, key, source=source)
    language = words.language
    return {
        "source": catalogue.source_label(source, language),
        "instructions": places.instructions_of(spec, language),
        "keeper": places.keeper_of(spec),
        "paper": spec.kind == "paper",
        "again": search.answer_sealed is not None,
        "terms": _terms(session, rt, request, key, source=source, search=search, words=words, catalogue=catalogue),
        "places": [
            {"name": p, "holder": places.key_holders(spec).get(p, ""), "ticked": p in draft.answer.places}
            for p in places.places_of(spec)
        ],
        "named_places": spec.kind == "paper" or bool(spec.connection.get("places")),
        "found": draft.found,
        "comment": draft.answer.comment,
        "records": _records(rt, spec.source, draft, catalogue=catalogue, words=words),
        "collections": [
            (name, catalogue.collection_label(source, name, language)) for name in places.collections_of(spec)
        ],
        "revision": search.revision,
        "asked": seeds_digest(seeds).hex(),
    }


def _terms(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    source: str,
    search: HandSearch,
    words: Words,
    catalogue: Catalogue,
) -> list[dict[str, Any]]:
    rows = []
    for term in searching.terms(session, rt, request, key, source=source, search=search):
        kind, _, name = term.key.partition(":")
        label = f"term.{name}"
        if kind in ("identity", "contact", "shared"):
            told = words(label) if label in words else name
            told = words("term.shared", what=told) if kind == "shared" else told
        else:
            collection, _, column = name.partition(".")
            told = catalogue.column_label(_source_of(rt, kind), collection, name=column, language=words.language)
        rows.append({"label": told, "value": term.value, "span": term.span, "new": term.new})
    return rows


def _source_of(rt: Runtime, dataset: str) -> str:
    specs = rt.register.sources.values()
    return next((s.source for s in specs if any(d.fides_key == dataset for d in s.dataset)), dataset)


def _records(rt: Runtime, source: str, draft: Draft, *, catalogue: Catalogue, words: Words) -> list[dict[str, Any]]:
    spec = places.hand_spec(rt.register, source)
    forms, shelves = places.collections_of(spec), places.places_of(spec)
    rows = []
    for n, record in enumerate(draft.answer.records):
        shelf = next((s for s in shelves if record.location.startswith(s)), "")
        rows.append(
            {
                "n": n,
                "entry": record.entry,
                "collection": record.collection,
                "label": catalogue.collection_label(source, record.collection, words.language),
                "fields": [
                    {
                        "name": f"r{n}.f.{field.name}",
                        "label": catalogue.column_label(
                            source, record.collection, name=field.name, language=words.language
                        ),
                        "kind": field.kind,
                        "value": record.values.get(field.name, ""),
                    }
                    for field in forms[record.collection]
                ],
                "whose": record.whose.value,
                "shelf": shelf,
                "location": record.location[len(shelf) :].removeprefix(" · "),
                "pages": record.pages or "",
                "scans": [(scan.media_type, scan.size_bytes) for scan in record.scans],
            }
        )
    return rows


def owners(words: Words) -> list[tuple[str, str]]:
    """Whose a record may be, in words."""
    return [(word.value, words(f"whose.{word.value}")) for word in Ownership]


def told(error: BadInput, words: Words) -> list[dict[str, str]]:
    """Mistakes in the reader's language, each at its field."""
    rows = []
    for fault in error.faults:
        key = f"fault.{fault.what}"
        rows.append({"field": fault.where, "text": words(key) if key in words else words("fault.other")})
    return rows
