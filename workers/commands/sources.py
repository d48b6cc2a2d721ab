"""`vastine source`: the systems of the register."""

import click

from workers.commands.scanning import diff, scan
from workers.host import quiet, settings
from workers.speech import FAILED, give_json, give_table
from workflows.errors import NotFound, VastineError
from workflows.ports import Connector
from workflows.register.load import load_register
from workflows.register.model import Register


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
    """List the sources; nothing is connected."""
    register, connectors = _sources()
    rows = [
        {
            "source": name,
            "kind": spec.kind,
            "label": spec.label.en if spec.label else "",
            "collections": sum(len(dataset.collections) for dataset in spec.dataset),
            "guarantee": connectors[name].guarantee,
        }
        for name, spec in sorted(register.sources.items())
    ]
    if as_json:
        give_json(rows)
    else:
        give_table(rows, ["source", "kind", "label", "collections", "guarantee"])


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
