"""The controller's signature on letters: PAdES, with a key and certificate from a file that only we read."""

import io
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from workflows.errors import BadInput, Fault, PersonMustLook
from workflows.ports import Clock

FIELD = "Signature"
WARN_BEFORE = timedelta(days=30)
_LARGEST_BYTES = 1 << 20
_FORMS = "a PEM file with the key and its certificates, or a PKCS#12 file (.p12, .pfx)"
_SETTING = "VASTINE_SIGNING_KEY_FILE"


class LetterSigner:
    """Signs PDFs as the controller. Nothing it raises or shows holds the key or its password."""

    def __init__(self, bundle: pkcs12.PKCS12KeyAndCertificates, *, clock: Clock) -> None:
        self._bundle = bundle
        self._clock = clock

    @classmethod
    def from_file(cls, path: Path, *, password: str = "", clock: Clock) -> "LetterSigner":
        """Read key and certificates; raises `BadInput` that says what is wrong with the file."""
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST_BYTES)
        except OSError:
            raise _bad("the file can't be read", "check the path and its rights") from None
        return cls(_usable(_read(raw, password.encode() or None)), clock=clock)

    @property
    def subject(self) -> str:
        """Whom the certificate names."""
        return self._certificate.subject.rfc4514_string()

    @property
    def expires_at(self) -> datetime:
        """The certificate's last instant, UTC."""
        return self._certificate.not_valid_after_utc

    def in_force(self) -> bool:
        """Whether the certificate is valid now."""
        return self._certificate.not_valid_before_utc <= self._clock.now() <= self.expires_at

    def sign(self, pdf: bytes) -> bytes:
        """The PDF with a PAdES B-B signature over all of it, as the last thing that is done to it.

        Raises `PersonMustLook("signing_certificate")` where the certificate is not in force: a letter that was to
        be signed does not go out without, or with a signature that nobody should believe.
        """
        if not self.in_force():
            raise PersonMustLook("signing_certificate", detail="The certificate that signs letters is not in force.")
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - takes a second
        from pyhanko.sign import fields, signers  # noqa: PLC0415

        meta = signers.PdfSignatureMetadata(
            field_name=FIELD, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
        )
        out: Any = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=self._signer)
        return bytes(out.getvalue())

    @property
    def _certificate(self) -> x509.Certificate:
        if self._bundle.cert is None:  # `_usable` has looked
            raise _bad("holds no certificate", f"give {_FORMS}")
        return self._bundle.cert.certificate

    @cached_property
    def _signer(self) -> Any:
        from pyhanko.sign import signers  # noqa: PLC0415

        plain = pkcs12.serialize_key_and_certificates(
            None,
            self._bundle.key,  # type: ignore[arg-type] # `_usable` lets RSA and EC keys through only
            self._certificate,
            [more.certificate for more in self._bundle.additional_certs],
            NoEncryption(),
        )
        return signers.SimpleSigner.load_pkcs12_data(plain, other_certs=[])


def _read(raw: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        if b"-----BEGIN " not in raw:
            return pkcs12.load_pkcs12(raw, password)
        key = load_pem_private_key(raw, password)
        chain = x509.load_pem_x509_certificates(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _bad("can't be opened", f"give {_FORMS}, and VASTINE_SIGNING_PASSWORD if it has one") from None
    public = _public(key)
    own = next((one for one in chain if _public(one) == public), None)
    rest = [pkcs12.PKCS12Certificate(one, None) for one in chain if one is not own]
    return pkcs12.PKCS12KeyAndCertificates(
        key,
        pkcs12.PKCS12Certificate(own, None) if own else None,
        rest,
    )


def _usable(bundle: pkcs12.PKCS12KeyAndCertificates) -> pkcs12.PKCS12KeyAndCertificates:
    if not isinstance(bundle.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _bad("holds no RSA or elliptic-curve key", f"give {_FORMS}")
    if bundle.cert is None or _public(bundle.cert.certificate) != _public(bundle.key):
        raise _bad("holds no certificate of its key", f"give {_FORMS}")
    try:
        usage = bundle.cert.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return bundle
    if not (usage.digital_signature or usage.content_commitment):
        raise _bad("its certificate is not for signatures", "ask for one that may sign documents (an e-seal)")
    return bundle


def _public(holder: Any) -> bytes:
    key = holder.public_key()
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _bad(what: str, remedy: str) -> BadInput:
    return BadInput([Fault(_SETTING, what, remedy)], "bad_signing_key")
