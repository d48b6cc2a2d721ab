"""The ways in which a person may show on this page that they are the person."""

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.request import Request
from models.staff import HumanTask
from models.vocabulary import Method, TaskKind, TaskState
from webhooks.portal.house import house, language
from workflows.ladder import by_post, rungs

UNMATCHED = ("provider_unknown", "provider_mismatch", "provider_ambiguous")


@dataclass(frozen=True, slots=True)
class Ways:
    """`providers` as (name, label); `unmatched`: somebody logged in and was not taken for the person of the case."""

    code: bool
    providers: tuple[tuple[str, str], ...]
    unmatched: bool
    letter: str = ""  # "waits" for its code, "may" be asked for, or none


def ways_of(session: Session, asked: Request) -> Ways:
    """The ways that are enough for this request. They are the same for known and unknown people."""
    rt = house().rt
    names = rungs.providers_for(session, rt, asked)
    labels = tuple((name, rt.providers[name].spec.label.get(language())) for name in names)
    by_mail = rungs.suffices(session, rt, asked, Method.CODE)
    return Ways(by_mail, labels, _is_unmatched(session, asked), by_post.standing(session, rt, asked))


def _is_unmatched(session: Session, asked: Request) -> bool:
    task = exists().where(
        HumanTask.request_id == asked.id,
        HumanTask.kind == TaskKind.IDENTIFY,
        HumanTask.state == TaskState.OPEN,
        HumanTask.code.in_(UNMATCHED),
    )
    return bool(session.scalar(select(task)))
