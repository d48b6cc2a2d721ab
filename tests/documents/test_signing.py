"""Letters that carry the controller's signature, as a stranger's program checks it."""

import io
import logging
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from models.vocabulary import Letter
from tests.fakes import SettableClock
from workers.checking import offline
from workflows.documents.documents import Documents
from workflows.documents.signing import LetterSigner
from workflows.errors import BadInput, PersonMustLook
from workflows.settings import Settings

PASSWORD = "korrekt häst"
NOW = datetime.now(UTC).replace(microsecond=0)


def certificate(key, *, issuer=None, signs_documents: bool = True, days: int = 400) -> x509.Certificate:
    """A certificate of an invented company, from its own hand or from that of `issuer` (key, certificate)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Esimerkki Oy" if issuer else "Esimerkki CA")])
    signer, by = issuer or (key, None)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=500))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=bool(issuer) and signs_documents,
                content_commitment=bool(issuer) and signs_documents,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    return made.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def root():
    key = ec.generate_private_key(ec.SECP256R1())
    return key, certificate(key)


@pytest.fixture
def place(tmp_path, root):
    """Writes a signing file of the company and says where it is."""

    def write(form: str = "pem", *, password: str = "", days: int = 400, signs_documents: bool = True) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        own = certificate(key, issuer=root, days=days, signs_documents=signs_documents)
        lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        path = tmp_path / f"seal.{form}"
        if form == "p12":
            path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, own, [root[1]], lock))
        else:
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
            path.write_bytes(root[1].public_bytes(Encoding.PEM) + private + own.public_bytes(Encoding.PEM))
        return path

    return write


def signer(path: Path, password: str = "", at: datetime = NOW) -> LetterSigner:
    return LetterSigner.from_file(path, password=password, clock=SettableClock(at))


def judged(pdf: bytes, root):
    from asn1crypto.x509 import Certificate as Asn1Certificate

    trust = ValidationContext(
        trust_roots=[Asn1Certificate.load(root[1].public_bytes(Encoding.DER))], allow_fetching=False
    )
    (embedded,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return embedded, validate_pdf_signature(embedded, trust)


@pytest.mark.parametrize(("form", "password"), [("pem", ""), ("pem", PASSWORD), ("p12", ""), ("p12", PASSWORD)])
def test_a_signed_letter_is_whole_trusted_and_still_tagged(new_register, case, place, root, tmp_path, form, password):
    made = Documents(new_register(), signing_key=None, signer=signer(place(form, password=password), password))
    try:
        pdf = made.letter(Letter.REFUSAL, case("sv"))
    finally:
        made.close()
    embedded, status = judged(pdf, root)
    assert status.bottom_line
    assert status.coverage.name == "ENTIRE_FILE"
    assert embedded.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert file.Root.MarkInfo.Marked
        assert str(file.Root.Lang) == "sv"
    if shutil.which("pdfsig"):
        (tmp_path / "letter.pdf").write_bytes(pdf)
        told = subprocess.run(
            ["pdfsig", "-nocert", str(tmp_path / "letter.pdf")], check=False, capture_output=True, text=True
        )
        assert "Signature is Valid" in told.stdout
        assert "Total document signed" in told.stdout


def test_a_letter_that_was_changed_afterwards_is_not_whole(documents, case, place, root):
    pdf = signer(place()).sign(documents.letter(Letter.REFUSAL, case()))
    at = len(pdf) // 10
    changed = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
    assert not judged(changed, root)[1].bottom_line


@pytest.mark.parametrize("days", [-1, 5])
def test_no_letter_is_signed_with_a_certificate_that_is_not_in_force(documents, case, place, days):
    path, at = place(days=days), NOW if days < 0 else NOW - timedelta(days=600)
    with pytest.raises(PersonMustLook, match="signing_certificate"):
        signer(path, at=at).sign(documents.letter(Letter.REFUSAL, case()))


@pytest.mark.parametrize(
    ("form", "given", "password", "what"),
    [
        ("p12", PASSWORD, "wrong one", "can't be opened"),
        ("pem", PASSWORD, "", "can't be opened"),
        ("pem", "", "", "not for signatures"),
        ("nothing", "", "", "can't be opened"),
        ("missing", "", "", "can't be read"),
    ],
)
def test_a_file_that_can_not_sign_is_told_with_its_remedy_and_no_secret(place, tmp_path, form, given, password, what):
    path = tmp_path / "x"
    if form in ("pem", "p12"):
        path = place(form, password=given, signs_documents=what != "not for signatures")
    elif form == "nothing":
        path.write_bytes(b"hello")
    with pytest.raises(BadInput) as told:
        signer(path, password)
    (fault,) = told.value.faults
    assert what in fault.what
    assert fault.remedy
    assert not password or password not in str(told.value) + repr(told.value.faults)


def test_a_key_without_its_own_certificate_is_turned_away(place, root, tmp_path):
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "other.pem"
    path.write_bytes(private + root[1].public_bytes(Encoding.PEM))
    with pytest.raises(BadInput, match="bad_signing_key"):
        signer(path)


def test_nothing_of_the_key_or_the_person_is_logged(documents, case, place, caplog):
    path = place(password=PASSWORD)
    with caplog.at_level(logging.DEBUG):
        one = signer(path, PASSWORD)
        one.sign(documents.letter(Letter.REFUSAL, case()))
    assert "PRIVATE" not in caplog.text
    assert PASSWORD not in caplog.text + repr(one) + str(vars(one))
    assert case().name not in caplog.text


@pytest.mark.parametrize(("days", "status"), [(400, "ok"), (20, "warn"), (-1, "fail")])
def test_the_check_says_until_when_letters_can_be_signed(place, tmp_path, days, status):
    environ = {"VASTINE_DATA_DIR": str(tmp_path / "var"), "VASTINE_SIGNING_KEY_FILE": str(place(days=days))}
    told = [f for f in offline(Settings.from_environ(environ)) if f.area == "signing"]
    assert [f.status for f in told] == [status]
    assert "Esimerkki Oy" in told[0].text
