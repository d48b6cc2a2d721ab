"""A signature is put on record for what it is worth, and proves nobody whatever it is worth."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, PKCS12KeyAndCertificates
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from models.audit import AuditEntry
from models.request import Request
from models.vocabulary import RequestState
from tests.documents.test_signing import NOW, certificate
from tests.fakes import SettableClock
from tests.webhooks.desk import Desk, give_passwords
from tests.world import make_world, open_world, prepare, write_register
from webhooks.staff import create_app
from workflows.documents.signatures import PdfSignatures
from workflows.documents.signing import LetterSigner
from workflows.errors import BadInput, NotAllowed
from workflows.ladder import supporting


def page() -> bytes:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


class Signing:
    """A root that is trusted and one that is not, and somebody with a certificate of each."""

    def __init__(self) -> None:
        self.clock = SettableClock(NOW)
        self.roots = [self._root() for _ in range(2)]
        trusted = [cert.public_bytes(Encoding.DER) for _, cert in self.roots[:1]]
        self.look = PdfSignatures(trusted, clock=self.clock)

    def _root(self):
        key = ec.generate_private_key(ec.SECP256R1())
        return key, certificate(key)

    def sign(self, pdf: bytes, *, root: int = 0, days: int = 400) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        mine = certificate(key, issuer=self.roots[root], days=days)
        others = [PKCS12Certificate(self.roots[root][1], None)]
        bundle = PKCS12KeyAndCertificates(key, PKCS12Certificate(mine, None), others)
        return LetterSigner(bundle, clock=self.clock).sign(pdf)


@pytest.fixture(scope="module")
def signing() -> Signing:
    return Signing()


def added_to(pdf: bytes) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer.root["/Lang"] = writer.root.raw_get("/Lang") if "/Lang" in writer.root else _text("fi")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _text(word: str):
    from pyhanko.pdf_utils.generic import TextStringObject

    return TextStringObject(word)


def broken(pdf: bytes) -> bytes:
    at = pdf.index(b"/MediaBox")
    return pdf[:at] + pdf[at:].replace(b"612", b"613", 1)


CASES: dict[str, Callable[[Signing], bytes]] = {
    "good": lambda s: s.sign(page()),
    "unknown_signer": lambda s: s.sign(page(), root=1),
    "added_to": lambda s: added_to(s.sign(page())),
    "broken": lambda s: broken(s.sign(page())),
    "none": lambda _: page(),
    "unreadable": lambda _: b"%PDF-1.7 and nothing more",
}


@pytest.mark.parametrize("result", CASES)
def test_a_signature_is_worth_what_it_is_worth(signing: Signing, result: str) -> None:
    assert signing.look(CASES[result](signing)).result == result


def test_a_certificate_that_has_expired_vouches_for_nobody(signing: Signing) -> None:
    pdf = signing.sign(page(), days=1)
    assert signing.look(pdf).result == "good"
    signing.clock.advance(days=2)
    assert signing.look(pdf).result in ("unknown_signer", "broken")
    signing.clock.advance(days=-2)


def test_nobody_is_trusted_where_no_root_is_named(signing: Signing) -> None:
    assert PdfSignatures([], clock=signing.clock)(signing.sign(page())).result == "unknown_signer"


@given(st.binary(max_size=200))
def test_whatever_comes_is_looked_at_and_never_raises(content: bytes) -> None:
    assert PdfSignatures([], clock=SettableClock(NOW))(b"%PDF-1.4\n" + content).result in ("none", "unreadable")


def test_the_best_signature_proves_nobody_and_its_result_is_on_record(tmp_path: Path, signing: Signing) -> None:
    environ = prepare(tmp_path)
    root = signing.roots[0][1].public_bytes(Encoding.PEM)
    (tmp_path / "register" / "roots.pem").write_bytes(root)
    controller = "{name: Shop Oy, delivery: {objection_hours: 0}, identity: {signature_roots: [roots.pem]}}"
    write_register(tmp_path / "register", {"controller.yaml": controller})
    world = open_world(environ, clock=SettableClock(NOW + timedelta(minutes=1)))
    give_passwords(world)
    ident = world.open(desk=False)
    world.work()
    there = f"/requests/{world.request(ident).reference}"
    app = create_app(world.rt)
    app.testing = True
    cleo = Desk(app, "cleo")
    shown = cleo.send(there, f"{there}/signed-pdf", {"pdf": (io.BytesIO(signing.sign(page())), "x.pdf")})
    assert shown.headers["Location"].endswith("done=signed_good")
    assert cleo.send(there, f"{there}/hand-signed", {"compared": "alike"}).status_code == 302
    assert cleo.send(there, f"{there}/hand-signed", {"compared": "lovely"}).status_code == 422
    assert cleo.send(there, f"{there}/signed-pdf", {}).status_code == 422
    world.work()
    row = world.request(ident)
    assert (row.state, row.proof_sealed, row.verified_method) == (RequestState.VERIFYING, None, None)
    with world.rt.unit() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.event == "identity:supporting")).all()
    assert [(r.actor, r.facts["kind"], r.facts["result"]) for r in rows] == [
        ("cleo", "signed_pdf", "good"),
        ("cleo", "hand_signed", "alike"),
    ]
    assert "Esimerkki" not in str([r.facts for r in rows])
    world.close()


def test_only_staff_who_work_on_cases_put_a_signature_on_record(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    give_passwords(world)
    ident = world.open(desk=False)
    with world.rt.unit() as session:
        row = session.get_one(Request, ident, with_for_update=True)
        for name in ("ilse", "nobody"):
            with pytest.raises(NotAllowed):
                supporting.look_at_pdf(session, world.rt, row, page(), user=name)
            with pytest.raises(NotAllowed):
                supporting.compared(session, world.rt, row, how="alike", user=name)
    world.close()


@pytest.mark.parametrize("name", ["nothing.pem", "../outside.pem", "empty.pem"])
def test_a_root_that_is_not_there_is_said_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "register").mkdir()
    (tmp_path / "outside.pem").write_bytes(
        certificate(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.PEM)
    )
    (tmp_path / "register" / "empty.pem").write_text("no certificate")
    with pytest.raises(BadInput):
        PdfSignatures.from_files(tmp_path / "register", [name], clock=SettableClock(NOW))
