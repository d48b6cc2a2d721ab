"""`vastine suppression`: the register of bans."""

from collections.abc import Sequence
from pathlib import Path

import click

from models.vocabulary import Ban, Channel
from workers.host import runtime
from workers.speech import give_json, give_table, say
from workflows.errors import BadInput, Fault
from workflows.list_export import filter_list
from workflows.rules.bans import IDENTITIES
from workflows.runtime import Runtime
from workflows.suppression import Banning, lift_bans, list_bans, may_ban, set_bans

_BANS = click.Choice([ban.value for ban in Ban])


@click.group()
def suppression() -> None:
    """Bans on marketing, research, disclosure and directories; kept without any contact in words."""


@suppression.command("list")
@click.option("--contact", "contacts", multiple=True, metavar="KIND=VALUE", help="Only bans of this contact.")
@click.option("--all", "all_of_them", is_flag=True, help="Those that ended, too.")
@click.option("--json", "as_json", is_flag=True)
def list_(*, contacts: Sequence[str], all_of_them: bool, as_json: bool) -> None:
    """List bans, the newest first."""
    rt = runtime()
    asked = _pairs(contacts) if contacts else None
    with rt.unit() as session:
        rows = [
            {
                "id": str(row.id),
                "ban": row.ban.value,
                "kind": row.identity,
                "channel": row.channel.value,
                "origin": row.origin,
                "proof": row.proof,
                "set_at": row.set_at.isoformat(),
                "set_by": row.set_by,
                "lifted_at": row.lifted_at.isoformat() if row.lifted_at else None,
                "lifted_by": row.lifted_by,
                "lift_proof": row.lift_proof,
            }
            for row in list_bans(session, rt, contacts=asked, lifted=all_of_them)
        ]
    if as_json:
        give_json(rows)
    else:
        give_table(rows, ["ban", "kind", "channel", "origin", "proof", "set_at", "set_by", "lifted_at"])


@suppression.command()
@click.option("--ban", "bans", type=_BANS, multiple=True, required=True, help="Several times for several.")
@click.option("--contact", "contacts", multiple=True, required=True, metavar="KIND=VALUE")
@click.option("--channel", type=click.Choice([c.value for c in Channel]), default=Channel.PHONE.value)
@click.option("--proof", default="noted by staff", help="What shows it: a code or a number, never a name.")
@click.option("--as", "user", required=True)
def add(*, bans: Sequence[str], contacts: Sequence[str], channel: str, proof: str, user: str) -> None:
    """Set bans; they are in force when this returns."""
    rt = runtime()
    _staff(rt, user)
    how = Banning(Channel(channel), origin="staff", proof=proof[:64], by=user)
    with rt.unit() as session:
        fresh = set_bans(session, rt, bans=map(Ban, bans), contacts=_pairs(contacts), how=how)
        count = len(fresh)
    say(f"{count} bans set" if count else "they were in force already")


@suppression.command()
@click.option("--ban", "bans", type=_BANS, multiple=True, required=True, help="Several times for several.")
@click.option("--contact", "contacts", multiple=True, required=True, metavar="KIND=VALUE")
@click.option("--proof", required=True, help="What shows that the person consented again: a code or a number.")
@click.option("--as", "user", required=True)
def lift(*, bans: Sequence[str], contacts: Sequence[str], proof: str, user: str) -> None:
    """End bans, by the person's later consent alone; the register keeps that they were."""
    rt = runtime()
    _staff(rt, user)
    with rt.unit() as session:
        count = lift_bans(session, rt, bans=map(Ban, bans), contacts=_pairs(contacts), by=user, proof=proof)
    say(f"{count} bans ended")


@suppression.command("filter")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--purpose", type=_BANS, required=True, help="The ban that must not stand against a line.")
@click.option("--column", "columns", multiple=True, required=True, metavar="KIND[=COLUMN[+COLUMN…]]")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new file.")
@click.option("--encoding", default="utf-8", help="Of both files: utf-8, latin-1, cp1252 …")
@click.option("--as", "user", required=True)
@click.option("--json", "as_json", is_flag=True)
def filter_(
    *, file: Path, purpose: str, columns: Sequence[str], out: Path, encoding: str, user: str, as_json: bool
) -> None:
    """Copy a CSV list without those who forbade its purpose; the run goes on record."""
    rt = runtime()
    _staff(rt, user)
    named = [(kind, (name or kind).split("+")) for kind, _, name in (column.partition("=") for column in columns)]
    done = filter_list(rt, file, out, ban=Ban(purpose), columns=named, encoding=encoding, by=user)
    if as_json:
        give_json({"kept": done.kept, "banned": done.banned, "unreadable": done.unreadable})
    else:
        say(f"{done.kept} lines kept, {done.banned} banned, {done.unreadable} without a contact that can be compared")


def _staff(rt: Runtime, user: str) -> None:
    with rt.unit() as session:
        may_ban(session, user)


def _pairs(contacts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for contact in contacts:
        kind, mark, value = contact.partition("=")
        if not mark or kind not in IDENTITIES or kind in pairs:
            raise BadInput(
                [Fault("--contact", "is not KIND=VALUE, each kind once", f"KIND is {', '.join(IDENTITIES)}")]
            )
        pairs[kind] = value
    return pairs
