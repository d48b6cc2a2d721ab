"""`vastine source`: the systems of the register."""

from datetime import datetime
from typing import Any

import click

from workers.commands.scanning import diff, scan
from workers.host import quiet, runtime, settings
from workers.speech import FAILED, give_json, give_table, say
from workflows import pausing
from workflows.errors import NotFound, VastineError
from workflows.ports import Connector
from workflows.register.load import load_register
from workflows.register.model import Register
from workflows.sourceview import show_sources


def _sources() -> tuple[Register, dict[str, Connector]]:
    from workflows.wiring import connectors_of  # noqa: PLC0415  # loads everything

    quiet()
    told = settings()
    register = load_register(told.register)
    return register, connectors_of(register, told.environ)


@click.group()
def source() -> None:
    """The systems that hold personal data, as the register describes them."""


source.add_command(scan)
source.add_command(diff)


@source.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(*, as_json: bool) -> None:
    """List the sources and how they are doing; those that are away or paused are not asked."""
    rt = runtime()
    with rt.unit() as session:
        rows = show_sources(session, rt)
    if as_json:
        give_json(rows)
        return
    shown = [{**row, "why": _why(row), "guarantee": row["guarantee"] or "?"} for row in rows]
    give_table(shown, ["source", "kind", "owner", "guarantee", "status", "why", "running", "waiting", "next_due"])


def _why(row: dict[str, Any]) -> str:
    """What is to be known of a source that is not as it should be, in one line."""
    if row["status"] == "paused":
        until = f" until {row['paused']['until']}" if row["paused"]["until"] else ""
        return f"{row['paused']['by']}{until}: {row['paused']['reason']}"
    if row["status"] == "blind":
        return str(row["canary"]["code"])
    return str(row["last_code"] or "")


@source.command()
@click.argument("name")
@click.option("--as", "user", required=True, help="Whose pause it is.")
@click.option("--reason", required=True, help="Why, about the system; never about a person.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The pause's last day; none: until it is resumed.")
def pause(*, name: str, user: str, reason: str, until: datetime | None) -> None:
    """Let nobody search or erase here for now; what waits loses no attempt."""
    rt = runtime()
    with rt.unit() as session:
        pausing.pause(session, rt, name, user=user, reason=reason, until=until.date() if until else None)
    say(f"{name} is paused; `vastine source resume {name}` ends it")


@source.command()
@click.argument("name")
@click.option("--as", "user", required=True, help="Who ends it.")
def resume(*, name: str, user: str) -> None:
    """End a pause; what waited goes on at once."""
    rt = runtime()
    with rt.unit() as session:
        pausing.resume(session, rt, name, user=user)
    say(f"{name} goes on")


@source.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--json", "as_json", is_flag=True)
def test(*, names: tuple[str, ...], as_json: bool) -> int:
    """Connect to sources and compare them with their description; exit 1 if one is not as described."""
    _, connectors = _sources()
    unknown = [name for name in names if name not in connectors]
    if unknown:
        known = ", ".join(sorted(connectors))
        raise NotFound("source", detail=f"the register has no source {', '.join(unknown)}; it has {known}")
    rows = [look(name, connectors[name]) for name in names or sorted(connectors)]
    if as_json:
        give_json(rows)
    else:
        give_table([{**row, "ok": "✔" if row["ok"] else "✖"} for row in rows], ["ok", "source", "code", "why"])
    return 0 if all(row["ok"] for row in rows) else FAILED


def look(name: str, connector: Connector) -> dict[str, object]:
    """Whether one source answers as described; `code` and `why` are empty if it does."""
    try:
        connector.health()
    except VastineError as error:
        return {"source": name, "ok": False, "code": error.code, "why": error.detail}
    return {"source": name, "ok": True, "code": "", "why": ""}
