"""`vastine mandate`: look at the right by which somebody acts for another, and say what was seen of it."""

from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from models.mandate import AnswerTo, Mandate
from models.request import Request
from models.vocabulary import Method, Right
from workers.host import runtime
from workers.speech import give_json, say
from workflows import acting, audit
from workflows.acting import Holder
from workflows.casefile import open_key
from workflows.errors import BadInput, Fault, NotFound
from workflows.mandates import checking, ending
from workflows.mandates.seen import ticked
from workflows.mandates.terms import Terms
from workflows.register.mandates import mandate_kinds
from workflows.rules import identifiers
from workflows.rules.mandates import lines_needed, people_needed
from workflows.runtime import Runtime
from workflows.staffing import require_user
from workflows.views import find_request

_KINDS = click.Choice(list(mandate_kinds()))
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def mandate() -> None:
    """Somebody acts for another: what was seen of their mandate, and what follows."""


@mandate.command()
@click.argument("reference")
@click.option("--kind", type=_KINDS, help="Show this kind's check list instead of the one that was said.")
@click.option("--as", "user", required=True, help="Who looks.")
def show(*, reference: str, kind: str | None, user: str) -> None:
    """The mandate as JSON: where it stands, who acts, what has to be seen; an entry in the audit."""
    rt = runtime()
    with rt.unit() as session:
        require_user(session, user)
        request, row = _found(session, reference)
        looked = {"what": "mandate", "how": "command line"}
        audit.record(session, "case:read", at=rt.now(), actor=user, request_id=request.id, facts=looked)
        shown = _shown(session, rt, request, row, kind=kind or row.kind)
    give_json(shown)


def _shown(session: Session, rt: Runtime, request: Request, row: Mandate, *, kind: str) -> dict[str, Any]:
    key = open_key(session, rt, request.data_key_id)
    holder = acting.holder_of(key, row)
    known = mandate_kinds()[kind].check_list()
    return {
        "reference": request.reference,
        "right": request.right.value,
        "kind": kind,
        "standing": acting.standing_of(rt, request, row).value,
        "rights": row.rights,
        "categories": row.categories,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
        "answer_to": row.answer_to.value,
        "holder": {"name": holder.name, "email": holder.email, "phone": holder.phone},
        "lines": lines_needed(known, request.right, 17 if known.of_minor else None),
        "seen": {code: one.checked_by for code, one in ticked(session, request).items()},
        "people": people_needed(known, request.right),
        "accepted_by": [name for name in (row.offered_by, row.proven_by) if name],
        "hash": row.offer_digest.hex() if row.offer_digest else None,
    }


@mandate.command()
@click.argument("reference")
@click.option("--kind", type=_KINDS, required=True)
@click.option("--seen", multiple=True, help="A line of the check list that you have seen; more than once.")
@click.option("--identity", multiple=True, metavar="KEY=VALUE", help="Whom it is about, as the records have it.")
@click.option("--holder", required=True, help="The name of whoever acts.")
@click.option("--email", default="", help="Where the answer goes if it goes to them.")
@click.option("--phone", default="", help="With call_back: the number on which you called whoever acts.")
@click.option("--verified-by", "method", type=click.Choice(["desk", "call_back"]), required=True)
@click.option("--answer-to", type=click.Choice([to.value for to in AnswerTo]), default="subject", show_default=True)
@click.option("--right", "rights", multiple=True, type=click.Choice([r.value for r in Right]), required=True)
@click.option("--category", "categories", multiple=True, help="A category of data; without any: all.")
@click.option("--from", "from_on", type=_DAY)
@click.option("--until", "until_on", type=_DAY, help="The last day that the document names.")
@click.option("--born-on", type=_DAY, help="Of a child; not kept.")
@click.option("--as", "user", required=True)
def accept(*, reference: str, user: str, **said: Any) -> None:
    """Say that the mandate is real; prints a hash where a second person has to say so too."""
    rt = runtime()
    email = identifiers.normalise(identifiers.EMAIL, said["email"]) if said["email"] else ""
    if email is None:
        raise BadInput([Fault("email", "email_invalid", "write an address like name@example.com")])
    terms = Terms(
        kind=said["kind"],
        ticked=frozenset(said["seen"]),
        identifiers=_identities(said["identity"]),
        method=Method(said["method"]),
        holder=Holder(said["holder"].strip(), email, said["phone"].strip()),
        answer_to=AnswerTo(said["answer_to"]),
        rights=frozenset(Right(right) for right in said["rights"]),
        categories=frozenset(said["categories"]) or None,
        **{name: _day(said[name]) for name in ("from_on", "until_on", "born_on")},
    )
    with rt.unit() as session:
        request, row = _found(session, reference)
        missing = checking.accept(session, rt, request, user=user, terms=terms)
        digest = row.offer_digest.hex() if missing and row.offer_digest else ""
    if digest:
        say("noted; somebody else looks at the same and confirms")
        click.echo(digest)
    else:
        say("accepted; the case goes on")


