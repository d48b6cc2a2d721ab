"""The mail to the data protection officer that something is shut or stands still; once a day while it lasts."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.delivery import Outbox
from models.request import DataKey
from models.staff import HumanTask, StaffUser
from models.vocabulary import Role
from workflows.casefile import make_key
from workflows.outbox import PlainMail, queue_plain
from workflows.runtime import Runtime

ALARM = "alarm"
"""What such a mail is in the outbox; it belongs to no case and says nothing of anybody."""

_KEPT = timedelta(days=90)
_SUBJECTS: Mapping[str, str] = {
    "fi": "Hälytys: pyyntöjä voi jäädä saapumatta tai käsittelemättä",
    "sv": "Larm: begäranden kan utebli eller bli liggande",
    "en": "Alarm: requests may not arrive, or not be worked on",
}
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "door_silent": {
        "fi": "Vastineen itselleen lähettämä koepyyntö ei ole tullut perille. Kanava: {place}",
        "sv": "En provbegäran som Vastine skickade till sig själv har inte kommit fram. Kanal: {place}",
        "en": "A test request that Vastine sent to itself did not arrive. Channel: {place}",
    },
    "mailbox_silent": {
        "fi": "Postilaatikkoon ei ole tullut viestejä tavallista pidempään aikaan: {place}",
        "sv": "Brevlådan har varit tyst längre än vanligt: {place}",
        "en": "This mailbox has been silent for longer than usual: {place}",
    },
    "mailbox_failing": {
        "fi": "Postilaatikkoa ei ole voitu lukea tuntiin: {place}",
        "sv": "Brevlådan har inte kunnat läsas på en timme: {place}",
        "en": "This mailbox could not be read for an hour: {place}",
    },
    "work_silent": {
        "fi": "Taustatyö on pysähtynyt: työprosessi tai ajastin ei toimi.",
        "sv": "Bakgrundsarbetet står stilla: arbetsprocessen eller schemat fungerar inte.",
        "en": "The work stands still: the worker or the schedule does not run.",
    },
}
_SINCE = {"fi": "Alkaen (UTC): {since}", "sv": "Sedan (UTC): {since}", "en": "Since (UTC): {since}"}


def call(session: Session, rt: Runtime, task: HumanTask) -> int:
    """Write to every officer who has an address, once a day for each alarm; how many mails were written."""
    language = rt.register.controller.languages[0]
    told = _TEXTS[task.code][language].format(place=task.facts.get("mailbox") or "")
    since = _SINCE[language].format(since=task.facts.get("since") or "")
    text = f"{told}\n{since}\n\n{rt.settings.console_url}/tasks\n\n{rt.register.controller.name}\n"
    count = 0
    for name, address in _officers(session, rt):
        idem = f"{ALARM}:{task.id}:{rt.today().isoformat()}:{name}"[:160]
        if session.scalar(select(Outbox.id).where(Outbox.key == idem)) is not None:
            continue
        row, key = make_key(session, rt)
        mail = PlainMail(to=address, language=language, subject=_SUBJECTS[language], body=text)
        count += queue_plain(session, rt, key, key_id=row.id, idem=idem, letter=ALARM, text=mail)
    return count


def _officers(session: Session, rt: Runtime) -> list[tuple[str, str]]:
    dpo = select(StaffUser).where(StaffUser.role == Role.DPO, StaffUser.disabled_at.is_(None))
    found = [(user.name, user.email) for user in session.scalars(dpo) if user.email]
    told = rt.register.controller.dpo.email
    return found or ([("register", told)] if told else [])


def forget(session: Session, rt: Runtime) -> None:
    """Let go of calls of long ago, and of their keys."""
    old = select(Outbox).where(Outbox.letter == ALARM, Outbox.run_at < rt.now() - _KEPT)
    for row in session.scalars(old).all():
        key = session.get_one(DataKey, row.data_key_id)
        session.delete(row)
        session.flush()
        session.delete(key)
