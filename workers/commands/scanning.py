"""`vastine source scan` and `diff`: a description made from the source itself, and what it lacks since."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from workers.host import quiet, settings
from workers.speech import FAILED, OK, PARTIAL, give_json, give_table, say
from workflows.errors import BadInput, Fault, NotFound
from workflows.ports import Discovers
from workflows.register.draft import draft_of
from workflows.register.drift import LOST
from workflows.register.load import load_register
from workflows.register.model import Register
from workflows.register.yaml_text import flow
from workflows.rules.picture import Picture, picture_of
from workflows.unmapped import changes_of

_NO_NAME = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class _Target:
    """What is looked at, and how its draft will reach it."""

    name: str
    kind: str
    connection: Sequence[str]
    discovery: Discovers


@click.command()
@click.argument("target", metavar="NAME-or-URL")
@click.option("--out", type=click.Path(path_type=Path), help="Write the draft here; a file that exists stays as it is.")
@click.option("--name", default="", help="What the source is to be called; default the database's name.")
@click.option("--schema", "schemas", multiple=True, help="Look only here; several times for several schemas.")
@click.option("--rows", default=200, type=click.IntRange(0, 10_000), help="Rows of each table to look at; 0 for none.")
@click.option("--json", "as_json", is_flag=True, help="The guesses instead of a draft.")
def scan(*, target: str, out: Path | None, name: str, schemas: tuple[str, ...], rows: int, as_json: bool) -> None:
    """Look around in a source and write a draft of its description.

    \b
    Examples:
      vastine source scan postgresql://reader@db/crm --out register/sources/crm.yaml
      vastine source scan crm > draft.yaml
      vastine source scan drops/survey               a folder of delimited files
    What is sampled is counted in memory and goes nowhere. A URL with a password in it can be read by others
    on this machine while it runs: put it into the register as a secret, or use the driver's own password file.
    """
    quiet()
    told = _target(target, name)
    try:
        found = told.discovery.discover(schemas=schemas)
        if not found.tables:
            raise NotFound("nothing_there", detail="there is no table here that this user may see")
        looked = told.discovery.look(found.tables, today=datetime.now(UTC).date(), rows=rows)
        picture = picture_of(told.discovery.alike(looked, default=found.default) if rows else looked)
    except ImportError:
        remedy = "begin it with postgresql:// or sqlite:///, or install the driver"
        raise BadInput([Fault("URL", "there is no driver for this kind of database", remedy)]) from None
    if as_json:
        give_json({"source": told.name, "tables": list(_told(picture))})
        return
    draft = draft_of(picture, source=told.name, kind=told.kind, connection=told.connection, default=found.default)
    _write(draft.text, out)
    say(
        f"{draft.collections} tables, {draft.personal} of them with personal data;"
        f" {draft.checks} places are marked CHECK and wait for you"
    )


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--json", "as_json", is_flag=True)
def diff(*, names: tuple[str, ...], as_json: bool) -> int:
    """What changed between sources and their descriptions.

    Ends 6 if a column that nobody described looks personal, 1 if something described is gone or can't be read.
    Columns are compared where there are names and types to compare; of new ones a sample is counted in memory.
    """
    from workflows.wiring import connector_of  # noqa: PLC0415  # loads everything

    quiet()
    told = settings()
    register = load_register(told.register)
    _known(names, register)
    rows = []
    for name in names or sorted(register.sources):
        connector = connector_of(register.sources[name], register, told.environ)
        if isinstance(connector, Discovers):
            found = changes_of(connector.spec, connector, today=datetime.now(UTC).date())
            rows += [{"source": name, **asdict(change)} for change in found]
        elif names:
            raise BadInput([_unsupported(name, register.sources[name].kind)])
        else:
            say(f"{name} is of kind {register.sources[name].kind}, in which nothing can be compared")
    if as_json:
        give_json(rows)
    else:
        shown = [{**row, "!": "!" if row["personal"] else ""} for row in rows]
        give_table(shown, ["!", "source", "kind", "collection", "field", "what"])
    if any(row["personal"] for row in rows):
        return PARTIAL
    return FAILED if any(row["kind"] in LOST for row in rows) else OK


def _known(names: Sequence[str], register: Register) -> None:
    if unknown := [name for name in names if name not in register.sources]:
        known = ", ".join(sorted(register.sources))
        raise NotFound("source", detail=f"the register has no source {', '.join(unknown)}; it has {known}")


def _target(target: str, name: str) -> _Target:
    from workflows.wiring import connector_of, discovery_at, discovery_in  # noqa: PLC0415  # loads everything

    if "://" in target:
        called = _slug(name or _database(target))
        return _Target(called, "sql", [f"url: {{env: VASTINE_SOURCE_{called.upper()}_URL}}"], discovery_at(target))
    if Path(target).exists() and not _is_source(target):
        kind, discovery, lines = discovery_in(Path(target))
        return _Target(_slug(name or Path(target).resolve().stem), kind, lines, discovery)
    told = settings()
    register = load_register(told.register)
    _known([target], register)
    spec = register.sources[target]
    connector = connector_of(spec, register, told.environ)
    if not isinstance(connector, Discovers):
        raise BadInput([_unsupported(target, spec.kind)])
    lines = [f"{key}: {flow(value)}" for key, value in spec.connection.items()]
    return _Target(_slug(name) if name else target, spec.kind, lines, connector)


def _is_source(target: str) -> bool:
    """Whether a name without any slash is a source's, though a file of that name lies here."""
    return "/" not in target and (settings().register / "sources" / f"{target}.yaml").is_file()


def _unsupported(name: str, kind: str) -> Fault:
    what = f"{name} is of kind {kind}, in which nothing can be looked around: it is described by hand"
    return Fault(name, what, "see docs/reference/sources.md")


def _database(url: str) -> str:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        remedy = "write it like postgresql://reader@host/database"
        raise BadInput([Fault("URL", "this is not a URL", remedy)]) from None
    return Path(parsed.database or "source").stem


def _slug(name: str) -> str:
    slug = _NO_NAME.sub("_", name.casefold()).strip("_")
    return slug if slug[:1].isalpha() else f"source_{slug}".rstrip("_")


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput([Fault(str(out), "this file exists, and a draft replaces nothing", "name another")]) from None
    except OSError as error:
        what = f"the file can't be written ({type(error).__name__})"
        raise BadInput([Fault(str(out), what, "name a folder that exists and that you may write to")]) from None


def _told(picture: Picture) -> Iterator[Mapping[str, Any]]:
    for one in picture.tables:
        yield {
            "schema": one.table.schema,
            "name": one.table.name,
            "role": one.role,
            "why": one.why,
            "sampled": not one.table.unread,
            "fields": [
                {
                    "name": field.name,
                    "type": field.type,
                    "category": (guess := one.guesses[field.name]).category,
                    "personal": guess.personal,
                    "confidence": guess.confidence,
                    "reason": guess.reason,
                    "identity": one.identities.get(field.name, ""),
                }
                for field in one.table.fields
            ],
            "references": [
                {"column": p.column, "table": p.place[1], "field": p.target, "why": p.reason, "declared": p.active}
                for p in one.pointers
            ],
        }
