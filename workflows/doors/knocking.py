"""Send ourselves a request through every door that is open, once a day, and again while one does not arrive."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from models.doors import DoorCanary
from models.staff import ApiToken
from models.vocabulary import Role
from workflows.doors.marks import API, MAIL, PORTAL, mark_of
from workflows.errors import VastineError
from workflows.ports import OutgoingMail
from workflows.runtime import Runtime
from workflows.staffing import new_token, token_of

log = structlog.get_logger("vastine.doors")

LABEL = "vastine-canary"
"""Whose token it is that opens the API for a moment."""

_DAILY = timedelta(hours=20)
_AGAIN = timedelta(minutes=30)
_WORDS = {
    "fi": "Vastine kokeilee, tulevatko pyynnöt perille. Pyydän kopion tiedoistani.",
    "sv": "Vastine prövar om begäranden kommer fram. Jag begär en kopia av mina uppgifter.",
    "en": "Vastine is trying whether requests arrive. I ask for a copy of my data.",
}


def doors_of(session: Session, rt: Runtime) -> Sequence[str]:
    """The doors that are open, by name; one that is switched off, or that a trial must not write to, is none."""
    told = rt.register.controller.doors
    doors = [PORTAL] if told.portal else []
    if told.mail or (told.mail is None and rt.settings.inbox_url):
        doors += [f"{MAIL}{address}" for address in _addresses(rt) if rt.settings.may_write_to(address)]
    others = select(
        exists().where(ApiToken.label != LABEL, ApiToken.revoked_at.is_(None), ApiToken.expires_at > rt.now())
    )
    if told.api or (told.api is None and session.scalar(others)):
        doors.append(API)
    return doors


def _addresses(rt: Runtime) -> Sequence[str]:
    """Where people are told to write: what stands on the portal, and the further mailboxes of the house."""
    controller = rt.register.controller
    told = (controller.email or controller.dpo.email, *controller.mail.addresses)
    return tuple(dict.fromkeys(address.casefold() for address in told if address))


def knock(rt: Runtime, *, now: bool = False) -> dict[str, str | None]:
    """Send through every door that is due, or with `now` through all; door to why it could not be sent, or None."""
    sent: dict[str, str | None] = {}
    with rt.unit() as session:
        doors = doors_of(session, rt)
    for door in doors:
        with rt.unit() as session:
            if not now and not _is_due(session, rt, door):
                continue
            canary = DoorCanary(id=uuid.uuid4(), door=door, sent_at=rt.now())
            session.add(canary)
        sent[door] = _try(rt, canary)
    return sent


def _is_due(session: Session, rt: Runtime, door: str) -> bool:
    newest = select(DoorCanary).where(DoorCanary.door == door).order_by(DoorCanary.sent_at.desc()).limit(1)
    last = session.scalar(newest)
    if last is None or last.arrived_at is not None:
        return last is None or last.sent_at <= rt.now() - _DAILY
    late = timedelta(hours=rt.register.controller.doors.late_hours)
    return last.sent_at <= rt.now() - (_AGAIN if last.code else late)


def _try(rt: Runtime, canary: DoorCanary) -> str | None:
    """Send one; why it could not be sent, which is noted."""
    try:
        _send(rt, canary)
    except VastineError as error:
        log.warning("door.not_reached", door=canary.door.partition(":")[0], code=error.code)
        with rt.unit() as session:
            unarrived = (DoorCanary.id == canary.id, DoorCanary.arrived_at.is_(None))
            session.execute(update(DoorCanary).where(*unarrived).values(code=error.code[:64]))
        return error.code
    return None


def _send(rt: Runtime, canary: DoorCanary) -> None:
    language = rt.register.controller.languages[0]
    text = f"{_WORDS[language]} {mark_of(rt, canary)}"
    own = parseaddr(rt.settings.mail_from)[1]
    if canary.door == PORTAL:
        answers = {"right": "access", "name": "Vastine", "email": own if "." in own else "", "message": text}
        rt.visitor.fill_form(rt.settings.public_url, language, answers)
    elif canary.door == API:
        _file(rt, canary, language, text)
    else:
        domain = own.partition("@")[2] or "localhost"
        address = canary.door.removeprefix(MAIL)
        mail = OutgoingMail(f"<{canary.id}@{domain}>", address, mark_of(rt, canary), text, language)
        rt.mailer.send(mail)


def _file(rt: Runtime, canary: DoorCanary, language: str, text: str) -> None:
    """With a token of its own, of the least role that may file, that is taken back at once."""
    with rt.unit() as session:
        token = new_token(session, rt, label=LABEL, role=Role.INTAKE, days=1, by="vastine")
    try:
        body = {"right": "access", "language": language, "name": "Vastine", "message": text}
        rt.visitor.file(rt.settings.console_url, token=token, key=str(canary.id), body=body)
    finally:
        with rt.unit() as session:
            row = token_of(session, rt, token)
            if row is not None:
                row.revoked_at = rt.now()


__all__ = ["LABEL", "doors_of", "knock"]
