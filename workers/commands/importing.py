"""`vastine request import`: requests from a CSV file, looked at first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from workers.host import runtime
from workers.speech import OK, PARTIAL, give_json, say
from workflows.bulk import Outcome, import_lines
from workflows.errors import BadInput, Fault

_MOST_BYTES = 20_000_000
_SIGNS = {"opened": "✔", "known": "=", "duplicate": "≡", "wrong": "✖"}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be opened, and open nothing.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Where the header has another name.")
@click.option("--encoding", default="utf-8", show_default=True, help="utf-8, latin-1, cp1252 …")
@click.option("--as", "user", required=True, help="The member of staff who enters them.")
@click.option("--json", "as_json", is_flag=True)
def import_(*, file: Path, dry_run: bool, columns: Sequence[str], encoding: str, user: str, as_json: bool) -> int:
    """Open one request for each line of a CSV file, once however often it is read; exit 6 if a line is wrong.

    \b
    vastine request import letters.csv --dry-run --as kaisa
    """
    text, mapped = _read(file, encoding), _mapping(columns)
    rows = []
    for done in import_lines(runtime(), text, by=user, columns=mapped, dry_run=dry_run):
        rows.append(_row(done))
        if not as_json:
            click.echo(_told(done, dry_run=dry_run))
    if as_json:
        give_json(rows)
    counts = {state: sum(row["state"] == state for row in rows) for state in _SIGNS}
    verb = "would be opened" if dry_run else "opened"
    say(
        f"{counts['opened']} {verb}, {counts['known']} known from before, {counts['duplicate']} written twice, "
        f"{counts['wrong']} wrong"
    )
    return PARTIAL if counts["wrong"] else OK


def _told(done: Outcome, *, dry_run: bool) -> str:
    what = "would be opened" if dry_run and done.state == "opened" else done.state
    more = [*done.references, *(f"{f.where}: {f.what} → {f.remedy}" for f in done.faults)]
    same = [f"as line {done.of}"] if done.state == "duplicate" else []
    return " ".join([_SIGNS[done.state], f"line {done.line}:", what, *same, "; ".join(more)]).rstrip()


def _row(done: Outcome) -> dict[str, Any]:
    return {
        "line": done.line,
        "state": done.state,
        "references": list(done.references),
        "of": done.of,
        "faults": [{"field": f.where, "what": f.what, "remedy": f.remedy} for f in done.faults],
    }


def _mapping(columns: Sequence[str]) -> dict[str, str]:
    mapped = {}
    for column in columns:
        ours, mark, theirs = column.partition("=")
        if not mark or not theirs.strip() or ours in mapped:
            raise BadInput([Fault("--column", "is not OURS=THEIRS, each of ours once", "as in --column right=Oikeus")])
        mapped[ours] = theirs
    return mapped


def _read(file: Path, encoding: str) -> str:
    try:
        raw = file.read_bytes()
        if len(raw) > _MOST_BYTES:
            raise BadInput([Fault("FILE", "is too large", "cut it into several files")])
        return raw.decode(encoding)
    except OSError as error:
        raise BadInput([Fault("FILE", f"can't be read ({error.strerror})", "check the path")]) from None
    except (UnicodeError, LookupError):
        raise BadInput([Fault("FILE", f"is not in {encoding}", "name its encoding with --encoding")]) from None
