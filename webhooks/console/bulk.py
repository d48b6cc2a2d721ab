"""Requests from a file that a member of staff uploads: looked at first, then opened."""

from collections import Counter

from flask import Blueprint, g, request
from werkzeug.wrappers import Response as BaseResponse

from webhooks.console.case import problems_of
from webhooks.console.roles import REGISTER, allow, takes_files
from webhooks.console.shell import Shell
from workflows.bulk import Outcome, import_lines
from workflows.errors import BadInput, Fault, VastineError
from workflows.rules.bulk import COLUMNS

_MOST_BYTES = 5_000_000
_MOST_SHOWN = 500
_ENCODINGS = ("utf-8-sig", "cp1252")


def pages(shell: Shell) -> Blueprint:
    """The form, and what became of each line."""
    blueprint = Blueprint("bulk", __name__)

    @blueprint.get("/requests/import")
    @allow(REGISTER)
    def form() -> BaseResponse:
        return _page(shell)

    @blueprint.post("/requests/import")
    @allow(REGISTER)
    @takes_files(_MOST_BYTES)
    def take() -> BaseResponse:
        dry = request.form.get("go") != "open"
        try:
            found = list(import_lines(shell.rt, _text(), by=g.user.name, dry_run=dry))
        except VastineError as error:
            return _page(shell, problem=error)
        return _page(shell, found=found, dry=dry)

    return blueprint


def _text() -> str:
    """What was uploaded, as text; spreadsheets save in one of two encodings."""
    file = request.files.get("file")
    raw = file.read() if file is not None else b""
    if not raw.strip():
        raise BadInput([Fault("file", "file_missing", "choose a file")])
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput([Fault("file", "file_encoding", "save it as CSV in UTF-8")])


def _page(
    shell: Shell, *, problem: VastineError | None = None, found: list[Outcome] | None = None, dry: bool = True
) -> BaseResponse:
    return shell.page(
        "bulk.html",
        status=problem.status if problem else 200,
        problems=problems_of(problem) if problem else [],
        columns=COLUMNS,
        found=found,
        shown=_shown(found or []),
        counts=Counter(one.state for one in found or []),
        dry=dry,
    )


def _shown(found: list[Outcome]) -> list[dict[str, object]]:
    """What needs reading first: wrong lines, then the others, as many as a page takes."""
    order = sorted(found, key=lambda one: (one.state != "wrong", one.line))
    return [
        {
            "line": one.line,
            "state": one.state,
            "references": one.references,
            "of": one.of,
            "faults": [(f.where, problems_of(BadInput([f]))[0]["text"]) for f in one.faults],
        }
        for one in order[:_MOST_SHOWN]
    ]