@mandate.command()
@click.argument("reference")
@click.option("--mandate", "digest", required=True, help="The hash of what you looked at, whole.")
@click.option("--as", "user", required=True)
def confirm(*, reference: str, digest: str, user: str) -> None:
    """The second person's word."""
    rt = runtime()
    with rt.unit() as session:
        request, _ = _found(session, reference)
        checking.confirm(session, rt, request, user=user, digest=digest.strip().lower())
    say("confirmed; the case goes on")


@mandate.command()
@click.argument("reference")
@click.option("--seen", multiple=True, help="death_seen")
@click.option("--as", "user", required=True)
def estate(*, reference: str, seen: tuple[str, ...], user: str) -> None:
    """It is about somebody who has died: answer with the letter to the estate."""
    rt = runtime()
    with rt.unit() as session:
        request, _ = _found(session, reference)
        checking.tick(session, rt, request, user=user, kind="estate", codes=seen)
        checking.estate(session, rt, request, user=user)
    say("the letter to the estate goes out")


@mandate.command()
@click.argument("reference")
@click.option("--reason", required=True)
@click.option("--as", "user", required=True)
def refuse(*, reference: str, reason: str, user: str) -> None:
    """No mandate was shown: refuse, before anybody is proven."""
    rt = runtime()
    with rt.unit() as session:
        request, _ = _found(session, reference)
        checking.refuse(session, rt, request, user=user, reason=reason)
    say("refused; the certificate follows")


@mandate.command()
@click.argument("reference")
@click.option("--reason", required=True)
@click.option("--as", "user", required=True)
def revoke(*, reference: str, reason: str, user: str) -> None:
    """The mandate was taken back: nothing more is given out or erased by it."""
    rt = runtime()
    with rt.unit() as session:
        request, _ = _found(session, reference)
        ending.revoke(session, rt, request, user=user, reason=reason)
    say("noted; what it asked for stops")


@mandate.command()
@click.argument("reference")
@click.option("--reason", required=True)
@click.option("--as", "user", required=True)
def themselves(*, reference: str, reason: str, user: str) -> None:
    """Nobody acts for another after all: the person asks themselves."""
    rt = runtime()
    with rt.unit() as session:
        request, _ = _found(session, reference)
        checking.themselves(session, rt, request, user=user, reason=reason)
    say("noted; the person proves who they are like anybody")


def _found(session: Session, reference: str) -> tuple[Request, Mandate]:
    request = find_request(session, reference, lock=True)
    row = acting.mandate_of(session, request)
    if row is None:
        raise NotFound("mandate", detail="nobody acts for another in this case")
    return request, row


def _identities(given: tuple[str, ...]) -> dict[str, str]:
    told = {}
    for pair in given:
        name, _, text = pair.partition("=")
        value = identifiers.normalise(name, text) if name in identifiers.KINDS else None
        if value is None:
            raise BadInput(
                [Fault("identity", "can't be read", f"KEY=VALUE with one of {', '.join(identifiers.KINDS)}")]
            )
        told[name] = value
    return told


def _day(value: datetime | None) -> Any:
    return value.date() if value else None
