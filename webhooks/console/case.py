"""The page of one case, and the records that a source found for it."""

from itertools import islice
from typing import Any

from flask import Blueprint, g, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from models.asking import AskKind
from models.collection import Finding
from webhooks.console.case_view import case_of
from webhooks.console.records import Record, records_of
from webhooks.console.roles import LIST, RECORDS, allow
from webhooks.console.shell import Shell
from workflows import audit
from workflows.asking import WANTED
from workflows.casefile import open_key
from workflows.errors import BadInput, NotFound, VastineError
from workflows.findings import read_items
from workflows.guarding import plain_grounds
from workflows.register.grounds import GroundRule
from workflows.rules.form import REMEDIES
from workflows.stages.decision import EXTENSION_REASONS
from workflows.views import find_request

PAGE = 100
_LAST_PAGE = 100_000
DONE = frozenset(
    [
        "approved",
        "scope_named",
        "weighed",
        "marked",
        "lift_told",
        "kept_on",
        "lifted",
        "one_more",
        "refused",
        "asked",
        "ask_answered",
        "reopened",
        "refusal_prepared",
        "refusal_dropped",
        "fee_announced",
        "fee_settled",
        "extended",
        "corrected",
        "withdrawn",
        "narrowed",
        "verified",
        "letter_asked",
        "compared",
        "signed_good",
        "signed_unknown_signer",
        "signed_broken",
        "signed_added_to",
        "signed_none",
        "signed_unreadable",
        "less_asked",
        "less_accepted",
        "requeued",
        "skipped",
        "judged",
        "all_judged",
        "task_done",
        "opened",
        "attached",
        "replied",
        "replied_untold",
        "withheld",
        "given",
        "hold_placed",
        "hold_confirmed",
        "hold_asked",
        "hold_released",
        "hold_kept",
    ]
)


def pages(shell: Shell) -> Blueprint:
    """The case and its records."""
    blueprint = Blueprint("case", __name__)

    @blueprint.get("/requests/<reference>")
    @allow(LIST)
    def case(reference: str) -> BaseResponse:
        return show_case(shell, reference)

    @blueprint.get("/requests/<reference>/sources/<source>")
    @allow(RECORDS)
    def source(reference: str, source: str) -> BaseResponse:
        return _show_source(shell, reference, source)

    return blueprint


def show_case(
    shell: Shell, reference: str, *, problem: VastineError | None = None, form: str = "", status: int = 200
) -> BaseResponse:
    """The case; with `problem` what went wrong stands on top, and what was typed into `form` is still there."""
    rt = shell.rt
    with rt.unit() as session:
        found = find_request(session, reference, lock=True)
        looked = {"what": "request"}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=found.id, facts=looked)
        facts = case_of(session, shell, found)
    done = request.args.get("done", "")
    return shell.page(
        "case.html",
        status=status,
        case=facts,
        problems=problems_of(problem) if problem else [],
        typed=request.form if form else {},
        form=form,
        done=done if done in DONE else "",
        grounds=[(ground.id, _named(ground)) for ground in plain_grounds(rt)],
        reasons=EXTENSION_REASONS,
        ask_kinds=[kind.value for kind in AskKind],
        wanted=[code for code in WANTED if code != "other"],
    )


def _named(ground: GroundRule) -> str:
    """Our short name of it, or the register's own sentence."""
    key = f"ground.{ground.id}"
    return str(g.t(key)) if key in g.t else str(getattr(ground.text, g.t.language))


def problems_of(error: VastineError) -> list[dict[str, str]]:
    """An error as sentences in the reader's language; a field's name where it belongs to one."""
    if isinstance(error, BadInput):
        return [{"field": f.where, "text": _fault(f.what, f.remedy)} for f in error.faults]
    for key in (f"error.{error.code}", f"error.{type(error).__name__}"):
        if key in g.t:
            return [{"field": "", "text": str(g.t(key))}]
    return [{"field": "", "text": str(g.t("error.other", code=error.code))}]


def _fault(what: str, remedy: str) -> str:
    for key in (f"fault.{what}", f"fault.{what.replace(' ', '_')}"):
        if key in g.t:
            return str(g.t(key))
    return remedy if what in REMEDIES else f"{what}: {remedy}"


def _show_source(shell: Shell, reference: str, source: str) -> BaseResponse:
    rt = shell.rt
    number = _page_number(request.args.get("page", ""))
    reveal = request.args.get("reveal", "") == "1"
    with rt.unit() as session:
        found = find_request(session, reference, lock=True)
        finding = session.scalar(select(Finding).where(Finding.request_id == found.id, Finding.source == source))
        if finding is None or source not in rt.register.sources:
            raise NotFound("source")
        looked: dict[str, Any] = {"what": "records", "source": source, "page": number, "reveal": reveal}
        audit.record(session, "case:read", at=rt.now(), actor=g.user.name, request_id=found.id, facts=looked)
        key = open_key(session, rt, found.data_key_id)
    first = (number - 1) * PAGE
    # Read with no transaction open: a long finding must not hold the case.
    items = list(islice(read_items(rt, key, finding.blob), first, first + PAGE + 1))
    records: list[Record] = records_of(shell, items[:PAGE], reveal=reveal)
    links = {
        "next": _link(found.reference, source, page=number + 1, reveal=reveal) if len(items) > PAGE else "",
        "before": _link(found.reference, source, page=number - 1, reveal=reveal) if number > 1 else "",
        "reveal": _link(found.reference, source, page=number, reveal=not reveal),
    }
    return shell.page(
        "records.html",
        reference=found.reference,
        label=shell.catalogue.source_label(source, g.t.language),
        records=records,
        first=first + 1,
        total=finding.items,
        forgotten=finding.blob is None and finding.items > 0,
        reveal=reveal,
        links=links,
    )


def _link(reference: str, source: str, *, page: int, reveal: bool) -> str:
    more: dict[str, Any] = {"reveal": "1"} if reveal else {}
    return url_for("case.source", reference=reference, source=source, page=page, **more)


def _page_number(text: str) -> int:
    return min(int(text), _LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else 1
