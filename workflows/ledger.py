"""The statements that every step costs, built once: building one costs more than PostgreSQL needs to answer it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Exists, ScalarSelect, SmallInteger, bindparam, exists, func, select, update
from sqlalchemy.orm import aliased

from models.request import DataKey, Request
from models.step import Step
from models.types import UTCDateTime
from models.vocabulary import StepState
from workflows import audit, gates
from workflows.messages import WORK

KEYS = "\n"
"""Parts the keys of a request's steps; no key has one."""
OPEN = (StepState.READY, StepState.RUNNING, StepState.WAITING, StepState.NEEDS_HUMAN)
"""A step in one of these may still do something; in any other it is over for good."""
_OTHER = aliased(Step)
_NOW: BindParameter[datetime] = bindparam("now", type_=UTCDateTime)
LOCK = (
    select(Request, DataKey)
    .join(DataKey, DataKey.id == Request.data_key_id)
    .where(Request.id == bindparam("this"))
    .with_for_update(of=Request)
    .execution_options(populate_existing=True, autoflush=False)
)
"""The request `this` with its row lock, as it is once the lock is held, and its key."""
DUE = (
    select(Step.id, Step.source, Step.bucket, Step.rank, Step.run_at, gates.watched(Step.source).label("watched"))
    .where(Step.kind == bindparam("kind"), Step.state == StepState.READY, Step.run_at <= _NOW)
    .order_by(Step.bucket, Step.rank.desc(), Step.run_at, Step.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=Step)
)
"""The most urgent due step of a `kind`, locked; a kind at a time, so that the index alone answers."""


def _more_urgent(than: Any) -> Exists:
    # With the kinds named, the index alone answers, however many steps of the same bucket are waiting.
    return exists().where(
        _OTHER.kind.in_(WORK), _OTHER.state == StepState.READY, _OTHER.bucket < than, _OTHER.run_at <= _NOW
    )


def _of_request(what: Any, *which: Any) -> ScalarSelect[Any]:
    return select(what).where(_OTHER.request_id == bindparam("of"), *which).scalar_subquery()


URGENT = select(_more_urgent(bindparam("bucket", type_=SmallInteger)).label("urgent")).execution_options(
    autoflush=False
)
"""Whether anything of a lower bucket than `bucket` is due."""
TAKE = (
    update(Step)
    .where(Step.id == bindparam("this"))
    .values(
        state=StepState.RUNNING,
        fence=Step.fence + 1,
        attempts=Step.attempts + 1,
        crash_count=Step.crash_count + 1,
        lease_owner=bindparam("worker"),
        lease_until=bindparam("until", type_=UTCDateTime),
    )
    .returning(Step)
    .execution_options(populate_existing=True, synchronize_session=False)
)
"""Claim the step `this` for the `worker` until the lease is over."""
END = (
    update(Step)
    .where(Step.id == bindparam("this"), Step.fence == bindparam("last"), Step.state == StepState.RUNNING)
    .values(
        state=StepState.DONE,
        done_at=_NOW,
        lease_until=None,
        lease_owner=None,
        crash_count=0,
        error_class=None,
        error_code=None,
    )
    .returning(
        Step,
        audit.LAST_N.label("n"),
        audit.LAST_DIGEST.label("digest"),
        _more_urgent(bindparam("than", type_=SmallInteger)).label("urgent"),
        _of_request(func.aggregate_strings(_OTHER.key, KEYS)).label("keys"),
        _of_request(func.count(), _OTHER.state.in_(OPEN), _OTHER.id != bindparam("this")).label("others"),
    )
    .execution_options(populate_existing=True, synchronize_session=False, autoflush=False)
)
"""Write that the step `this` is done if `last` is still its fence; no row if it is not.

Read along: the last entry of the `chain`, whether anything of a lower bucket `than` this is due, the keys of all steps
`of` the request, and how many others of them are open. Parameters all of them: in a RETURNING, SQLite takes the columns
of the row that was written for those of the subquery.
"""
MINE = (
    select(
        Step.id,
        Step.kind,
        Step.source,
        _more_urgent(Step.bucket).label("urgent"),
        gates.watched(Step.source).label("watched"),
    )
    .where(
        Step.request_id == bindparam("request"),
        Step.state == StepState.READY,
        Step.kind.in_(bindparam("kinds", expanding=True)),
        Step.run_at <= _NOW,
    )
    .order_by(Step.run_at, Step.id)
    .limit(2)
    .with_for_update(skip_locked=True, of=Step)
)
"""Due steps of these kinds of one request, two at most, locked."""
