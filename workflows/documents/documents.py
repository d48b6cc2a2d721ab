"""The port `Documents`: letters, mails and packages of one register."""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from models.vocabulary import Letter
from workflows.documents.catalogue import Catalogue
from workflows.documents.letters import Letters
from workflows.documents.package import OpenFile, PackageWriter
from workflows.documents.pdf import PdfRenderer
from workflows.documents.signing import LetterSigner
from workflows.ports import CaseFacts, MailText, PackageSummary
from workflows.register.model import Register
from workflows.rules.items import Item


class Documents:
    """Everything a person gets to read, in their language.

    `signing_key` is a raw Ed25519 private key (32 bytes); without one packages are not signed.
    Without `render_pdf` packages hold HTML, JSON and CSV only, for measurements and for machines without
    Pango; `letter` still makes a PDF. With a `signer` every letter carries the controller's signature.
    In a `trial` everything says that it is one.
    """

    def __init__(
        self,
        register: Register,
        *,
        signing_key: bytes | None,
        render_pdf: bool = True,
        signer: LetterSigner | None = None,
        trial: bool = False,
    ) -> None:
        self._catalogue = Catalogue(register)
        self._letters = Letters(self._catalogue, trial=trial)
        self._pdf = PdfRenderer()
        self._sign = signer.sign if signer is not None else _as_it_is
        self._packages = PackageWriter(
            self._catalogue,
            self._letters,
            pdf=self._pdf if render_pdf else None,
            signing_key=signing_key,
            sign_letter=self._sign,
            trial=trial,
        )

    def mail(self, letter: Letter, case: CaseFacts) -> MailText:
        """The notice that goes by mail, in the case's language; holds no personal data."""
        return self._letters.mail(letter, case)

    def letter(self, letter: Letter, case: CaseFacts) -> bytes:
        """A tagged PDF in the case's language, signed where a signer was given."""
        return self._sign(self._pdf.render(self._letters.html(letter, case)))

    def template(self, letter: Letter, language: str) -> str:
        """File, version and approver of the text that `letter` uses."""
        return self._letters.template(letter, "letter", language=language)

    def package(
        self,
        case: CaseFacts,
        items: Mapping[str, Callable[[], Iterable[Item]]],
        out: BinaryIO,
        *,
        open_file: OpenFile | None = None,
    ) -> PackageSummary:
        """Write `vastine-package/1` as a zip; `items` maps a source to a fresh iterator over its items.

        `open_file(blob)` opens a file that a record names.
        """
        return self._packages.write(case, items, out, open_file=open_file)

    def template_versions(self) -> dict[str, str]:
        """Template file to "version · approver"; `NeverAgain("template")` where one does not say."""
        return self._letters.versions()

    def close(self) -> None:
        """Stop the printing process."""
        self._pdf.close()


def _as_it_is(pdf: bytes) -> bytes:
    return pdf
