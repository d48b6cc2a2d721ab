"""How the command line speaks: one clear line for an error, JSON for scripts, tables for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from workflows.errors import BadInput, BadRegister, NotFound, PersonMustLook, VastineError, WaitFor

OK, FAILED, USAGE, CONFIGURATION, NOT_FOUND, WAITS, PARTIAL, OVERDUE = range(8)


def exit_code(error: VastineError) -> int:
    """The exit code of an error."""
    if isinstance(error, BadRegister) or error.code in ("bad_settings", "secret", "bad_key_file", "schema_old"):
        return CONFIGURATION
    if isinstance(error, BadInput):
        return USAGE
    if isinstance(error, NotFound):
        return NOT_FOUND
    if isinstance(error, PersonMustLook | WaitFor):
        return WAITS
    return FAILED


def explain(error: VastineError) -> None:
    """Say on stderr what is wrong and how to mend it."""
    if isinstance(error, BadInput):
        for fault in error.faults:
            remedy = f" → {fault.remedy}" if fault.remedy else ""
            click.echo(f"✖ {fault.where}: {fault.what}{remedy}", err=True)
        return
    click.echo(f"✖ {error.detail} ({error.code})", err=True)


def say(text: str) -> None:
    """Talk goes to stderr."""
    click.echo(text, err=True)


def give_json(value: Any) -> None:
    """Data goes to stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def give_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A table for people; plain, aligned text where nobody looks at it on a terminal."""
    texts = [[str(row.get(c) if row.get(c) is not None else "") for c in columns] for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415  # only a terminal needs it
        from rich.table import Table  # noqa: PLC0415

        table = Table(*columns)
        for row in texts:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(len(c), *(len(r[n]) for r in texts)) if texts else len(c) for n, c in enumerate(columns)]
    for row in [list(columns), *texts]:
        click.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
