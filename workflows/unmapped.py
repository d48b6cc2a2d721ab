"""Columns that appeared in a source and that nobody described: whoever answers must hear of them.

A source is looked at once a day. Each new column that looks personal becomes one task, which stays away once a
person closed it and closes by itself once the column is described.
"""

import hashlib
from collections.abc import Mapping
from datetime import date

import structlog
from sqlalchemy import select

from models.staff import HumanTask
from models.vocabulary import TaskKind, TaskState
from workflows.errors import VastineError
from workflows.human import close_task, open_task
from workflows.ports import Discovers
from workflows.register.drift import Change, drift, undescribed
from workflows.register.model import SourceSpec
from workflows.runtime import Runtime

log = structlog.get_logger("vastine.unmapped")

CODE = "personal_column"


def changes_of(spec: SourceSpec, source: Discovers, *, today: date) -> list[Change]:
    """Every difference between a source and its description; only what nobody described is sampled."""
    found = source.discover()
    return drift(spec, found, source.look(undescribed(spec, found), today=today))


def watch_columns(rt: Runtime) -> int:
    """Open a task for each new personal-looking column of each source; how many were opened.

    A source that does not answer is left for tomorrow: its searches tell of that by themselves.
    """
    opened = 0
    for name, connector in sorted(rt.connectors.items()):
        if not isinstance(connector, Discovers):
            continue
        try:
            changes = changes_of(connector.spec, connector, today=rt.today())
        except VastineError as error:
            log.warning("columns.not_looked_at", source=name, code=error.code)
            continue
        opened += _file(rt, name, {_key(name, c): c for c in changes if c.personal})
    return opened


def _file(rt: Runtime, source: str, found: Mapping[str, Change]) -> int:
    """Open what is new, close what is described by now, leave what somebody looked at."""
    with rt.unit() as session:
        mine = [
            task
            for task in session.scalars(select(HumanTask).where(HumanTask.code == CODE))
            if task.facts.get("source") == source
        ]
        for task in mine:
            if task.state is TaskState.OPEN and task.key not in found:
                close_task(session, rt, task, by="vastine", answer="described")
        known = {task.key: task for task in mine}
        new = [key for key in found if key not in known or known[key].answer == "described"]
        for key in new:
            change = found[key]
            facts = {"source": source, "collection": change.collection, "field": change.field}
            open_task(session, rt, key=key, kind=TaskKind.CHECK, code=CODE, facts=facts)
    return len(new)


def _key(source: str, change: Change) -> str:
    """Names of columns may be long and odd; the key of a task is short."""
    address = f"{source}\0{change.collection}\0{change.field}"
    return f"column:{hashlib.sha256(address.encode()).hexdigest()[:40]}"
