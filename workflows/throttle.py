"""How often and how many at a time sources are called by all workers together, and what they were asked to do.

Both are kept in the database, so that they hold for every worker and outlive each of them. A turn is one statement:
it moves the source's next due call on, or changes nothing where the caller would have to wait too long.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql.dml import ReturningUpdate

from models.source import SourceLimit, SourceMark, SourceSlot
from workflows.errors import Fenced, WaitFor
from workflows.exchange import Mark

SLOT_SECONDS = 120.0
_FARTHEST = 86_400.0
"""A due call farther away than this was written by a clock that went wrong."""
_KEPT = timedelta(days=90)
_NONCE = 12
Sleep = Callable[[float], None]


class Throttle:
    """Turns and places at sources; implements `ports.Limiter`."""

    def __init__(
        self, sessions: sessionmaker[Session], now: Callable[[], datetime], *, sleep: Sleep = time.sleep
    ) -> None:
        self._sessions, self._now, self._sleep = sessions, now, sleep

    def turn(self, source: str, *, per_second: float, burst: int, patience: float) -> None:
        """Wait until this source may be called once more, `patience` seconds at most, and count the call.

        Raises `WaitFor("rate")` with `after_seconds` where it would take longer; then nothing is counted.
        """
        step = 1.0 / per_second
        now = self._now().timestamp()
        far = (SourceLimit.due <= now) | (SourceLimit.due > now + _FARTHEST)
        due = case((far, now), else_=SourceLimit.due)
        early = step * (burst - 1)
        take = (
            update(SourceLimit)
            .where(SourceLimit.source == source, due - now <= early + patience)
            .values(due=due + step)
            .returning(SourceLimit.due)
            .execution_options(synchronize_session=False)
        )
        next_due = self._taken(source, take)
        if next_due is None:
            raise WaitFor("rate", after_seconds=max(1.0, self._due(source) - now - early))
        wait = next_due - step - early - now
        if wait > 0:
            self._sleep(wait)

    def _taken(self, source: str, take: ReturningUpdate[float]) -> float | None:
        """When the call after this one is due; None where it was too early. A source's first call makes its row."""
        with self._sessions.begin() as session:
            next_due = session.scalar(take)
            known = next_due is not None or session.get(SourceLimit, source) is not None
        if next_due is None:
            if not known:
                self._begin(source)
            # Once more: a row that another worker made after our statement was none that it could have moved on.
            with self._sessions.begin() as session:
                next_due = session.scalar(take)
        return next_due

    def _due(self, source: str) -> float:
        with self._sessions.begin() as session:
            return session.scalar(select(SourceLimit.due).where(SourceLimit.source == source)) or 0.0

    def _begin(self, source: str) -> None:
        try:
            with self._sessions.begin() as session:
                session.execute(insert(SourceLimit).values(source=source, due=0.0))
        except IntegrityError:
            return  # another worker was first

    @contextmanager
    def place(self, source: str, slots: int) -> Iterator[Callable[[], None]]:
        """Hold one of the source's places while the block runs; the block calls what it is given to keep it.

        Raises `WaitFor("slots")` where all are taken. The place of a worker that died is free after two minutes.
        """
        holder = secrets.token_hex(16)
        if not self._enter(source, slots, holder):
            raise WaitFor("slots", after_seconds=2.0)
        kept = [time.monotonic()]

        def keep() -> None:
            if time.monotonic() - kept[0] > SLOT_SECONDS / 4:
                kept[0] = time.monotonic()
                self._extend(holder, SLOT_SECONDS)

        try:
            yield keep
        finally:
            self._extend(holder, -1.0)

    def _enter(self, source: str, slots: int, holder: str) -> bool:
        now = self._now().timestamp()
        gone = (SourceSlot.until < now) | (SourceSlot.until > now + _FARTHEST)
        with self._sessions.begin() as session:
            known = set(session.scalars(select(SourceSlot.slot).where(SourceSlot.source == source)))
            free = session.scalar(
                select(SourceSlot.slot)
                .where(SourceSlot.source == source, SourceSlot.slot < slots, gone)
                .order_by(SourceSlot.until)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if free is not None:
                session.execute(
                    update(SourceSlot)
                    .where(SourceSlot.source == source, SourceSlot.slot == free)
                    .values(until=now + SLOT_SECONDS, holder=holder)
                )
                return True
        for slot in sorted(set(range(slots)) - known):
            try:
                with self._sessions.begin() as session:
                    row = {"source": source, "slot": slot, "until": now + SLOT_SECONDS, "holder": holder}
                    session.execute(insert(SourceSlot).values(row))
            except IntegrityError:
                continue  # another worker made and took it
            return True
        return False

    def _extend(self, holder: str, seconds: float) -> None:
        until = self._now().timestamp() + seconds
        with self._sessions.begin() as session:
            session.execute(update(SourceSlot).where(SourceSlot.holder == holder).values(until=until))


class Marking:
    """What sources were asked to do, item by item; implements `ports.Marks`. Notes are sealed with `key`."""

    def __init__(self, sessions: sessionmaker[Session], now: Callable[[], datetime], *, key: bytes) -> None:
        self._sessions, self._now, self._cipher = sessions, now, AESGCM(key)

    def of(self, op_id: str) -> Mapping[int, Mark]:
        """The marks of one operation by item number."""
        with self._sessions.begin() as session:
            rows = session.scalars(select(SourceMark).where(SourceMark.op_id == op_id)).all()
            now = self._now()
            return {row.item_no: Mark(row.state, self._open(row), (now - row.at).total_seconds()) for row in rows}

    def set(self, op_id: str, item_no: int, state: str, *, fence: int, note: str = "") -> None:
        """Write a mark, committed when this returns. Raises `Fenced` where a later worker wrote one."""
        now = self._now()
        sealed = self._seal(op_id, item_no, note) if note else None
        values = {"state": state, "fence": fence, "note_sealed": sealed, "at": now}
        with self._sessions.begin() as session:
            row = session.get(SourceMark, (op_id, item_no), with_for_update=True)
            if row is None:
                session.execute(delete(SourceMark).where(SourceMark.at < now - _KEPT))
                session.add(SourceMark(op_id=op_id, item_no=item_no, **values))
            elif row.fence > fence:
                raise Fenced
            else:
                for name, value in values.items():
                    setattr(row, name, value)

    def _seal(self, op_id: str, item_no: int, note: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, note.encode(), _where(op_id, item_no))

    def _open(self, row: SourceMark) -> str:
        if row.note_sealed is None:
            return ""
        nonce, sealed = row.note_sealed[:_NONCE], row.note_sealed[_NONCE:]
        try:
            return self._cipher.decrypt(nonce, sealed, _where(row.op_id, row.item_no)).decode()
        except InvalidTag:
            return ""  # of another installation's key: as good as unknown


def _where(op_id: str, item_no: int) -> bytes:
    return f"source_marks.note_sealed:{op_id}:{item_no}".encode()
