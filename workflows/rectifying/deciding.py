"""A person finds the record that is meant, and decides item by item. Source: GDPR Art. 12(4), 16."""

import hashlib
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import Finding
from models.rectification import ItemDecision, RectificationItem, Remedy
from models.request import Request
from models.vocabulary import Ground, Ownership, RequestState, Role
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault, NotFound
from workflows.findings import AllItems
from workflows.fresh import manual_holds
from workflows.planning import verdicts
from workflows.ports import RequestKey
from workflows.rectifying.saying import is_whole, items_of, said_of, staff, target_of
from workflows.register.categories import category_of
from workflows.rules.code_in_text import has_identity_code
from workflows.rules.items import Item, Json, canonical
from workflows.runtime import Runtime

_WORKERS = (Role.CASEWORKER, Role.APPROVER, Role.DPO)
_DECIDERS = (Role.APPROVER, Role.DPO)


def point(
    session: Session,
    rt: Runtime,
    request: Request,
    item: RectificationItem,
    *,
    source: str,
    collection: str,
    locator: Mapping[str, Json],
    field: str,
    new: Json,
    user: str,
) -> None:
    """Say which field of which record is meant, and what shall stand there; None empties it.

    Only records that the search found and that are the person's own. Raises `NotFound`, `Conflict`, `BadInput`.
    """
    staff(session, user, _WORKERS)
    _deciding(request, item)
    found = _record(session, rt, request, source=source, collection=collection, locator=locator)
    if found.ownership is not Ownership.OWN or field in found.third_party:
        raise Conflict("not_theirs", detail="this is not the person's own record, or names somebody else")
    if field not in found.fields:
        raise BadInput([Fault("field", "field_unknown", f"one of {', '.join(sorted(found.fields))}")])
    empty = new is None or (isinstance(new, str) and not new.strip())
    if empty != (item.remedy is Remedy.ERASE) or (empty and new is not None):
        raise BadInput([Fault("new", "value_and_remedy", "a field to be erased has no new value, any other has one")])
    key = open_key(session, rt, request.data_key_id)
    target = {"locator": dict(locator), "old": found.fields[field], "new": new}
    item.source, item.collection, item.field = source, collection, field
    item.category = category_of(rt.register, source, collection, field=field)
    item.before_digest = bytes.fromhex(found.digest)
    item.target_sealed = key.seal(canonical(target).encode(), f"rectification_items.target:{item.id}")
    item.decision, item.decided_by, item.decided_at = None, None, None


def decide(
    session: Session,
    rt: Runtime,
    request: Request,
    item: RectificationItem,
    *,
    decision: ItemDecision,
    reason: str,
    user: str,
    ground: Ground | None = None,
    seen: str | None = None,
) -> None:
    """One person's word on one item; it can be changed until the whole is approved.

    `seen` is the item's `target_mark` as that person saw it; another one raises `Conflict("target_changed")`. What
    the law wants kept as it is, such as a voucher, is not altered: it can be noted or refused only. Raises
    `Conflict("held")` there, `BadInput` where the item is not whole or a reason is missing.
    """
    staff(session, user, _DECIDERS)
    _deciding(request, item)
    if seen is not None and seen != target_mark(item):
        raise Conflict("target_changed", detail="what this item changes was chosen anew; look again")
    key = open_key(session, rt, request.data_key_id)
    if decision is ItemDecision.CHANGE:
        if not is_whole(item, said_of(key, item)):
            raise BadInput([Fault("item", "item_not_whole", "ask the person for what is missing first")])
        if item.target_sealed is None:
            raise BadInput([Fault("item", "no_target", "say which record is meant first")])
        _once(session, key, request, item)
        require_free(session, rt, request, item)
    elif len(reason.strip()) < 10:
        raise BadInput([Fault("reason", "reason_missing", "write at least one sentence; the person reads it")])
    if has_identity_code(reason):
        raise BadInput([Fault("reason", "holds a personal identity code", "leave it out: it may stand in no letter")])
    if decision is ItemDecision.REFUSE and ground is None:
        raise BadInput([Fault("ground", "ground_missing", "choose the ground of the refusal")])
    item.decision, item.decided_by, item.decided_at = decision, user, rt.now()
    item.ground = ground.value if ground is not None and decision is ItemDecision.REFUSE else None
    sealed = key.seal(reason.strip().encode(), f"rectification_items.reason:{item.id}") if reason.strip() else None
    item.reason_sealed = sealed
    facts = {"item": item.item_no, "decision": decision.value}
    audit.record(session, "rectification:decided", at=rt.now(), actor=user, request_id=request.id, facts=facts)


def target_mark(item: RectificationItem) -> str:
    """What stands for the record, field and value that are meant now, without saying anything about them."""
    return hashlib.sha256(item.target_sealed or b"").hexdigest()[:32]


def _deciding(request: Request, item: RectificationItem) -> None:
    if request.state is not RequestState.DECIDING or item.request_id != request.id or item.outcome is not None:
        raise Conflict("not_deciding", detail="there is nothing to decide about this item now")


def _record(
    session: Session, rt: Runtime, request: Request, *, source: str, collection: str, locator: Mapping[str, Json]
) -> Item:
    blob = session.scalar(select(Finding.blob).where(Finding.request_id == request.id, Finding.source == source))
    wanted = canonical(dict(locator))
    key = open_key(session, rt, request.data_key_id)
    for found in AllItems(rt, key, {source: blob}):
        if found.collection == collection and canonical(dict(found.locator)) == wanted:
            return found
    raise NotFound("record", detail="the search found no such record of this person")


def _once(session: Session, key: RequestKey, request: Request, item: RectificationItem) -> None:
    """Raise `Conflict("field_twice")` where another item changes the same field: one value of two would be lost."""
    for other in items_of(session, request):
        if other.id == item.id or other.decision is not ItemDecision.CHANGE or other.outcome is not None:
            continue
        same = (other.source, other.collection, other.field) == (item.source, item.collection, item.field)
        if same and canonical(target_of(key, other)["locator"]) == canonical(target_of(key, item)["locator"]):
            raise Conflict("field_twice", detail=f"item {other.item_no} changes this field already: note or refuse one")


def require_free(session: Session, rt: Runtime, request: Request, item: RectificationItem) -> None:
    """Raise `Conflict("held")` where a hold needs this very record as it is, or the field that is to be emptied.

    A rule says itself that what it holds may be put right meanwhile, as a contract in force wants right data.
    """
    key = open_key(session, rt, request.data_key_id)
    blobs = dict(session.execute(select(Finding.source, Finding.blob).where(Finding.request_id == request.id)).all())
    target = target_of(key, item)
    wanted = canonical(target["locator"])
    erased = item.remedy is Remedy.ERASE
    correctable = set() if erased else {rule.id for rule in rt.register.holds if rule.correctable}
    for planned in verdicts(rt, AllItems(rt, key, blobs), manual_holds(session, rt, request)):
        same = (planned.source, planned.collection) == (item.source, item.collection)
        if not same or canonical(dict(planned.locator)) != wanted:
            continue
        for hold in planned.verdict.holds:
            if hold.rule not in correctable and (not hold.keeps or (erased and item.field in hold.keeps)):
                raise Conflict("held", detail=f"{hold.rule} keeps this as it is: note what the person says, or refuse")
        return
    raise NotFound("record", detail="the search found no such record of this person")
