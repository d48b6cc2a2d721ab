"""Files that belong to records: what they are, told by their bytes, and that they are still to be fetched."""

from collections.abc import Sequence

FETCH = "fetch"
"""Key of a file of an item that is not kept yet: a call without arguments, for its bytes and their media type."""

OCTETS = "application/octet-stream"
_STARTS: Sequence[tuple[int, bytes, str]] = (  # offset, bytes, media type
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"PK\x03\x04", "application/zip"),
)


def media_of(content: bytes) -> str:
    """The media type by how the bytes begin; whoever sent them is not asked.

    Markup is no text here: it opens programs when it is clicked on.
    """
    for offset, start, media in _STARTS:
        if content[offset : offset + len(start)] == start:
            return media
    if b"\x00" in content or content[:512].lstrip()[:1] == b"<":
        return OCTETS
    try:
        content.decode()
    except UnicodeDecodeError:
        return OCTETS
    return "text/plain"
