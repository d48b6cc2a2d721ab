"""Scans and certificates: what they are is told by their bytes, never by their name, and they lie sealed."""

import hashlib
import uuid

from sqlalchemy.orm import Session

from models.hand import HandFile
from models.request import Request
from workflows.errors import BadInput, Fault
from workflows.handed import HandScan
from workflows.ports import RequestKey
from workflows.runtime import Runtime

LARGEST_BYTES = 20 * 1024 * 1024
SCAN, CERTIFICATE = "scan", "certificate"


def sniffed(content: bytes) -> str:
    """The media type of PDF, PNG, JPEG or plain text; "" of anything else."""
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:]:
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    markup = text.lstrip("\ufeff \t\r\n")[:1] == "<"
    plain = all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in text)
    return "text/plain" if text.strip() and plain and not markup else ""


def keep_file(
    session: Session,
    rt: Runtime,
    request: Request,
    key: RequestKey,
    *,
    source: str,
    content: bytes,
    purpose: str,
    by: str,
) -> HandFile:
    """Seal an uploaded file. Raises `BadInput` if it is empty, too large or of no kind that people scan to.

    The blob is written before the row that names it; one that is left over is an orphan and swept away.
    """
    if not content:
        raise BadInput([Fault("file", "file_missing")])
    if len(content) > LARGEST_BYTES:
        raise BadInput([Fault("file", "file_too_large")])
    media_type = sniffed(content)
    if not media_type:
        raise BadInput([Fault("file", "file_kind")])
    ident = uuid.uuid4()
    blob = f"{request.id}/hand.{ident.hex}"
    with rt.blobs.write(blob, key) as out:
        out.write(content)
    row = HandFile(
        id=ident,
        request_id=request.id,
        source=source,
        purpose=purpose,
        media_type=media_type,
        blob=blob,
        digest=hashlib.sha256(content).digest(),
        size_bytes=len(content),
        added_by=by,
        added_at=rt.now(),
    )
    session.add(row)
    session.flush()
    return row


def scan_of(row: HandFile) -> HandScan:
    """The row as an answer names it."""
    return HandScan(str(row.id), row.blob, row.media_type, row.size_bytes, row.digest.hex())
