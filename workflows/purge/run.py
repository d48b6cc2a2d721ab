"""One run of the purge: mark what is due, wait a week, let it go; stop where something looks wrong.

A run treats only what is still due, under a mark that is a week old. It goes no further by itself where the clock
may be wrong, or where more would go than a night should bring: then two people have to say that it is right.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.audit import AuditEntry
from models.purge import PurgeMark, PurgeStage
from models.vocabulary import TaskKind
from workflows import audit
from workflows.banning import ask_for_review
from workflows.errors import NotAllowed
from workflows.human import open_task
from workflows.purge.due import all_of, due
from workflows.purge.shredding import shred
from workflows.purge.tidying import tidy
from workflows.runtime import Runtime
from workflows.stages.decision import decider
from workflows.suppression import forget_lifted
from workflows.tombstones import forget_tombstones

WAIT = timedelta(days=7)
SILENCE = timedelta(days=7)
"""A clock that leaps less than `WAIT` lets nothing go early, since a mark has to grow as old; more is `SILENCE`."""

_TWO_MINUTES = timedelta(minutes=2)
_FEW = 10  # so many may always go: two in a hundred of a small number are none
_AT_ONCE = frozenset({PurgeStage.EVIDENCE, PurgeStage.PACKAGE})
"""Stages that wait for nobody: the decision was made, or the person was told the day."""


@dataclass(slots=True)
class Counted:
    """What a run did in one stage, or would do."""

    due: int = 0
    marked: int = 0
    gone: int = 0
    refused: bool = False  # more than a night should bring


@dataclass(slots=True)
class Report:
    """A run. `stopped` says why nothing went: the clock went back, or leapt."""

    stages: dict[PurgeStage, Counted] = field(default_factory=dict)
    stopped: str = ""
    tombstones: int = 0

    @property
    def waits(self) -> bool:
        """Whether people have to say something before the rest can go."""
        return bool(self.stopped) or any(counted.refused for counted in self.stages.values())


def purge(rt: Runtime, *, dry_run: bool = False, by: Sequence[str] = ()) -> Report:
    """Let go of what is due. `by`: two different people who may decide, where a run alone may not go on.

    Raises `NotAllowed` for anybody else, or for one person named twice.
    """
    with rt.unit() as session:
        two = _two_people(session, by)
        report = Report(stopped=clock_fault(session, rt))
    if report.stopped == "clock_leap" and two:
        report.stopped = ""
    for stage in PurgeStage:
        report.stages[stage] = _stage(rt, stage, dry_run=dry_run or bool(report.stopped), two=two)
    if dry_run:
        return report
    with rt.unit() as session:
        if report.waits:
            _ask(session, rt, report)
        if not report.stopped:
            report.tombstones = forget_tombstones(session, rt.today())
            facts: dict[str, Any] = {
                s.value: [c.marked, c.gone] for s, c in report.stages.items() if c.marked or c.gone
            }
            lifted = forget_lifted(
                session, before=rt.now() - timedelta(days=rt.register.controller.own_records.cases.days)
            )
            if lifted:
                facts["bans"] = [0, lifted]
            ask_for_review(session, rt)
            actor = "+".join(sorted(by)) or "vastine"
            audit.record(session, "purge:done", at=rt.now(), actor=actor[:64], facts=facts)
    if any(counted.gone for counted in report.stages.values()):
        tidy(rt)
    return report


def clock_fault(session: Session, rt: Runtime) -> str:
    """Why the clock can't be trusted with what is for good: `clock_back` or `clock_leap`; "" where it can.

    A purge is run every night, so the last one is not long ago; the first may be any time.
    """
    last: datetime | None = session.scalar(
        select(func.max(AuditEntry.at)).where(AuditEntry.chain == audit.HOUSE, AuditEntry.event == "purge:done")
    )
    if last is None:
        return ""
    if last > rt.now() + _TWO_MINUTES:
        return "clock_back"
    return "clock_leap" if rt.now() - last > SILENCE else ""


def _two_people(session: Session, by: Sequence[str]) -> bool:
    if not by:
        return False
    for name in by:
        decider(session, name)
    if len(set(by)) < 2:
        raise NotAllowed("two_people", detail="two different people have to say so")
    return True


def _stage(rt: Runtime, stage: PurgeStage, *, dry_run: bool, two: bool) -> Counted:
    with rt.unit() as session:
        now_due = set(session.scalars(due(rt, stage)))
        if stage in _AT_ONCE:
            ripe = now_due
            counted = Counted(due=len(now_due))
        else:
            marks = {
                mark.record_id: mark.marked_at
                for mark in session.scalars(
                    select(PurgeMark).where(PurgeMark.stage == stage, PurgeMark.gone_at.is_(None))
                )
            }
            ripe = {i for i, at in marks.items() if i in now_due and at <= rt.now() - WAIT}
            counted = Counted(due=len(now_due), marked=len(now_due - marks.keys()))
            if not dry_run:
                _mark(session, rt, stage, new=now_due - marks.keys(), over=marks.keys() - now_due)
        total = session.scalar(all_of(stage)) or 0
    own = rt.register.controller.own_records
    most = min(own.most, max(_FEW, total * own.percent // 100))
    if stage not in _AT_ONCE and len(ripe) > most and not two:
        counted.refused = True
        return counted
    counted.gone = len(ripe) if dry_run else sum(_let_go(rt, stage, ident) for ident in sorted(ripe))
    return counted


def _mark(
    session: Session, rt: Runtime, stage: PurgeStage, *, new: Collection[uuid.UUID], over: Collection[uuid.UUID]
) -> None:
    session.execute(
        delete(PurgeMark)
        .where(PurgeMark.stage == stage, PurgeMark.gone_at.is_(None), PurgeMark.record_id.in_(over))
        .execution_options(synchronize_session=False)
    )
    for ident in new:
        session.merge(PurgeMark(stage=stage, record_id=ident, marked_at=rt.now(), gone_at=None))


def _let_go(rt: Runtime, stage: PurgeStage, ident: uuid.UUID) -> bool:
    with rt.unit() as session:
        table = due(rt, stage)
        still = session.scalar(table.where(table.selected_columns[0] == ident))
        if still is None:
            return False
        shred(session, rt, stage, ident)
        mark = session.get(PurgeMark, (stage, ident))
        if mark is not None:
            mark.gone_at = rt.now()
    return True


def _ask(session: Session, rt: Runtime, report: Report) -> None:
    """A person has to look; the run said nothing for good."""
    code = report.stopped or "purge_too_much"
    refused = [stage.value for stage, counted in report.stages.items() if counted.refused]
    open_task(session, rt, key=f"purge:{code}", kind=TaskKind.CHECK, code=code, facts={"stages": refused})
    audit.record(session, "purge:refused", at=rt.now(), actor="vastine", facts={"code": code, "stages": refused})
