"""What a trial says on every page, mail and letter: that nothing of it is real."""

import re
from collections.abc import Mapping
from dataclasses import replace

from workflows.ports import MailText

NOTE: Mapping[str, str] = {
    "fi": "KOEKÄYTTÖ. Tämä ei ole oikea vastaus: mitään ei ole poistettu eikä muutettu.",
    "sv": "PROVDRIFT. Detta är inget riktigt svar: inget har raderats eller ändrats.",
    "en": "TRIAL. This is no real answer: nothing was erased or changed.",
}
_MARKS: Mapping[str, str] = {"fi": "[KOEKÄYTTÖ]", "sv": "[PROVDRIFT]", "en": "[TRIAL]"}
FILE = "TRIAL.txt"
_BODY = re.compile(r"\A(.*?<body[^>]*>)?", re.IGNORECASE | re.DOTALL)
"""Up to where a document's text begins; nothing where a text of the controller's own has no such tag."""
_LONGEST_SUBJECT = 120
_STYLE = (
    "margin:0;padding:4px 8px;border:3px solid #000;background:#ffe14d;color:#000;font-weight:bold;text-align:center"
)
_FIXED = "position:fixed;top:0;right:0;font-size:8pt;background:#ffe14d;color:#000;padding:1px 4px"


def marked_page(html: str, language: str) -> str:
    """The document with the note before everything else."""
    return _BODY.sub(lambda head: f'{head[0]}<p style="{_STYLE}">{NOTE[language]}</p>', html, count=1)


def marked_print(html: str, language: str) -> str:
    """The same, with the mark on each sheet besides."""
    sheet = f'<div style="{_FIXED}">{_MARKS[language]}</div>'
    return _BODY.sub(lambda head: f"{head[0]}{sheet}", marked_page(html, language), count=1)


def marked_mail(mail: MailText, language: str) -> MailText:
    """The mail, that says so in its subject and first line."""
    subject = f"{_MARKS[language]} {mail.subject}"[:_LONGEST_SUBJECT]
    return replace(mail, subject=subject, body=f"{NOTE[language]}\n\n{mail.body}")


def note_file() -> str:
    """The file of a package, in the languages there are."""
    return "".join(f"{text}\n" for text in NOTE.values())
