"""Play the stories through the real doors while the embedded worker does the work: form, mailbox, code, people."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import exists, select

from models.delivery import Outbox
from models.request import Request
from models.verification import Challenge
from models.vocabulary import Channel, Kind, Method, OutboxState, RequestState, StepState
from workers.demo.visitor import Visitor
from workflows.adapters.mail import kept_mails
from workflows.demo.stories import Story, eml
from workflows.errors import NeverAgain
from workflows.ladder import unproven
from workflows.mailroom import receive
from workflows.runtime import Runtime
from workflows.stages import decision, verification
from workflows.views import find_request, holds_of, show_request

_CODE = re.compile(r"(?m)^[^\n\d]*:\s*(\d{8}|\d{4} \d{4})\s*$")
_STATUS = re.compile(r"http://\S+/status/\S+")
_ENDED = (RequestState.CLOSED, RequestState.HELD)
_STUCK = (StepState.NEEDS_HUMAN,)
LONGEST_SECONDS = 600.0
_PAUSE_SECONDS = 0.2


@dataclass(slots=True)
class Playing:
    """One story on its way."""

    story: Story
    reference: str
    status_url: str = ""  # known at once after the form; from the acknowledgement after a mail
    proven: bool = False
    decided: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How a story ended, and what differs from what it promised."""

    story: Story
    reference: str
    shown: Mapping[str, Any]
    wrong: tuple[str, ...]


class Player:
    """Plays all the parts: the people who ask, and the staff who see them and decide."""

    def __init__(self, rt: Runtime, tell: Callable[[int, int], None]) -> None:
        self._rt, self._tell = rt, tell
        self._opened = {Channel.PORTAL: self._by_form, Channel.EMAIL: self._by_mail}

    def play(self, stories: Sequence[Story]) -> dict[str, str]:
        """Every story to its end; slug to reference. Raises `NeverAgain` if one stands still."""
        cast = [self._opened[story.channel](story) for story in stories]
        end = time.monotonic() + LONGEST_SECONDS
        while True:
            for one in cast:
                if not one.ended:
                    self._go_on(one)
            ended = sum(one.ended for one in cast)
            self._tell(ended, len(cast))
            if ended == len(cast) and not self._mail_waits():
                return {one.story.slug: one.reference for one in cast}
            if time.monotonic() > end:
                waiting = ", ".join(one.story.slug for one in cast if not one.ended) or "mail"
                raise NeverAgain("demo_stands", detail=f"these do not go on: {waiting}")
            time.sleep(_PAUSE_SECONDS)

    def _by_form(self, story: Story) -> Playing:
        answers = {**story.identity, "right": story.right.value}
        url = Visitor(self._rt.settings.public_url).ask(f"/{story.language}/request", answers)
        return Playing(story, urlsplit(url).path.split("/")[-2], url)

    def _by_mail(self, story: Story) -> Playing:
        received = receive(self._rt, eml(story, self._rt.now()))
        if len(received.references) != 1:
            raise NeverAgain("demo_mail", detail=f"the mail of {story.slug} was not understood ({received.why})")
        return Playing(story, received.references[0])

    def _go_on(self, one: Playing) -> None:
        with self._rt.unit() as session:
            request = find_request(session, one.reference)
            state = request.state
            asked = session.scalar(select(exists().where(Challenge.request_id == request.id)))
        if state in _ENDED:
            one.ended = True
        elif state is RequestState.VERIFYING and not one.proven:
            if one.story.verified is Method.CODE:
                self._type_code(one)
            elif one.story.verified is Method.DESK or asked:
                self._at_the_desk(one)
        elif state is RequestState.DECIDING and not one.decided:
            self._decide(one)

    def _type_code(self, one: Playing) -> None:
        mails = self._mails_of(one.reference)
        if not one.status_url:
            one.status_url = next((found[0] for text in mails if (found := _STATUS.search(text))), "")
        code = next((found[1] for text in mails if (found := _CODE.search(text))), "")
        if not one.status_url or not code:
            return
        visitor = Visitor(self._rt.settings.public_url)
        visitor.get(one.status_url)
        form = visitor.form_with("code")
        if form is None:
            raise NeverAgain("demo_form", detail="the status page asks for no code")
        visitor.send(form, {"code": code})
        one.proven = True

    def _mails_of(self, reference: str) -> list[str]:
        """The texts of the mails about a request, from the folder that nothing leaves."""
        texts = []
        for _, mail in kept_mails(self._rt.settings.outbox_dir):
            part = mail.get_body(("plain",))
            if part is not None and reference in str(mail["Subject"]):
                texts.append(str(part.get_content()))
        return texts

    def _at_the_desk(self, one: Playing) -> None:
        """Staff saw the person; or, where nobody ever proves to be them, staff close the request."""
        with self._rt.unit() as session:
            request = find_request(session, one.reference, lock=True)
            if one.story.verified is None:
                unproven.give_up(session, self._rt, request, actor="tuulikki")
            else:
                seen = {key: value for key, value in one.story.identity.items() if key != "name"}
                user = one.story.by
                verification.by_staff(session, self._rt, request, user=user, method=Method.DESK, identifiers=seen)
        one.proven = True

    def _decide(self, one: Playing) -> None:
        story = one.story
        for user in story.approvers[-1:] if story.refusal else story.approvers:
            with self._rt.unit() as session:
                request = find_request(session, one.reference, lock=True)
                if story.refusal:
                    ground, reason = story.refusal, story.reason
                    decision.refuse(session, self._rt, request, user=user, ground=ground, reason=reason)
                else:
                    decision.approve(session, self._rt, request, user=user)
        one.decided = True

    def _mail_waits(self) -> bool:
        with self._rt.unit() as session:
            waits = exists().where(Outbox.state.in_((OutboxState.READY, OutboxState.SENDING)))
            return bool(session.scalar(select(waits)))


def ends(rt: Runtime, stories: Sequence[Story], references: Mapping[str, str]) -> list[End]:
    """How each story ended, compared with what it promised."""
    found = []
    with rt.unit() as session:
        for story in stories:
            request = find_request(session, references[story.slug])
            shown = show_request(session, rt, request)
            held = {hold["rule"] for hold in holds_of(session, request)}
            found.append(End(story, request.reference, shown, tuple(_wrong(story, request, shown, held))))
    return found


def _wrong(story: Story, request: Request, shown: Mapping[str, Any], held: set[str]) -> list[str]:
    wrong = []
    if request.state is not story.state:
        wrong.append(f"is {request.state.value}, not {story.state.value}")
    if request.outcome is not story.outcome:
        outcome = request.outcome.value if request.outcome else "open"
        wrong.append(f"ended {outcome}, not {story.outcome.value}")
    if missing := set(story.holds) - held:
        wrong.append(f"is not held by {', '.join(sorted(missing))}")
    stuck = [s["key"] for s in shown["steps"] if s["state"] in _STUCK and s["kind"] != Kind.DECIDE]
    if stuck:
        wrong.append(f"has steps that gave up: {', '.join(stuck)}")
    unsent = [m["letter"] for m in shown["letters"] if m["state"] != OutboxState.SENT]
    if unsent:
        wrong.append(f"has mail that was not sent: {', '.join(unsent)}")
    return wrong
