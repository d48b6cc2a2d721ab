"""The service of `tests.http_source` as a source of the register, in the variants that the tests want."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.vocabulary import Action, Ownership
from tests.connectors.shop import dataset, field, register, source
from tests.http_source import HttpSource
from workflows.connectors.erasing import plan_action
from workflows.connectors.http import HttpConnector
from workflows.errors import Fenced
from workflows.ports import EraseItem, Lead, Mark
from workflows.rules.items import Item

ENVIRON = {"TOKEN": "token-0", "SECRET": "s3cret", "KEY": "k3y"}

PAGES: Mapping[str, Mapping[str, Any]] = {
    "number": {"number": {"param": "page"}},
    "offset": {"offset": {"param": "offset", "size_param": "size", "size": 50}, "total": "meta.total"},
    "cursor": {"cursor": {"param": "cursor", "path": "meta.next"}},
    "next_url": {"next_url": "meta.url"},
    "link_header": {"link_header": True},
}

TICKETS: Mapping[str, Any] = {
    "find": [{"path": "/tickets?requester={identity:email}", "records": "items", "page": PAGES["cursor"]}],
    "one": {"path": "/tickets/{id}"},
    "delete": {"path": "/tickets/{id}"},
    "mask": {"path": "/tickets/{id}", "values": {"requester.name": "", "subject": None, "requester.email": ""}},
}
MESSAGES: Mapping[str, Any] = {
    "find": [{"path": "/tickets/{ticket_id}/messages", "answers": "believed"}],
    "one": {"path": "/tickets/{ticket_id}/messages/{no}"},
    "delete": {"path": "/tickets/{ticket_id}/messages/{no}"},
}
CALLS: Mapping[str, Any] = {
    "find": [{"path": "/calls?ani={ani}", "records": "items", "page": PAGES["cursor"]}],
    "one": {"path": "/calls/{id}"},
    "delete": {"path": "/calls/{id}"},
    "files": [{"url": "audio", "types": ["audio/wav"]}],
    "times": {"at": "epoch"},
}
MEMBERS: Mapping[str, Any] = {
    "find": [{"path": "/members/{hash}", "answers": "believed", "not_found": "none"}],
    "one": {"path": "/members/{hash}"},
    "delete": {"path": "/members/{hash}"},
    "spelled": {"hash": "sha256_lower"},
}

EMAIL = "user.contact.email"
FIELDS: Mapping[str, list[dict[str, Any]]] = {
    "tickets": [
        field("id", "system.operations", primary_key=True),
        {"name": "requester", "fields": [field("email", EMAIL, identity="email"), field("name", "user.name")]},
        field("subject", "user.content"),
        field("created"),
        {
            "name": "thread",
            "fields": [{"name": "author", "fields": [field("email", EMAIL)]}, field("text", "user.content")],
        },
    ],
    "messages": [
        field(
            "ticket_id",
            primary_key=True,
            references=[{"dataset": "service", "field": "tickets.id", "direction": "from"}],
        ),
        field("no", primary_key=True),
        field("text", "user.content"),
    ],
    "calls": [
        field("id", primary_key=True),
        field("ani", "user.contact.phone_number", identity="phone_number"),
        field("at"),
        field("audio", "user.biometric.voice"),
    ],
    "members": [
        field("hash", EMAIL, primary_key=True, identity="email"),
        field("status", "user.behavior"),
        field("topics", "user.behavior"),
    ],
}


class Notes:
    """The twin of `workflows.throttle.Marking`, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], tuple[str, str, int, datetime]] = {}

    def of(self, op_id: str) -> Mapping[int, Mark]:
        now = datetime.now(UTC)
        mine = {n: v for (op, n), v in self.kept.items() if op == op_id}
        return {n: Mark(state, note, (now - at).total_seconds()) for n, (state, note, _, at) in mine.items()}

    def set(self, op_id: str, item_no: int, state: str, *, fence: int, note: str = "") -> None:
        old = self.kept.get((op_id, item_no))
        if old is not None and old[2] > fence:
            raise Fenced
        self.kept[op_id, item_no] = (state, note, fence, datetime.now(UTC))

    def turn(self, source: str, *, per_second: float, burst: int, patience: float) -> None:
        """Always at once."""


def service(
    at: HttpSource,
    collections: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    person: Mapping[str, Any] | None = None,
    timeout_seconds: int = 5,
    marks: Notes | None = None,
    **connection: Any,
) -> HttpConnector:
    """A connector to the service; only these of its collections are described."""
    described = dict(collections or {"tickets": TICKETS, "messages": MESSAGES, "calls": CALLS, "members": MEMBERS})
    whole = {
        "base_url": at.url,
        "health": "/health",
        "allow_private": ["127.0.0.1"],
        "collections": described,
        **connection,
    }
    spec = source(
        "service",
        dataset({name: FIELDS[name] for name in described}, key="service"),
        kind="http",
        connection=whole,
        person=person or {"collections": {name: {"erase": "delete"} for name in described}},
        timeout_seconds=timeout_seconds,
    )
    connector = HttpConnector(spec, register=register(spec), environ=ENVIRON)
    connector._limiter, connector._marks = None, marks or Notes()
    return connector


def seeds(**identities: str) -> dict[str, list[Lead]]:
    """Seeds of proven identities."""
    return {f"identity:{k}": [Lead(v)] for k, v in identities.items()}


def collected(connector: HttpConnector, **identities: str) -> list[Item]:
    """All items of a person."""
    items: list[Item] = []
    connector.collect(seeds(**identities), items.append)
    return items


def named(items: list[Item]) -> list[str]:
    """ "collection/key" of each, in order."""
    return sorted(f"{i.collection}/{'-'.join(str(v)[:8] for v in i.locator.values())}" for i in items)


def to_erase(items: list[Item], connector: HttpConnector) -> list[EraseItem]:
    """The plan without holds."""
    plan: list[EraseItem] = []
    for item in items:
        action, fields = plan_action(connector._register, item)
        if item.ownership is not Ownership.THIRD_PARTY and action in (Action.DELETE, Action.MASK):
            plan.append(EraseItem(len(plan), item.collection, item.locator, action, fields, item.digest))
    return plan
