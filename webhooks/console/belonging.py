"""The page on which somebody says whose those records are that may be the requester's."""

from itertools import islice
from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models.vocabulary import Belongs, RequestState
from webhooks.console.case import problems_of
from webhooks.console.records import records_of
from webhooks.console.roles import WORK, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.belonging import Said, candidate_count, candidates_of, say, where_they_lie
from workflows.candidates import undecided, verdicts_of
from workflows.casefile import open_key
from workflows.errors import BadInput, VastineError
from workflows.views import find_request

PAGE = 50
_WORDS = {word.value for word in Belongs}


def pages(shell: Shell) -> Blueprint:
    """Candidates of a case."""
    rt = shell.rt
    blueprint = Blueprint("belonging", __name__)

    @blueprint.get("/requests/<reference>/candidates")
    @allow(WORK)
    def candidates(reference: str) -> BaseResponse:
        return _show(shell, reference)

    @blueprint.post("/requests/<reference>/candidates")
    @allow(WORK)
    def decide(reference: str) -> BaseResponse:
        said = _said()
        try:
            with rt.unit() as session:
                case = find_request(session, reference, lock=True)
                left = say(session, rt, case, user=g.user.name, said=said)
                known = case.reference
        except VastineError as error:
            return _show(shell, reference, problem=error)
        if said and left == 0:
            return redirect(url_for("case.case", reference=known, done="all_judged"))
        return redirect(url_for("belonging.candidates", reference=known, done="judged" if said else None))

    return blueprint


def _said() -> list[Said]:
    """What was chosen on the page; one choice for all of it counts where nothing else was chosen."""
    every = request.form.get("all", "")
    reason = request.form.get("reason", "")[:5000]
    marks = [mark for mark in request.form.getlist("mark") if len(mark) < 500][:PAGE]
    words = [(mark, request.form.get(f"word:{n}", "") or every) for n, mark in enumerate(marks, 1)]
    return [Said(mark, Belongs(word), reason) for mark, word in words if word in _WORDS]


def _show(shell: Shell, reference: str, *, problem: VastineError | None = None) -> BaseResponse:
    rt = shell.rt
    given = request.args.get("page", "")
    number = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
    reveal = request.args.get("reveal", "") == "1"
    with rt.unit() as session:
        case = find_request(session, reference, lock=True)
        looked: dict[str, Any] = {"what": "candidates", "page": number, "reveal": reveal}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=case.id, facts=looked)
        key = open_key(session, rt, case.data_key_id)
        blobs, verdicts, left = where_they_lie(session, case), verdicts_of(session, rt, case), undecided(session, case)
        total = candidate_count(session, case)
    first = (number - 1) * PAGE
    # Read with no transaction open: a long finding must not hold the case.
    found = list(islice(candidates_of(rt, case, key, blobs=blobs, verdicts=verdicts), first, first + PAGE))
    shown = records_of(shell, [c.item for c in found], reveal=reveal)
    rows = [
        {
            "n": n,
            "mark": c.mark,
            "word": request.form.get(f"word:{n}", "") if problem else c.word.value if c.word else "",
            "record": record,
            "source": shell.catalogue.source_label(c.item.source, g.t.language),
        }
        for n, (c, record) in enumerate(zip(found, shown, strict=True), 1)
    ]
    more = {"reveal": "1"} if reveal else {}
    return shell.page(
        "candidates.html",
        status=problem.status if problem else 200,
        reference=case.reference,
        rows=rows,
        words=[*(word.value for word in Belongs), ""],
        left=left,
        total=total,
        first=first + 1,
        open=case.state is RequestState.DECIDING,
        reveal=reveal,
        reason=request.form.get("reason", "") if problem else "",
        every=request.form.get("all", "") if problem else "",
        problems=problems_of(problem) if problem else [],
        wrong=isinstance(problem, BadInput),
        done=request.args.get("done", "") == "judged",
        links={
            "before": _link(case.reference, number - 1, more) if number > 1 else "",
            "next": _link(case.reference, number + 1, more) if total > first + PAGE else "",
            "reveal": _link(case.reference, number, {} if reveal else {"reveal": "1"}),
        },
    )


def _link(reference: str, page: int, more: dict[str, Any]) -> str:
    return url_for("belonging.candidates", reference=reference, page=page, **more)
