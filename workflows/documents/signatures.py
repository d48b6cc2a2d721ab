"""Signatures of PDFs that people send: whole, of all of the file, and by somebody whom our roots vouch for.

Nothing is fetched: neither certificates nor lists that a PDF names. Source: ETSI EN 319 142-1; RFC 5280.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from workflows.errors import BadInput, Fault
from workflows.ports import Clock
from workflows.vouching import Signed

MOST_BYTES = 5 << 20
_MOST_SIGNATURES = 10
_ORDER = ("broken", "added_to", "unknown_signer", "good")


class PdfSignatures:
    """Looks at PDFs with the roots of one register."""

    def __init__(self, roots: Sequence[bytes], *, clock: Clock) -> None:
        self._roots, self._clock = list(roots), clock

    @classmethod
    def from_files(cls, folder: Path, names: Sequence[str], *, clock: Clock) -> "PdfSignatures":
        """The roots of these files of the register; raises `BadInput` that says which can't be read."""
        roots: list[bytes] = []
        for name in names:
            try:
                path = (folder / name).resolve()
                if not path.is_relative_to(folder.resolve()):
                    raise ValueError
                found = x509.load_pem_x509_certificates(path.read_bytes())
                roots += [one.public_bytes(Encoding.DER) for one in found]
            except (OSError, ValueError):
                what = f"`{name}` is no file of the register with certificates in PEM"
                remedy = "put the file beside controller.yaml"
                raise BadInput([Fault("identity.signature_roots", what, remedy)]) from None
        return cls(roots, clock=clock)

    def __call__(self, pdf: bytes) -> Signed:
        """What its signatures are worth; never raises."""
        if len(pdf) > MOST_BYTES:
            return Signed("unreadable")
        try:
            return self._look(pdf, self._clock.now())
        except Exception:  # noqa: BLE001  # whatever is wrong with the file, its words stay out of ours
            return Signed("unreadable")

    def _look(self, pdf: bytes, now: datetime) -> Signed:
        from pyhanko.keys import load_certs_from_pemder_data  # noqa: PLC0415 - these take a second
        from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415
        from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415
        from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        if not signatures:
            return Signed("none")
        if len(signatures) > _MOST_SIGNATURES:
            return Signed("unreadable")
        roots = [one for root in self._roots for one in load_certs_from_pemder_data(root)]
        found = []
        for one in signatures:
            context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=now)
            status = validate_pdf_signature(one, context)
            certificate = status.signing_cert
            found.append(Signed(_worth(status), certificate.subject.human_friendly, certificate.sha256.hex()))
        return min(found, key=lambda one: _ORDER.index(one.result))


def _worth(status: Any) -> Any:
    from pyhanko.sign.diff_analysis import ModificationLevel  # noqa: PLC0415
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415

    if not (status.intact and status.valid):
        return "broken"
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    # A file that was added to later is still "intact"; only stamps of time and the like do no harm.
    if not whole and status.modification_level not in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES):
        return "added_to"
    if not status.trusted:
        return "unknown_signer"
    return "good" if status.bottom_line else "broken"
