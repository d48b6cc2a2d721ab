"""`vastine package` and `vastine letter`: what the person gets, for those who look after it."""

import base64
import os
import secrets
import shutil
from pathlib import Path

import click

from models.vocabulary import LANGUAGES, Letter, Right
from workers.speech import FAILED, give_json, say
from workflows.errors import BadInput, Conflict, Fault, NotFound


@click.group()
def package() -> None:
    """Packages: fetch one for a person, check one."""


@package.command()
@click.argument("reference")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new file; only you can read it.")
@click.option("--file", "name", default="package.zip", show_default=True, help="Another file of the request.")
@click.option("--as", "user", required=True, help="Who fetches it.")
def get(*, reference: str, out: Path, name: str, user: str) -> None:
    """Write a request's package, decrypted, to FILE; that is an entry in the audit."""
    from workers.host import runtime  # noqa: PLC0415
    from workflows.answer import fetch  # noqa: PLC0415
    from workflows.staffing import require_user  # noqa: PLC0415
    from workflows.views import find_request  # noqa: PLC0415

    if out.exists():
        raise Conflict("exists", detail="the file exists already; name another one")
    rt = runtime()
    with rt.unit() as session:
        require_user(session, user)
        request = find_request(session, reference, lock=True)
        artifact, key = fetch(session, rt, request, name, actor=user)
        blob = artifact.blob
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target, rt.blobs.read(blob, key) as plain:
            shutil.copyfileobj(plain, target, 1 << 20)
        beside.replace(out)
    except OSError as error:
        raise BadInput([Fault("--out", f"the file can't be written ({error.strerror})", "name another one")]) from None
    finally:
        beside.unlink(missing_ok=True)
    say(f"{out} written; delete it once it is handed over")


@package.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--public-key", help="Base64 of the signer's key: proves who made it, not only that it is whole.")
@click.option("--json", "as_json", is_flag=True)
def verify(*, file: Path, public_key: str | None, as_json: bool) -> int:
    """Check a package without the database: every file as packed, none added, signature good."""
    from workflows.documents.verify import verify_package  # noqa: PLC0415

    if not file.is_file():
        raise NotFound("file", detail="there is no such file")
    faults = verify_package(file, public_key=_key(public_key))
    if as_json:
        told = [{"where": f.where, "what": f.what, "remedy": f.remedy} for f in faults]
        give_json({"whole": not faults, "faults": told})
    else:
        for fault in faults:
            click.echo(f"✖ {fault.where}: {fault.what} → {fault.remedy}")
    if not faults:
        say("✔ every file is as it was packed")
    return FAILED if faults else 0


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.removeprefix("ed25519 ").strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        remedy = "take it from public_key.txt of a package you trust"
        raise BadInput([Fault("--public-key", "this is no Ed25519 key in base64", remedy)])
    return raw


@click.group()
def letter() -> None:
    """Letters and mails of this register."""


@letter.command()
@click.argument("name", metavar="LETTER", type=click.Choice([kind.value for kind in Letter]))
@click.option("--lang", type=click.Choice(LANGUAGES), required=True)
@click.option("--right", type=click.Choice(["access", "portability", "erasure"]), default="access", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Where the PDF goes.")
@click.option("--mail", "as_mail", is_flag=True, help="Show the mail instead of the letter.")
def preview(*, name: str, lang: str, right: str, out: Path | None, as_mail: bool) -> None:
    """Render a letter for an invented case, with this register's texts."""
    from workers.host import quiet, settings  # noqa: PLC0415
    from workflows.documents.documents import Documents  # noqa: PLC0415
    from workflows.documents.sample import sample_case  # noqa: PLC0415
    from workflows.register.load import load_register  # noqa: PLC0415

    if out is None and not as_mail:
        raise BadInput([Fault("--out", "a letter needs a file", "name one that ends in .pdf, or ask for --mail")])
    quiet()
    register = load_register(settings().register)
    case = sample_case(register, lang, right=Right(right))
    documents = Documents(register, signing_key=None)
    try:
        if as_mail:
            text = documents.mail(Letter(name), case)
            click.echo(f"{text.subject}\n\n{text.body}")
        if out is not None:
            out.write_bytes(documents.letter(Letter(name), case))
            say(f"{out} written")
    finally:
        documents.close()
