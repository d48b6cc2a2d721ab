"""`vastine refusal`: refuse as unfounded or excessive, on facts and by two people."""

import click

from workers.host import runtime
from workers.speech import give_json, say
from workflows import audit, guarding
from workflows.casefile import open_key
from workflows.errors import BadInput, Conflict, Fault
from workflows.staffing import require_user
from workflows.stages import decision
from workflows.views import find_request


@click.group()
def refusal() -> None:
    """The case for a refusal as unfounded or excessive."""


@refusal.command()
@click.argument("reference")
@click.option("--ground", required=True, help="unfounded, excessive, or a guarded ground of the register.")
@click.option("--evidence", required=True, help="What proves it, 40 characters or more; it stays with the case.")
@click.option("--reason", required=True, help="The reason in words; it goes into the letter.")
@click.option("--fee", type=click.Choice(guarding.FEE_WORDS), required=True, help="Why a fee does not do instead.")
@click.option("--as", "user", required=True)
def prepare(*, reference: str, ground: str, evidence: str, reason: str, fee: str, user: str) -> None:
    """Put the case on record; prints the hash of what a second person then agrees to."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        row = guarding.prepare(
            session, rt, request, user=user, ground=ground, evidence=evidence, reason=reason, fee=fee
        )
        digest = row.digest.hex()
    say("prepared; somebody else reads it with `vastine refusal show` and agrees")
    click.echo(digest)


@refusal.command()
@click.argument("reference")
@click.option("--as", "user", required=True, help="Who looks.")
def show(*, reference: str, user: str) -> None:
    """The open case as JSON: facts, evidence, reason, fee, hash; an entry in the audit."""
    rt = runtime()
    with rt.unit() as session:
        require_user(session, user)
        request = find_request(session, reference, lock=True)
        row = guarding.open_case(session, request)
        if row is None:
            raise Conflict("no_refusal_case", detail="nobody prepared a case for a refusal")
        looked = {"what": "refusal", "how": "command line"}
        audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
        evidence, reason = guarding.words_of(row, open_key(session, rt, request.data_key_id))
        shown = {
            "reference": request.reference,
            "state": row.state.value,
            "ground": row.ground,
            "facts": row.facts,
            "changed": row.facts != guarding.facts_of(session, request),
            "evidence": evidence,
            "reason": reason,
            "fee": row.fee_word,
            "fee_cents": row.fee_cents,
            "prepared_by": row.prepared_by,
            "hash": row.digest.hex(),
        }
    give_json(shown)


@refusal.command()
@click.argument("reference")
@click.option("--case", "digest", required=True, help="The hash of the case you read, whole.")
@click.option("--as", "user", required=True)
def agree(*, reference: str, digest: str, user: str) -> None:
    """The second person's word; the request is refused at once."""
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        decision.agree_to_refuse(session, rt, request, user=user, digest=digest.strip().lower())
    say("refused; the certificate follows")


@refusal.command()
@click.argument("reference")
@click.option("--announced", help="A fee of the register's scale that the person is asked for by letter.")
@click.option("--settled", type=click.Choice(["accepted", "paid"]), help="What the person did: the request goes on.")
@click.option("--as", "user", required=True)
def fee(*, reference: str, announced: str | None, settled: str | None, user: str) -> None:
    """A fee in place of a refusal: that it was announced, or that it is settled."""
    if (announced is None) == (settled is None):
        raise BadInput([Fault("fee", "say one of both", "give --announced or --settled")])
    rt = runtime()
    with rt.unit() as session:
        request = find_request(session, reference, lock=True)
        if announced is not None:
            cents = guarding.announce_fee(session, rt, request, user=user, fee=announced)
            say(f"announced: {cents} cents; nothing goes out until it is settled or the case is")
        else:
            guarding.settle_fee(session, rt, request, user=user, how=settled or "")
            say("settled; the request goes on")


@refusal.command()
@click.argument("reference")
@click.option("--as", "user", required=True)
def drop(*, reference: str, user: str) -> None:
    """The request is not refused after all: it goes on."""
    rt = runtime()
    with rt.unit() as session:
        guarding.drop(session, rt, find_request(session, reference, lock=True), user=user)
    say("dropped; the request goes on")
