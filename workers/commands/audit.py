"""`vastine audit`: the record of what was done, checked and exported."""

import json
import sys
from pathlib import Path
from typing import Any, TextIO

import click
from sqlalchemy import select

from models.audit import AuditEntry
from workers.host import runtime
from workers.speech import FAILED, give_json, say
from workflows.audit import broken_links, heads
from workflows.errors import BadInput, Fault
from workflows.views import find_request


@click.group()
def audit() -> None:
    """The append-only record of what was done, by whom and why."""


@audit.command()
@click.option("--against", type=click.Path(path_type=Path), help="Heads exported earlier: shows a cut tail too.")
@click.option("--json", "as_json", is_flag=True)
def verify(*, against: Path | None, as_json: bool) -> int:
    """Recompute every chain; names the first broken link of each and exits 1 if there is one."""
    kept = _heads_in(against) if against else {}
    rt = runtime()
    with rt.unit() as session:
        found = [{"chain": b.chain, "n": b.n, "why": b.why} for b in broken_links(session)]
        now = heads(session)
        for chain, (n, digest) in kept.items():
            had = _digest_at(session, chain, n)
            if had != digest:
                found.append({"chain": chain, "n": n, "why": "cut off" if had is None else "not what was exported"})
    if as_json:
        give_json({"whole": not found, "chains": len(now), "broken": found})
    else:
        for link in found:
            click.echo(f"✖ chain {link['chain']} entry {link['n']}: {link['why']}")
    if not found:
        say(f"✔ {len(now)} chains, {sum(n for n, _ in now.values())} entries, none broken")
    return FAILED if found else 0


def _digest_at(session: Any, chain: str, n: int) -> str | None:
    digest: bytes | None = session.scalar(select(AuditEntry.digest).where(AuditEntry.chain == chain, AuditEntry.n == n))
    return digest.hex() if digest else None


def _heads_in(path: Path) -> dict[str, tuple[int, str]]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {str(chain): (int(head["n"]), str(head["digest"])) for chain, head in plain.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        remedy = "make one with `vastine audit export --heads`"
        raise BadInput([Fault("--against", "this is no file of heads", remedy)]) from None


@audit.command()
@click.option("--out", type=click.Path(path_type=Path), help="A file instead of standard output.")
@click.option("--request", "reference", help="The chain of one request.")
@click.option(
    "--heads", "heads_only", is_flag=True, help="Only each chain's length and last digest: keep it elsewhere."
)
def export(*, out: Path | None, reference: str | None, heads_only: bool) -> None:
    """Write the entries as JSON lines, in the order of the chains; no personal data is in them."""
    rt = runtime()
    stream: TextIO = out.open("w", encoding="utf-8") if out else sys.stdout
    try:
        with rt.unit() as session:
            if heads_only:
                kept = {chain: {"n": n, "digest": digest} for chain, (n, digest) in heads(session).items()}
                stream.write(json.dumps(kept, indent=1) + "\n")
                return
            query = select(AuditEntry).order_by(AuditEntry.chain, AuditEntry.n)
            if reference:
                query = query.where(AuditEntry.request_id == find_request(session, reference).id)
            for entry in session.scalars(query.execution_options(yield_per=500)):
                stream.write(json.dumps(_plain(entry), ensure_ascii=False) + "\n")
    finally:
        if out:
            stream.close()


def _plain(entry: AuditEntry) -> dict[str, Any]:
    return {
        "chain": entry.chain,
        "n": entry.n,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "event": entry.event,
        "facts": entry.facts,
        "sealed": entry.sealed.hex() if entry.sealed else None,
        "previous": entry.previous.hex(),
        "digest": entry.digest.hex(),
    }
