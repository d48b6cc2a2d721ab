"""Requests from a file, one line a person: looked at first, opened once however often the file is read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.intake import Message
from models.staff import StaffUser
from models.vocabulary import Channel, Role
from workflows.acting import Acting, Holder
from workflows.casefile import Claim
from workflows.errors import Fault, NotAllowed
from workflows.register.mandates import OTHER, mandate_kinds
from workflows.rules.bulk import Line, read_lines
from workflows.rules.items import canonical
from workflows.runtime import Runtime
from workflows.stages.intake import Asked, open_requests, requests_of, store

ENTERERS = (Role.INTAKE, Role.CASEWORKER, Role.DPO)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line, or would: opened, known (by an earlier reading), duplicate (of `of`) or wrong."""

    line: int
    state: str
    references: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    of: int | None = None


def import_lines(
    rt: Runtime, text: str, *, by: str, columns: Mapping[str, str] | None = None, dry_run: bool = False
) -> Iterator[Outcome]:
    """Open what the lines ask for, each line in a transaction of its own; with `dry_run` say what would be.

    Nobody is proven by it: identity is another matter. Raises `BadInput` before anything is opened where the file
    can't be read, `NotAllowed` for who may not enter requests.
    """
    with rt.unit() as session:
        _may_enter(session, by)
    known = {"mandates": tuple(mandate_kinds()), "categories": tuple(rt.register.categories)}
    lines = list(read_lines(text, columns=columns or {}, today=rt.today(), **known))
    keys: dict[str, Line] = {}
    said: dict[str, Line] = {}
    for line in lines:
        before = keys.setdefault(line.key, line)
        twin = said.setdefault(line.said, line) if not line.faults else line
        if line.faults:
            yield Outcome(line.number, "wrong", faults=line.faults)
        elif before is not line and before.fields != line.fields:
            yield Outcome(line.number, "wrong", faults=[_taken(f"line {before.number} has it")], of=before.number)
        elif twin is not line:
            yield Outcome(line.number, "duplicate", of=twin.number)
        else:
            yield _once(rt, line, by=by, dry_run=dry_run)


def _taken(where: str) -> Fault:
    return Fault("key", "key_taken", f"{where}; give each line a key of its own")


def _may_enter(session: Session, name: str) -> None:
    user = session.get(StaffUser, name)
    if user is None or user.disabled_at is not None or user.role not in ENTERERS:
        raise NotAllowed("role", detail="entering requests needs the role intake, caseworker or dpo")


def _once(rt: Runtime, line: Line, *, by: str, dry_run: bool) -> Outcome:
    try:
        return _enter(rt, line, by=by, dry_run=dry_run)
    except IntegrityError:  # the same line, by another process in this instant: it is in by now
        return _enter(rt, line, by=by, dry_run=dry_run)


def _enter(rt: Runtime, line: Line, *, by: str, dry_run: bool) -> Outcome:
    raw = canonical(dict(line.fields)).encode()
    ident, channel = f"import:{line.key}", Channel(line.channel)
    with rt.unit() as session:
        known = session.scalar(
            select(Message).where(Message.external_id == hashlib.sha256(ident.encode()).digest()).limit(1)
        )
        if known is not None:
            if known.body_digest != hashlib.sha256(raw).digest():
                return Outcome(line.number, "wrong", faults=[_taken("it was opened from another file")])
            return Outcome(line.number, "known", [r.reference for r in requests_of(session, known)])
        if dry_run:
            return Outcome(line.number, "opened")
        message, _ = store(session, rt, channel=channel, external_id=ident, raw=raw)
        opened = open_requests(session, rt, _asked(line, by), message=message)
        return Outcome(line.number, "opened", [one.request.reference for one in opened])


def _asked(line: Line, by: str) -> list[Asked]:
    form = line.form
    if form is None:
        return []
    claim = Claim(
        name=form.name,
        reply_to=line.reply_to,
        identifiers=form.identifiers,
        text=form.message,
        for_another=form.on_behalf,
    )
    return [
        Asked(
            right=right,
            language=form.language,
            channel=Channel(line.channel),
            claim=claim,
            received_on=form.received_on,
            by=by,
            categories=form.categories,
            acting=_acting(line),
        )
        for right in form.rights
    ]


def _acting(line: Line) -> Acting | None:
    told = line.fields.get
    holder = Holder(told("mandate_name", ""), told("mandate_email", ""), told("mandate_phone", ""))
    if not (told("mandate") or line.until or holder != Holder()):
        return None
    return Acting(told("mandate") or OTHER, holder, line.until)
