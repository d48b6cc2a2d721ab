"""Render the package, seal it, and tell the person that it can be fetched. No personal data goes by mail."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from models.request import DataKey, Request
from models.step import Step
from models.vocabulary import Event, Kind, Letter, Outcome, Ownership, Right
from workflows import audit
from workflows.acting import asked_about, require_live
from workflows.answer import PACKAGE, keep_artifact
from workflows.casefile import findings_of, open_key, open_proof
from workflows.caseview import case_facts, filling, source_facts
from workflows.errors import VastineError
from workflows.findings import read_items
from workflows.guarding import require_no_open_case
from workflows.notice import require_no_objection
from workflows.ports import CaseFacts, RequestKey
from workflows.rules.items import Item
from workflows.runtime import Runtime
from workflows.withholding import told_of_withheld, withheld
from workflows.work import Lease, NewStep


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be rendered, and where it goes."""

    case: CaseFacts
    key: RequestKey
    blobs: Mapping[str, str | None]
    blob: str
    found: int
    template: str
    withheld: frozenset[str] = frozenset()  # categories that are held back
    wanted: Callable[[Item], bool] | None = None  # what was asked for; None: all


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made."""

    digest: bytes
    size: int
    items: int
    wrapped: bytes  # the package's own key, as the master key `master` wrapped it
    master: str


class Counting:
    """A binary writer that passes bytes on and knows their digest and number. Not seekable, like the blob it feeds."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._hash, self.size = out, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        """Pass on."""
        self._hash.update(data)
        self.size += len(data)
        return self._out.write(data)

    def flush(self) -> None:
        """Pass on."""
        self._out.flush()

    def digest(self) -> bytes:
        """SHA-256 of all that was written."""
        return self._hash.digest()


def _given(rt: Runtime, order: Order, blob: str | None) -> Iterator[Item]:
    """What may be given out of a finding."""
    given = (item for item in read_items(rt, order.key, blob) if item.category not in order.withheld)
    return given if order.wanted is None else filter(order.wanted, given)


def begin(session: Session, rt: Runtime, request: Request) -> Sequence[NewStep]:  # noqa: ARG001
    """One step: the whole package, once the person on file has had time to object."""
    return [NewStep(key="deliver", kind=Kind.DELIVER, run_at=request.objection_until)]


class Delivery:
    """The stage: from findings to a package the person can fetch."""

    def prepare(self, session: Session, rt: Runtime, request: Request, step: Step) -> Order:
        """The facts of the case and where its records lie."""
        require_no_objection(session, rt, request)
        require_no_open_case(session, request)
        key = open_key(session, rt, request.data_key_id)
        require_live(session, rt, request, key)
        known = findings_of(session, request).values()
        findings = [f for f in known if request.sources is None or f.source in request.sources]
        case = case_facts(rt, request, key, sources=source_facts(session, rt, request, findings=findings))
        back = withheld(session, request)
        extra = filling(session, request) | told_of_withheld(rt, request, key, back)
        case = replace(case, extra={**case.extra, **extra})
        expires = rt.today() + timedelta(days=rt.register.controller.delivery.link_days)
        case = replace(case, identifiers=open_proof(key, request).told(), link_expires_on=expires)
        letter = Letter.PORTABILITY if request.right is Right.PORTABILITY else Letter.ACCESS
        return Order(
            case=case,
            key=key,
            blobs={f.source: f.blob for f in findings},
            blob=f"{request.id}/package.{uuid.uuid4().hex}",
            found=sum(f.ownerships.get(word.value, 0) for f in findings for word in (Ownership.OWN, Ownership.SHARED)),
            template=rt.documents.template(letter, request.language),
            withheld=frozenset(row.category for row in back),
            wanted=asked_about(request, open_proof(key, request), known=rt.register.categories),
        )

    def work(self, rt: Runtime, lease: Lease, inputs: Order) -> Made:
        """Write the package, streaming from sealed blobs into a blob sealed under a key of its own."""
        items: dict[str, Callable[[], Iterator[Item]]] = {
            source: partial(_given, rt, inputs, blob) for source, blob in inputs.blobs.items()
        }
        master = rt.vault.master_key
        wrapped, own = rt.vault.new_key()
        with rt.blobs.write(inputs.blob, own) as out:
            counting = Counting(out)
            summary = rt.documents.package(
                inputs.case,
                items,
                cast("BinaryIO", counting),
                open_file=lambda name: rt.blobs.read(name, inputs.key),
            )
        return Made(counting.digest(), counting.size, summary.items, wrapped, master)

    def settle(
        self, session: Session, rt: Runtime, request: Request, step: Step, inputs: Order, result: Made
    ) -> Event | None:
        """Register the package with its own key, and put the notice with its link into the outbox."""
        require_live(session, rt, request, inputs.key)  # writing it took a while
        own = DataKey(master_key=result.master, wrapped=result.wrapped, created_at=rt.now())
        session.add(own)
        session.flush()  # the package names it
        keep_artifact(
            session,
            rt,
            request,
            name=PACKAGE,
            media_type="application/zip",
            blob=inputs.blob,
            digest=result.digest,
            size=result.size,
            own=own,
            template=inputs.template,
        )
        request.outcome = Outcome.DELIVERED if inputs.found else Outcome.NOTHING_FOUND
        audit.record(
            session,
            "package:made",
            at=rt.now(),
            actor="vastine",
            request_id=request.id,
            facts={"bytes": result.size, "items": result.items, "sha256": result.digest.hex()},
        )
        return Event.DELIVERED

    def gave_up(self, session: Session, rt: Runtime, request: Request, step: Step, error: VastineError) -> Event | None:
        """The engine's task is enough."""
        return None
