"""`vastine mail ingest`: take mails in as if the mailbox had received them."""

import sys
from pathlib import Path

import click

from workers.host import runtime
from workers.speech import give_json, give_table
from workflows.errors import NotFound
from workflows.mailroom import receive


@click.group()
def mail() -> None:
    """Mails that ask for something."""


@mail.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE.eml…")
@click.option("--json", "as_json", is_flag=True)
def ingest(*, files: tuple[str, ...], as_json: bool) -> None:
    """Take raw mails in; `-` is standard input. The same mail twice is taken in once.

    What can't be understood becomes a task for a person and still counts as taken in: exit 0.
    """
    raws = [(name, _read(name)) for name in files]
    rt = runtime()
    rows = []
    for name, raw in raws:
        got = receive(rt, raw)
        rows.append(
            {
                "file": name,
                "state": got.state.value,
                "why": got.why or None,
                "references": list(got.references),
                "new": got.new,
            }
        )
    if as_json:
        give_json(rows)
    else:
        give_table(
            [{**row, "references": " ".join(got or ())} for row in rows for got in [_texts(row["references"])]],
            ["file", "state", "why", "references"],
        )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise NotFound("file", detail=f"{name} can't be read ({error.strerror})") from None
