"""A search that people do: asked for once for the same values, answered whole, asked again for new ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.hand import HandSearch
from models.request import Request
from models.session import ring
from models.staff import HumanTask
from models.step import Step
from models.vocabulary import HandState, Kind, StepState, TaskKind, TaskState
from workflows import audit
from workflows.casefile import open_key, open_proof, seeds_digest, seeds_for, seeds_of
from workflows.errors import Conflict
from workflows.hand import places
from workflows.hand.answers import Draft, whole
from workflows.hand.waking import wake
from workflows.handed import HandAnswer
from workflows.human import close_task, open_task
from workflows.ports import RequestKey, Seeds
from workflows.runtime import Runtime

SEARCH = "search_by_hand"
CONTACT_TERMS = ("name", "email", "phone", "postal")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for: `key` as in seeds, or `contact:name`. `new`: an earlier answer did not look for it."""

    key: str
    value: str
    span: str = ""
    new: bool = False


def task_key(request: Request, source: str) -> str:
    """The key of the task that asks for a source's search."""
    return f"hand:search:{request.id}:{source}"


def search_of(session: Session, request: Request, source: str) -> HandSearch | None:
    """What is asked and was answered so far."""
    return session.scalar(select(HandSearch).where(HandSearch.request_id == request.id, HandSearch.source == source))


def is_answered(search: HandSearch | None, seeds: Seeds) -> bool:
    """Whether people have answered for just these seeds."""
    return search is not None and search.state is HandState.ANSWERED and search.answered_digest == seeds_digest(seeds)


def ask(session: Session, rt: Runtime, request: Request, step: Step, *, seeds: Seeds) -> None:
    """Let the step wait for people, and open the task, or open it again for what is new. The caller holds the lock."""
    source = str(step.source)
    search = search_of(session, request, source)
    if is_answered(search, seeds):  # somebody was quicker than the step's own return
        step.state, step.done_at, step.run_at = StepState.READY, None, rt.now()
        ring(session, step.kind.value, "")
        return
    spec = places.hand_spec(rt.register, source)
    if search is None:
        search = HandSearch(request_id=request.id, source=source, revision=0)
        session.add(search)
    again = search.answer_sealed is not None
    search.state, search.asked_digest = HandState.ASKED, seeds_digest(seeds)
    search.answered_at, search.answered_by = None, None
    step.state, step.done_at = StepState.WAITING, None
    key = task_key(request, source)
    task = session.scalar(select(HumanTask).where(HumanTask.key == key))
    if task is None or task.state is TaskState.DONE:
        open_task(
            session,
            rt,
            key=key,
            kind=TaskKind.BY_HAND,
            code=SEARCH,
            request_id=request.id,
            step_id=step.id,
            due_on=places.due_on(spec, rt.today(), answer_due=request.due_on),
            facts={"source": source, "again": again},
        )
        facts = {"source": source, "again": again}
        audit.record(session, "hand:asked", at=rt.now(), actor="vastine", request_id=request.id, facts=facts)
    else:
        task.step_id = step.id


def current_seeds(session: Session, rt: Runtime, request: Request, key: RequestKey, *, source: str) -> Seeds:
    """What may be looked for in this source as of now."""
    return seeds_for(seeds_of(session, key, request), rt.connectors[source].entries())


def terms(
    session: Session, rt: Runtime, request: Request, key: RequestKey, *, source: str, search: HandSearch | None
) -> list[Term]:
    """What whoever searches must look for, new values marked. The caller audits whom it shows them to."""
    spec = places.hand_spec(rt.register, source)
    known: set[tuple[str, str]] | None = None
    if search is not None and search.terms_sealed is not None:
        plain = key.open(search.terms_sealed, _context(search, "terms"))
        known = {(name, value) for name, value in json.loads(plain)}
    found: list[Term] = []
    contact = open_proof(key, request).contact if request.proof_sealed is not None else None
    for word in spec.connection.get("search_terms", ()):
        if contact is not None and word in CONTACT_TERMS:
            value = getattr(contact, word)
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            found += [Term(f"contact:{word}", text)] if text else []
    for name, leads in current_seeds(session, rt, request, key, source=source).items():
        for lead in leads if not name.startswith("joint:") else ():  # the same values again: whose they are besides
            span = "–".join((lead.start.isoformat() if lead.start else "", lead.end.isoformat() if lead.end else ""))
            found.append(Term(name, lead.value, "" if span == "–" else span))
    if known is None:
        return found
    return [Term(t.key, t.value, t.span, new=(t.key, t.value) not in known) for t in found]


