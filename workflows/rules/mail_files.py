"""What an attachment is by its bytes, and why nobody should open it. Nothing is unpacked, opened or shown here.

A scanner looks for known malware (`workflows.scanning`); these are signs that anybody can see.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence

from workflows.rules.attachments import OCTETS, media_of

PROGRAM, MACRO, BOMB, NESTED, LOCKED, ACTIVE, DISGUISED, IDENTITY = (
    "program", "macro", "bomb", "nested", "locked", "active", "disguised", "identity",
)  # fmt: skip
HARMFUL = frozenset({PROGRAM, MACRO, BOMB, NESTED, ACTIVE, DISGUISED})

_MOST_ENTRIES = 1_000
_MOST_UNPACKED = 200_000_000
_MOST_RATIO = 200
_SEARCHED = 2_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xfe\xed\xfa",
    b"#!",
    b"L\x00\x00\x00\x01\x14",
)
_PROGRAM_NAMES = re.compile(
    r"\.(exe|com|scr|pif|bat|cmd|ps1|vbs?|jse?|wsf|hta|lnk|msi|jar|iso|img|vhdx?|dll|cpl|reg|apk|dmg|one|url|chm)$",
    re.I,
)
_MACRO_NAMES = re.compile(r"\.(do[ct]m|xl[st]?m|xlam|pp[ts]m|potm|ppam|sldm)$", re.I)
_PACKED_NAMES = re.compile(r"\.(zip|7z|rar|gz|tgz|bz2|xz|cab|arj|tar|zst|lzh)$", re.I)
_MARKUP_NAMES = re.compile(r"\.(html?|xhtml|svg|mht(ml)?|xml|shtml)$", re.I)
_ACTIVE_PDF = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFiles?|OpenAction|AA|RichMedia|XFA)\b")
_EXPECTED = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "tif": "image/tiff", "tiff": "image/tiff", "docx": "application/zip",
    "xlsx": "application/zip", "zip": "application/zip",
    "odt": "application/zip", "txt": "text/plain", "mp3": "audio/mpeg", "wav": "audio/wav",
}  # fmt: skip
_IDENTITY_NAME = re.compile(
    r"(?<![^\W\d_])(passi(?:ni|n|kopio|kuva)?|ajokort\w*|henkilö(?:kort|todistu)\w*|henkkari\w*|pass(?:kopia|foto)?|körkort\w*"
    r"|id[-_ ]?kort\w*|identitetskort\w*|legitimation\w*|passport\w*|driv(?:ing|er)s?[-_ ]?licen[cs]e\w*"
    r"|id[-_ ]?(?:card|copy|scan|kopio)\w*|identity[-_ ]?card\w*|kela[-_ ]?kort\w*)(?![^\W\d_])",
    re.IGNORECASE,
)
_IDENTITY_SAID = re.compile(
    r"(?:kopio|kuva|skannau|liittee|ohessa|ohein)\w*[^.!?\n]{0,50}\b(?:passi|ajokort|henkilökort|henkilötodist|henkkar)\w*"
    r"|\b(?:passi|ajokort|henkilökort|henkilötodist|henkkar)\w*[^.!?\n]{0,30}\b(?:kopio|kuva|liittee|ohessa|ohein)\w*"
    r"|(?:kopia|foto|bild|bifog|skanna)\w*[^.!?\n]{0,50}\b(?:pass|körkort\w*|id-?kort\w*|legitimation\w*|id-handling\w*)\b"
    r"|(?:copy|scan|photo|picture|attach)\w*[^.!?\n]{0,50}\b(?:passport|driv(?:ing|er'?s) licen[cs]e|id card"
    r"|identity card|identity document|photo id|my id)\b",
    re.IGNORECASE,
)


def examine(name: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """(media type by the bytes, signs that speak against opening it)."""
    media = media_of(data)
    return media, tuple(dict.fromkeys(_signs(name, data, media)))


def _signs(name: str, data: bytes, media: str) -> Iterator[str]:
    head = data[:_SEARCHED]
    if data.startswith(_PROGRAMS) or _PROGRAM_NAMES.search(name):
        yield PROGRAM
    if _MACRO_NAMES.search(name) or (data.startswith(_OLE) and b"V\x00B\x00A\x00" in head):
        yield MACRO
    if (
        data.startswith(_OLE)
        and b"E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00" in head
    ):
        yield LOCKED
    if media == "application/zip":
        yield from _packed(data)
    elif _PACKED_NAMES.search(name):
        yield NESTED
    if media == "application/pdf":
        if _ACTIVE_PDF.search(head):
            yield ACTIVE
        if b"/Encrypt" in data[-20_000:] or b"/Encrypt" in head[:20_000]:
            yield LOCKED
    if _MARKUP_NAMES.search(name) or head[:512].lstrip()[:1] == b"<":
        yield ACTIVE
    expected = _EXPECTED.get(name.lower().rpartition(".")[2])
    if data and expected and media != expected and not (expected == "text/plain" and media == OCTETS):
        yield DISGUISED


def _packed(data: bytes) -> Iterator[str]:
    if data.count(b"PK\x01\x02") > _MOST_ENTRIES:  # the list of contents is as long as it says, and is not read
        yield BOMB
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        yield DISGUISED
        return
    size = sum(e.file_size for e in entries)
    if len(entries) > _MOST_ENTRIES or size > _MOST_UNPACKED or size > _MOST_RATIO * max(len(data), 10_000):
        yield BOMB
    names = [e.filename for e in entries]
    if any(n.lower().endswith("vbaproject.bin") for n in names):
        yield MACRO
    if any(_PROGRAM_NAMES.search(n) for n in names):
        yield PROGRAM
    if any(_PACKED_NAMES.search(n) for n in names):
        yield NESTED
    if any(e.flag_bits & 1 for e in entries):
        yield LOCKED


def identity_copies(files: Sequence[tuple[str, str]], *, said: bool) -> list[bool]:
    """Of each (name, media type), whether it is a copy of an identity document: by its name, or by what the mail says.

    What the mail says tells which one only where a single picture is attached. Any other may be the letter itself,
    and so may a PDF that has no such name: it has room for both.
    """
    pictures = [media.startswith("image/") or media == "application/pdf" for _, media in files]
    alone = said and sum(pictures) == 1
    named = [bool(_IDENTITY_NAME.search(name)) for name, _ in files]
    return [
        picture and (by_name or (alone and media != "application/pdf"))
        for picture, by_name, (_, media) in zip(pictures, named, files, strict=True)
    ]


def says_identity(texts: Sequence[str]) -> bool:
    """Whether the mail says that a copy of an identity document is attached."""
    return any(_IDENTITY_SAID.search(text[:20_000]) for text in texts)
