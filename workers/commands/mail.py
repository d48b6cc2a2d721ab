"""`vastine mail ingest`, `watch`, `lmtp`: mails from files, from mailboxes as they come, from a mail server."""

import sys
from pathlib import Path

import click

from workers.host import runtime, settings
from workers.speech import give_json, give_table, say
from workflows.errors import BadInput, Fault, NotFound
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


@mail.command()
def watch() -> None:
    """Wait in every mailbox and take mail in when it comes; the schedule goes on reading them as well."""
    from workers.embedded import wait_for_the_end  # noqa: PLC0415
    from workers.watching import Watch  # noqa: PLC0415
    from workflows.wiring import inboxes_of  # noqa: PLC0415

    told = settings()
    if not told.inbox_url:
        remedy = "write imaps://user:password@host/INBOX, several with blanks between them"
        raise BadInput([Fault("VASTINE_INBOX_URL", "no mailbox is named", remedy)], "bad_settings")
    inboxes = inboxes_of(told)
    waiting = Watch(runtime(given=told), inboxes)
    waiting.start()
    for name in inboxes:
        say(f"waiting for mail in {name}")
    wait_for_the_end()
    waiting.stop()
    say("stopped")


@mail.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; keep it to your own network.")
@click.option("--port", default=8024, show_default=True)
def lmtp(*, host: str, port: int) -> None:
    """Take mail from a mail server over LMTP; each is kept before the server is told that it was taken."""
    from workers.embedded import wait_for_the_end  # noqa: PLC0415
    from workers.lmtp import Door  # noqa: PLC0415

    door = Door(runtime(), host=host, port=port)
    door.open()
    say(f"taking mail over LMTP on {host}:{port}   (stop with Ctrl-C)")
    wait_for_the_end()
    door.stop()
    say("stopped")


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise NotFound("file", detail=f"{name} can't be read ({error.strerror})") from None