def draft_of(search: HandSearch | None, key: RequestKey) -> Draft:
    """What was written so far: the draft, else the last answer, else nothing."""
    if search is not None and search.draft_sealed is not None:
        return Draft.from_json(key.open(search.draft_sealed, _context(search, "draft")))
    if search is not None and search.answer_sealed is not None:
        answer = HandAnswer.from_json(key.open(search.answer_sealed, _context(search, "answer")))
        return Draft(answer, not answer.none)
    return Draft(HandAnswer())


def save(
    session: Session, rt: Runtime, request: Request, task: HumanTask, *, draft: Draft, revision: int, by: str
) -> HandSearch:
    """Keep a draft. Raises `Conflict` if the task is done or somebody else saved in the meantime."""
    key = open_key(session, rt, request.data_key_id)
    search = _open_search(session, request, task, revision)
    search.draft_sealed = key.seal(draft.to_json(), _context(search, "draft"))
    search.revision += 1
    facts = {"source": search.source, "records": len(draft.answer.records)}
    audit.record(session, "hand:saved", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    return search


def answer(
    session: Session,
    rt: Runtime,
    request: Request,
    task: HumanTask,
    *,
    draft: Draft,
    revision: int,
    asked: str,
    by: str,
) -> None:
    """Take a whole answer and let the step go on. The caller holds the request's lock.

    `asked`: hex digest of the values the person was shown. Raises `BadInput` with every mistake; `Conflict` if the
    task is done, somebody else saved in the meantime, or more is to be looked for than the person was shown.
    """
    key = open_key(session, rt, request.data_key_id)
    search = _open_search(session, request, task, revision)
    spec = places.hand_spec(rt.register, search.source)
    found = whole(spec, draft)
    seeds = current_seeds(session, rt, request, key, source=search.source)
    if asked != seeds_digest(seeds).hex():
        raise Conflict("terms_grew", detail="more is to be looked for now than was shown; look again")
    looked = [[t.key, t.value] for t in terms(session, rt, request, key, source=search.source, search=search)]
    search.answer_sealed = key.seal(found.to_json(), _context(search, "answer"))
    search.terms_sealed = key.seal(json.dumps(looked).encode(), _context(search, "terms"))
    search.draft_sealed = None
    search.state, search.answered_digest = HandState.ANSWERED, seeds_digest(seeds)
    search.answered_by, search.answered_at = by, rt.now()
    search.revision += 1
    result = "found" if found.records else "none"
    facts = {"source": search.source, "result": result, "records": len(found.records)}
    audit.record(session, "hand:answered", at=rt.now(), actor=by, request_id=request.id, facts=facts)
    close_task(session, rt, task, by=by, answer=result)
    wake(session, rt, request, search.source, kind=Kind.COLLECT)


def _open_search(session: Session, request: Request, task: HumanTask, revision: int) -> HandSearch:
    search = search_of(session, request, str(task.facts.get("source", "")))
    if search is None or task.state is TaskState.DONE or search.state is HandState.ANSWERED:
        raise Conflict("task_done")
    if search.revision != revision:
        raise Conflict("saved_meanwhile", detail="somebody else saved in the meantime; look at it first")
    return search


def answers(session: Session, request: Request, key: RequestKey) -> Mapping[str, HandAnswer]:
    """The last whole answer of each source of the request, as people gave it."""
    rows: Sequence[HandSearch] = session.scalars(
        select(HandSearch).where(HandSearch.request_id == request.id, HandSearch.answer_sealed.is_not(None))
    ).all()
    return {
        row.source: HandAnswer.from_json(key.open(row.answer_sealed or b"", _context(row, "answer"))) for row in rows
    }


def withdraw_question(session: Session, rt: Runtime, request: Request, source: str, *, by: str) -> None:
    """Close the task of a search that nobody waits for any more."""
    task = session.scalar(select(HumanTask).where(HumanTask.key == task_key(request, source)))
    if task is not None and task.state is TaskState.OPEN:
        close_task(session, rt, task, by=by, answer="settled")


def _context(search: HandSearch, part: str) -> str:
    return f"hand_searches.{part}:{search.request_id}:{search.source}"
