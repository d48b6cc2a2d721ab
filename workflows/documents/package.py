"""The package `vastine-package/1`: what a person gets, for eyes and for machines, listed and signed."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.vocabulary import Letter, Right, SourceResult
from workflows.documents.book import Book
from workflows.documents.bundle import MANIFEST, PUBLIC_KEY, SIGNATURE, Bundle
from workflows.documents.catalogue import Catalogue
from workflows.documents.cells import json_line
from workflows.documents.gather import Gathered, Gatherer, csv_file
from workflows.documents.letters import TEMPLATES, Letters
from workflows.documents.pdf import PdfRenderer
from workflows.documents.schemas import codes, data_package, file_stems, json_schema
from workflows.documents.trial import FILE as TRIAL
from workflows.documents.trial import marked_page, marked_print, note_file
from workflows.errors import NeverAgain
from workflows.ports import CaseFacts, PackageSummary
from workflows.rules.items import Item

OpenFile = Callable[[str], AbstractContextManager[BinaryIO]]
_CHUNK = 65_536


class PackageWriter:
    """Writes packages of one register."""

    def __init__(
        self,
        catalogue: Catalogue,
        letters: Letters,
        *,
        pdf: PdfRenderer | None,
        signing_key: bytes | None,
        sign_letter: Callable[[bytes], bytes],
        trial: bool = False,
    ) -> None:
        self._catalogue = catalogue
        self._letters = letters
        self._pdf = pdf
        self._sign_letter = sign_letter
        self._trial = trial
        self._key = Ed25519PrivateKey.from_private_bytes(signing_key) if signing_key else None

    def write(
        self,
        case: CaseFacts,
        items: Mapping[str, Callable[[], Iterable[Item]]],
        out: BinaryIO,
        *,
        open_file: OpenFile | None = None,
    ) -> PackageSummary:
        """Read each source once and write the zip to `out`, which need not be able to seek.

        `open_file` opens a file that a record names by its blob. Raises `NeverAgain("files")` where one is not what
        its record says, or where there is nothing to open it with.
        """
        portable = case.right is Right.PORTABILITY
        gaps = {s.name for s in case.sources if s.result in {SourceResult.FAILED, SourceResult.NOT_SEARCHED}}
        gatherer = Gatherer(
            self._catalogue,
            portable_only=portable,
            gaps=gaps,
            identifiers=case.identifiers,
            wanted=case.categories,
        )
        gathered = gatherer.read(items)
        stems = file_stems(gathered)
        bundle = Bundle(out)
        bundle.add("README.txt", (TEMPLATES / "package" / "README.txt").read_text(encoding="utf-8"))
        book = Book(
            self._catalogue,
            case,
            gathered=gathered,
            stems=stems,
            not_portable=gatherer.not_portable.total(),
            with_chapters=not portable,
            with_pdf=self._pdf is not None,
        )
        if self._trial:
            bundle.add(TRIAL, note_file())
        bundle.add("START_HERE.html", self._page(book.start(), case.language))
        if self._pdf is not None:
            letter = self._letters.html(Letter.PORTABILITY if portable else Letter.ACCESS, case)
            bundle.add(f"letter_{case.language}.pdf", self._sign_letter(self._pdf.render(letter)))
        if not portable:
            self._add_book(bundle, book, language=case.language)
        self._add_data(bundle, case, gathered=gathered, stems=stems)
        for g in gathered:
            for path, file in g.files:
                _add_file(bundle, path, file, open_file=open_file)
        manifest = bundle.manifest()
        self._sign(bundle, manifest)
        bundle.close()
        return PackageSummary(
            files=len(bundle.digests),
            items=gatherer.items,
            size_bytes=bundle.size_bytes,
            digest=hashlib.sha256(manifest).hexdigest(),
        )

    def _add_book(self, bundle: Bundle, book: Book, *, language: str) -> None:
        if self._pdf is not None:
            printed = marked_print(book.printed(), language) if self._trial else book.printed()
            bundle.add(f"your_data_{language}.pdf", self._pdf.render(printed))
        for file, html in book.pages():
            bundle.add(file, self._page(html, language))

    def _page(self, html: str, language: str) -> str:
        return marked_page(html, language) if self._trial else html

    def _add_data(
        self, bundle: Bundle, case: CaseFacts, *, gathered: Sequence[Gathered], stems: Mapping[tuple[str, str], str]
    ) -> None:
        for g in gathered:
            stem = stems[g.source, g.collection]
            g.columns = g.columns or list(self._catalogue.declared_columns(g.source, g.collection))
            bundle.add(f"data/{stem}.json", _json_file(g, stem))
            bundle.add(f"data/{stem}.csv", csv_file(g))
            bundle.add(f"schema/{stem}.schema.json", json_schema(self._catalogue, g, stem=stem))
        bundle.add("codes.json", codes(self._catalogue, gathered))
        bundle.add("datapackage.json", data_package(self._catalogue, case, gathered=gathered, stems=stems))

    def _sign(self, bundle: Bundle, manifest: bytes) -> None:
        bundle.add(MANIFEST, manifest)
        if self._key is None:
            return
        public = self._key.public_key().public_bytes_raw()
        bundle.add(SIGNATURE, base64.b64encode(self._key.sign(manifest)) + b"\n")
        bundle.add(PUBLIC_KEY, b"ed25519 " + base64.b64encode(public) + b"\n")


def _add_file(bundle: Bundle, path: str, file: Mapping[str, Any], *, open_file: OpenFile | None) -> None:
    if open_file is None:
        raise NeverAgain("files", detail="a record has files, and nothing can open them")
    with open_file(str(file["blob"])) as plain:
        bundle.add(path, iter(lambda: plain.read(_CHUNK), b""))
    if bundle.digests[path] != file["sha256"]:
        raise NeverAgain("files", detail="a file is not the one that its record names")


def _json_file(gathered: Gathered, stem: str) -> Iterator[bytes]:
    """`{"$schema": …, "source": …, "collection": …, "records": […]}`, one record a line."""
    head = json_line(
        {"$schema": f"../schema/{stem}.schema.json", "source": gathered.source, "collection": gathered.collection}
    )
    yield head[:-1].encode() + b',"records":['
    yield from gathered.json.chunks()
    yield b"\n]}\n"
