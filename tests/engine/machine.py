"""Everything that can happen to the engine, in any order: a machine that Hypothesis drives.

No bell ever rings here: whatever the machine shows is true although every one of them was lost.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import select

from models.holds import ManualHold
from models.request import Request
from models.step import Step
from models.vocabulary import Channel, Ground, RequestState, Right, StepState
from tests.engine.invariants import Watch, clear, contents, fingerprint, wait_for_people
from tests.fakes import NOON
from tests.world import BILLING, BOB, EVE, JANE, SHOP, STAFF, World, fill_source
from workflows import engine, mailroom, manual_holds, post, reminding, repair, sweeps
from workflows.errors import Conflict, SourceDown, VastineError
from workflows.messages import WORK
from workflows.stages import collection, decision, verification

BORDERS = ("claimed", "worked", "settling", "settled", "intended", "erased")
MAIL = (
    b"From: Jane <jane@shop.example>\r\nTo: office@shop.example\r\nMessage-ID: <%d@elsewhere.example>\r\n"
    b"Subject: My data\r\n\r\nPlease send me a copy of all data that you hold about me. "
    b"My e-mail is jane@shop.example.\r\n"
)


class Killed(BaseException):
    """The process died here: nothing catches it, and what was not committed never was."""


class Failpoints:
    """A border at which the process dies, once."""

    def __init__(self) -> None:
        self.at = ""

    def __call__(self, name: str) -> None:
        if name == self.at:
            self.at = ""
            raise Killed(name)


class Switched:
    """A real connector behind a switch: while it is off, the source does not answer."""

    def __init__(self, real: Any) -> None:
        self.real, self.down = real, False

    def __getattr__(self, name: str) -> Any:
        if self.down and name in {"collect", "collect_on", "erase", "find", "present", "preview", "health"}:
            raise SourceDown("source_down")
        return getattr(self.real, name)


def _numbers() -> Iterator[uuid.UUID]:
    return (uuid.UUID(int=(0xABC << 80) + number) for number in count(1))


def with_switches(world: World) -> World:
    """The same world with failpoints, and sources that can be switched off."""
    switched = {name: Switched(real) for name, real in world.rt.connectors.items()}
    world.rt = replace(world.rt, failpoint=Failpoints(), connectors=switched)
    return world


class EngineMachine(RuleBasedStateMachine):
    """Requests, workers, people, sources and time, each doing what it likes."""

    requests = Bundle("requests")
    claims = Bundle("claims")

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.rt = world, world.rt
        self.watch = Watch()

    @initialize()
    def begin(self) -> None:
        """A new database and full sources."""
        # Ties are broken by id: with random ones the same rules would not tell the same story again.
        self.ids = patch("uuid.uuid4", _numbers().__next__)
        self.ids.start()
        clear(self.world)
        for source, script in (("shop", SHOP), ("billing", BILLING)):
            inserts = ";".join(s for s in script.split(";") if s.strip().startswith("INSERT"))
            fill_source(self.world.environ[f"{source.upper()}_URL"], inserts)
        self.world.clock.set(NOON)
        self.world.mailer.sent.clear()
        self.rt.failpoint.at = ""
        self._switch(down=False)
        self.watch.learn(self.world)

    def _switch(self, *, down: bool, source: str = "") -> None:
        for name, connector in self.rt.connectors.items():
            connector.down = down and source in ("", name)

    @contextmanager
    def _may_be_refused(self) -> Iterator[None]:
        """What is refused with an error of ours has written nothing."""
        before = fingerprint(self.world)
        try:
            yield
        except VastineError:
            assert fingerprint(self.world) == before, "what was refused left a trace"

    @contextmanager
    def _locked(self, ident: uuid.UUID) -> Iterator[tuple[Any, Request]]:
        with self.rt.unit() as session:
            yield session, session.get_one(Request, ident, with_for_update=True)

    # People who ask

    @rule(
        target=requests,
        right=st.sampled_from([Right.ERASURE, Right.ERASURE, Right.ACCESS]),
        who=st.sampled_from([JANE, BOB, EVE, "nobody@shop.example"]),
        desk=st.booleans(),
    )
    def ask(self, right: Right, who: str, desk: bool) -> Any:
        """A request at the desk or through the portal."""
        if len(self.watch.opened) >= 4:
            return multiple()
        ident = self.world.open(right, who, desk=desk, channel=Channel.DESK if desk else Channel.PORTAL)
        self.watch.opened[ident] = right
        return ident

    @rule(number=st.integers(1, 2))
    def mail(self, number: int) -> None:
        """The same mail may come twice, and is one message."""
        first = mailroom.receive(self.rt, MAIL % number)
        again = mailroom.receive(self.rt, MAIL % number)
        assert again.message_id == first.message_id, "I2: one mail, two messages"
        assert not again.new
        assert set(again.references) <= set(first.references), "I2: one mail, two requests"

    @rule(ident=requests, right_one=st.booleans())
    def code(self, ident: uuid.UUID, right_one: bool) -> None:
        """The person types a code, the one from the mail or another."""
        post.send_all(self.rt)
        given = "00000000"
        for mail in self.world.mailer.sent:
            found = re.search(r"(?m)\b(\d{8})$", mail.body)
            if right_one and found and self.world.request(ident).reference in mail.subject:
                given = found[1]
        with self._locked(ident) as (session, request):
            proven = verification.answer(session, self.rt, request, given)
        assert right_one or not proven, "a wrong code proved somebody"

    @rule(ident=requests)
    def code_again(self, ident: uuid.UUID) -> None:
        """The person asks for another code."""
        with self._locked(ident) as (session, request):
            verification.again(session, self.rt, request)

    @rule(ident=requests)
    def withdraw(self, ident: uuid.UUID) -> None:
        """The person takes it back, if it is not too late."""
        with self._may_be_refused(), self._locked(ident) as (session, request):
            decision.withdraw(session, self.rt, request, actor="person")

    # Workers

    @rule(target=claims)
    def claim(self) -> Any:
        """A worker takes a step and does nothing yet."""
        claimed = engine.claim(self.rt, WORK)
        return multiple() if claimed is None else claimed

    @rule(claimed=claims)
    def run(self, claimed: engine.Claimed) -> None:
        """A worker runs what it took, maybe long ago, maybe again: a zombie changes nothing anywhere."""
        current = self._is_current(claimed)
        before = fingerprint(self.world), contents(self.world)
        engine.run(self.rt, claimed)
        if not current:
            assert (fingerprint(self.world), contents(self.world)) == before, "I4: a fenced worker changed something"

    def _is_current(self, claimed: engine.Claimed) -> bool:
        lease = claimed.lease
        with self.rt.unit() as session:
            step = session.get_one(Step, lease.step_id)
            return step.state is StepState.RUNNING and step.fence == lease.fence

    @rule(target=claims, claimed=claims)
    def run_and_follow(self, claimed: engine.Claimed) -> Any:
        """A worker goes on with the same request."""
        following = engine.run(self.rt, claimed, WORK)
        return multiple() if following is None else following

    @rule(claimed=claims, border=st.sampled_from(BORDERS))
    def die(self, claimed: engine.Claimed, border: str) -> None:
        """A worker dies at a border."""
        self.rt.failpoint.at = border
        try:
            engine.run(self.rt, claimed, WORK)
        except Killed:
            pass
        finally:
            self.rt.failpoint.at = ""

    @rule(border=st.sampled_from(BORDERS), hits=st.integers(1, 3))
    def drain_and_die(self, border: str, hits: int) -> None:
        """A worker drains until it dies at a border."""
        for _ in range(hits):
            self.rt.failpoint.at = border
            try:
                engine.drain(self.rt)
            except Killed:
                continue
            finally:
                self.rt.failpoint.at = ""

    @rule(twice=st.booleans())
    def drain(self, twice: bool) -> None:
        """A bell rings, once or twice."""
        for _ in range(1 + twice):
            engine.drain(self.rt)

    @rule(seconds=st.sampled_from([5, 61, 400]))
    def leases_expire(self, seconds: int) -> None:
        """Time passes and the sweep looks."""
        self.world.clock.advance(seconds=seconds)
        sweeps.sweep(self.rt)

    @rule(dies=st.booleans())
    def send(self, dies: bool) -> None:
        """The postman sends what is due; he may die between the handing over and the note of it."""
        self.rt.failpoint.at = "mail_sent" if dies else ""
        try:
            post.send_all(self.rt)
        except Killed:
            self.watch.may_send_twice = True
        finally:
            self.rt.failpoint.at = ""

    # Staff

    @rule(ident=requests, user=st.sampled_from([*STAFF, "nobody"]), stale=st.booleans())
    def approve(self, ident: uuid.UUID, user: str, stale: bool) -> None:
        """Somebody approves: twice, without the right to, or a plan they saw long ago."""
        with self._may_be_refused(), self._locked(ident) as (session, request):
            decision.approve(session, self.rt, request, user=user, plan_hash="0" * 64 if stale else None)
            assert not stale, "I11: approved a plan that is not this one"
            assert user in ("anna", "ben"), "I11: somebody without the right to decide decided"

    @rule(ident=requests)
    def approve_by_all(self, ident: uuid.UUID) -> None:
        """Everybody who may approve does."""
        for user in ("anna", "ben"):
            with self._may_be_refused():
                self.world.approve(ident, user)

    @rule(ident=requests, user=st.sampled_from(["anna", "cleo"]))
    def refuse(self, ident: uuid.UUID, user: str) -> None:
        """Somebody refuses."""
        with self._may_be_refused(), self._locked(ident) as (session, request):
            reason = "There is no ground for it."
            decision.refuse(session, self.rt, request, user=user, ground=Ground.NO_GROUND, reason=reason)

    @rule(ident=requests)
    def extend(self, ident: uuid.UUID) -> None:
        """Two more months, once."""
        with self._may_be_refused(), self._locked(ident) as (session, request):
            decision.extend(session, self.rt, request, user="cleo", reason="complexity")

    @rule(ident=requests, days=st.sampled_from([1, 20]))
    def hold(self, ident: uuid.UUID, days: int) -> None:
        """Everything of this person is held for some days."""
        until = self.rt.today() + timedelta(days=days)
        placing = manual_holds.Placing(rule="H99", reason="legal_claim", until=until)
        with self._may_be_refused(), self._locked(ident) as (session, request):
            manual_holds.place(session, self.rt, request, placing, user="cleo")

    @rule(user=st.sampled_from(["anna", "ben", "cleo"]))
    def release(self, user: str) -> None:
        """Somebody wants a hold to end; two different people must."""
        with self.rt.unit() as session:
            holds = list(session.scalars(select(ManualHold.id).where(ManualHold.released_at.is_(None))))
        if holds:
            with self._may_be_refused(), self.rt.unit() as session:
                if manual_holds.release(session, self.rt, holds[0], user=user, reason="matter_closed"):
                    hold = session.get_one(ManualHold, holds[0])
                    assert hold.released_by != hold.release_second

    @rule()
    def set_going_again(self) -> None:
        """A person looks at everything that waits for one, and has it tried again."""
        with self.rt.unit() as session:
            stuck = session.execute(select(Step.id, Step.request_id).where(Step.state == StepState.NEEDS_HUMAN))
            found = stuck.all()
        for step_id, request_id in found:
            with self._locked(request_id) as (session, _):
                repair.requeue(session, self.rt, session.get_one(Step, step_id), user="cleo")

    @rule(ident=requests, source=st.sampled_from(["shop", "billing"]))
    def skip(self, ident: uuid.UUID, source: str) -> None:
        """A person answers without a source."""
        with self._may_be_refused(), self._locked(ident) as (session, request):
            if request.state is not RequestState.COLLECTING:
                raise Conflict
            collection.skip_source(session, self.rt, request, source, user="cleo")

    # Sources and time

    @rule(source=st.sampled_from(["shop", "billing"]), down=st.booleans())
    def source_goes(self, source: str, down: bool) -> None:
        """A source goes down or comes back."""
        self._switch(down=down, source=source)

    @rule(
        change=st.sampled_from(
            [
                ("shop", "UPDATE orders SET note = note || '!' WHERE customer_id = 1 OR customer_id = 2"),
                ("shop", "UPDATE customer SET name = name || 'x' WHERE id <= 2 AND name != 'poistettu'"),
                ("shop", "DELETE FROM orders WHERE id = 1"),
                ("billing", "UPDATE invoice SET owed = 0"),
                ("billing", "UPDATE invoice SET owed = 7 WHERE id = 71 OR id = 73"),
            ]
        )
    )
    def source_changes(self, change: tuple[str, str]) -> None:
        """Somebody else writes into a source."""
        self.world.execute(*change)
        self.watch.learn(self.world)

    @rule(number=st.integers(1, 3), customer=st.sampled_from(["1", "2"]))
    def event(self, number: int, customer: str) -> None:
        """Another system tells something about a person, or tells it again."""
        self.world.tell(customer, ident=str(number))

    @rule(days=st.sampled_from([1, 12, 31]))
    def days_pass(self, days: int) -> None:
        """Nights come, two schedules ring, everything is looked at twice."""
        self.world.clock.advance(days=days)
        reminding.remind(self.rt)
        sweeps.sweep(self.rt)
        assert reminding.remind(self.rt) == 0, "I17: reminded twice of one rung"
        sweeps.rechecks(self.rt, every=True)

    @invariant()
    def all_is_well(self) -> None:
        """The invariants, after every single thing that happened."""
        self.watch.check(self.world)

    def teardown(self) -> None:
        """In the end, with sources that answer, everything ends or waits for a person."""
        if not self.watch.rows:
            return
        try:
            self._come_to_rest()
        finally:
            self.ids.stop()

    def _come_to_rest(self) -> None:
        self.rt.failpoint.at = ""
        self._switch(down=False)
        for _ in range(12):
            self.world.clock.advance(seconds=4000)
            self.set_going_again()
            sweeps.sweep(self.rt)
            engine.drain(self.rt)
            post.send_all(self.rt)
        self.watch.check(self.world)
        assert not wait_for_people(self.world), "I6: something neither ends nor waits for a person"


__all__ = ["BORDERS", "EngineMachine", "Failpoints", "Killed", "Switched", "with_switches"]
