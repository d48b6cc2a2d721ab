"""The people of the demo's paper archive: one looks and shreds, another looks again; they know what lies where."""

import threading
import uuid
from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import TaskState
from workflows.casefile import open_key, seeds_digest
from workflows.demo.cast_channels import PAPERS, Paper
from workflows.demo.planting import customer_number
from workflows.errors import VastineError
from workflows.hand import erasing, searching
from workflows.hand.answers import Draft, draft_of
from workflows.hand.orders import ERASE, items_of
from workflows.hand.places import places_of
from workflows.runtime import Runtime

LOOKS, LOOKS_AGAIN = "kaspar", "anneli"
_PAUSE_SECONDS = 1.0


class Clerk:
    """Does what is asked of people by hand, as staff would on the console's pages."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def work(self) -> int:
        """Every open task of theirs; how many were done."""
        with self._rt.unit() as session:
            wanted = HumanTask.code.in_((searching.SEARCH, ERASE)), HumanTask.state == TaskState.OPEN
            rows = session.execute(select(HumanTask.id, HumanTask.request_id, HumanTask.code).where(*wanted))
            due = [(ident, request, code) for ident, request, code in rows if request is not None]
        for ident, request, code in due:
            with suppress(VastineError), self._rt.unit() as session:  # something moved on: it is looked at again
                (self._search if code == searching.SEARCH else self._erase)(session, ident, request)
        return len(due)

    def keep_working(self, stop: threading.Event) -> None:
        """Look for work until told to stop."""
        while not stop.wait(_PAUSE_SECONDS):
            self.work()

    def _search(self, session: Session, ident: uuid.UUID, request_id: uuid.UUID) -> None:
        request = session.get_one(Request, request_id, with_for_update=True)
        task = session.get_one(HumanTask, ident)
        source = str(task.facts["source"])
        search = searching.search_of(session, request, source)
        if search is None:
            return
        key = open_key(session, self._rt, request.data_key_id)
        seeds = searching.current_seeds(session, self._rt, request, key, source=source)
        shown = {lead.value for leads in seeds.values() for lead in leads}
        papers = [p for p in PAPERS if str(customer_number(p.member)) in shown]
        before = searching.draft_of(search, key)
        spec = self._rt.register.sources[source]
        given: dict[str, Any] = {
            "found": bool(papers),
            "places": [] if papers else list(places_of(spec)),
            "records": [self._record(paper, before) for paper in papers],
        }
        searching.answer(
            session, self._rt, request, task, draft=draft_of(spec, given, before), revision=search.revision,
            asked=seeds_digest(seeds).hex(), by=LOOKS,
        )  # fmt: skip

    def _record(self, paper: Paper, before: Draft) -> dict[str, Any]:
        """The paper as it goes into the form; one that was written down before stays the same record."""
        values = {"asnro": str(customer_number(paper.member)), "sisalto": paper.content}
        if paper.ended is not None:
            values["paattynyt"] = paper.ended.on(self._rt.today()).isoformat()
        known = (r.entry for r in before.answer.records if r.values.get("sisalto") == paper.content)
        return {
            "entry": next(known, ""),
            "collection": "muistilappu" if paper.ended is None else "sopimuspaperi",
            "location": paper.where,
            "pages": str(paper.pages),
            "values": values,
        }

    def _erase(self, session: Session, ident: uuid.UUID, request_id: uuid.UUID) -> None:
        request = session.get_one(Request, request_id, with_for_update=True)
        task = session.get_one(HumanTask, ident)
        key = open_key(session, self._rt, request.data_key_id)
        for item in items_of(session, key, task):
            number = item.row.item_no
            erasing.tick(session, self._rt, request, task, item_no=number, evidence="shredded", by=LOOKS)
            session.flush()
            erasing.confirm(session, self._rt, request, task, item_no=number, looked=True, by=LOOKS_AGAIN)
