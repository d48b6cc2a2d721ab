"""What people write into the form, and whether it is a whole answer: checked like any source's reply."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from models.vocabulary import Ownership
from workflows.errors import BadInput, Fault
from workflows.hand.places import HandField, collections_of, places_of
from workflows.handed import HandAnswer, HandRecord, HandScan
from workflows.register.model import SourceSpec
from workflows.rules.identifiers import clean

MOST_RECORDS = 500
LONGEST_VALUE = 4000
LONGEST_NAME = 200
MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer in the making: `found` is None while nobody said whether there is anything."""

    answer: HandAnswer
    found: bool | None = None

    def to_json(self) -> bytes:
        """For sealing."""
        return json.dumps({"found": self.found, "answer": json.loads(self.answer.to_json())}).encode()

    @staticmethod
    def from_json(plain: bytes) -> "Draft":
        """The inverse of `to_json`."""
        data = json.loads(plain)
        return Draft(HandAnswer.from_json(json.dumps(data["answer"]).encode()), data["found"])

    def scans(self) -> dict[str, tuple[HandScan, ...]]:
        """Entry to its scans."""
        return {record.entry: record.scans for record in self.answer.records}


def blank(collection: str) -> HandRecord:
    """A record that nobody has filled in yet, with a number of its own."""
    return HandRecord(entry=secrets.token_hex(6), collection=collection, values={})


def with_scan(draft: Draft, entry: str, scan: HandScan) -> Draft:
    """The draft with one more scan at this record; raises `BadInput` where there is no such record."""
    if entry not in draft.scans():
        raise BadInput([Fault("file", "no_such_record")])
    records = tuple(
        replace(record, scans=(*record.scans, scan)) if record.entry == entry else record
        for record in draft.answer.records
    )
    return replace(draft, answer=replace(draft.answer, records=records))


def draft_of(spec: SourceSpec, given: Mapping[str, Any], before: Draft | None = None) -> Draft:
    """A draft of plain data as a form or a program gives it; scans stay with the records they belong to.

    `given`: found (bool or None), places, comment, records: [{entry, collection, whose, location, pages, values}].
    A record without a known entry is new. Raises `BadInput` for what can't even be kept as a draft.
    """
    known = before.scans() if before else {}
    raw = given.get("records") or []
    if not isinstance(raw, Sequence) or len(raw) > MOST_RECORDS:
        raise BadInput([Fault("records", "too_many_records")])
    records: list[HandRecord] = []
    for n, one in enumerate(raw):
        records.append(_record(spec, one, n, known=known, taken={r.entry for r in records}))
    places = tuple(p for p in places_of(spec) if p in (given.get("places") or ()))
    found = given.get("found")
    comment = _text(given.get("comment"), LONGEST_VALUE, where="comment")
    answer = HandAnswer(tuple(records), places, none=found is False, comment=comment)
    return Draft(answer, found if isinstance(found, bool) else None)


def _record(
    spec: SourceSpec, one: Any, n: int, *, known: Mapping[str, tuple[HandScan, ...]], taken: set[str]
) -> HandRecord:
    at = f"r{n}"
    forms = collections_of(spec)
    if not isinstance(one, Mapping):
        raise BadInput([Fault(at, "not_a_record")])
    collection = str(one.get("collection") or next(iter(forms)))
    if collection not in forms:
        raise BadInput([Fault(f"{at}.collection", "no_such_collection")])
    values = one.get("values") or {}
    names = {field.name for field in forms[collection]}
    if not isinstance(values, Mapping) or not set(values) <= names:
        raise BadInput([Fault(f"{at}.values", "no_such_field")])
    entry = str(one.get("entry") or "")
    entry = entry if entry in known and entry not in taken else secrets.token_hex(6)
    whose = str(one.get("whose") or Ownership.OWN.value)
    if whose not in {word.value for word in Ownership}:
        raise BadInput([Fault(f"{at}.whose", "not_allowed")])
    pages = str(one.get("pages") or "0").strip()
    if not (pages.isascii() and pages.isdigit() and int(pages[:9]) <= MOST_PAGES):
        raise BadInput([Fault(f"{at}.pages", "not_a_number")])
    return HandRecord(
        entry=entry,
        collection=collection,
        values={name: _text(values.get(name), LONGEST_VALUE, where=f"{at}.f.{name}") for name in sorted(names)},
        whose=Ownership(whose),
        location=_text(one.get("location"), LONGEST_NAME, where=f"{at}.location"),
        pages=int(pages),
        scans=known.get(entry, ()),
    )


def _text(value: Any, longest: int, *, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise BadInput([Fault(where, "not_a_text")])
    text = clean(str(value)).strip()
    if len(text) > longest:
        raise BadInput([Fault(where, "too_long")])
    return text


def whole(spec: SourceSpec, draft: Draft) -> HandAnswer:
    """The answer, if it is whole. Raises `BadInput` with every mistake: a partial answer never passes as one."""
    faults = list(_faults(spec, draft))
    if faults:
        raise BadInput(faults)
    return draft.answer


def _faults(spec: SourceSpec, draft: Draft) -> Iterator[Fault]:
    answer = draft.answer
    if draft.found is None:
        yield Fault("found", "say_found_or_none")
    elif draft.found is False:
        if answer.records:
            yield Fault("found", "none_with_records")
        if missing := [place for place in places_of(spec) if place not in answer.places]:
            yield Fault("places", "places_missing", ", ".join(missing))
    elif not answer.records:
        yield Fault("found", "found_without_records")
    if draft.found is not False:
        yield from _record_faults(spec, answer.records)


def _record_faults(spec: SourceSpec, records: Sequence[HandRecord]) -> Iterator[Fault]:
    forms = collections_of(spec)
    seen: set[tuple[str, ...]] = set()
    for n, record in enumerate(records):
        at, fields = f"r{n}", forms[record.collection]
        if not any(record.values.values()):
            yield Fault(f"{at}.f.{fields[0].name}", "record_empty")
            continue
        for field in fields:
            if code := _wrong(field, record.values.get(field.name, "")):
                yield Fault(f"{at}.f.{field.name}", code)
        if spec.kind == "paper" and not record.location.startswith(places_of(spec)):
            yield Fault(f"{at}.location", "location_missing")
        key = tuple(record.values.get(f.name, "") for f in fields if f.required)
        if key and (record.collection, *key) in seen:
            yield Fault(f"{at}.f.{next(f.name for f in fields if f.required)}", "key_twice")
        seen.add((record.collection, *key))


def _wrong(field: HandField, value: str) -> str:
    if not value:
        return "key_missing" if field.required else ""
    try:
        if field.kind == "date":
            date.fromisoformat(value)
            return "" if len(value) == 10 else "not_a_date"
        if field.kind == "integer":
            int(value)
        elif field.kind == "number":
            float(value.replace(",", "."))
    except ValueError:
        return "not_a_date" if field.kind == "date" else "not_a_number"
    return ""
