"""Letters and mails from templates: one folder a letter, one file a language.

A register may override any template by a file of the same name in its `letters/` folder. Templates run
in a sandbox, get plain data only, and stop with `NeverAgain("placeholder")` where a fact is missing.
"""

import re
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.vocabulary import LANGUAGES, Letter
from workflows.documents.catalogue import Catalogue
from workflows.documents.contents import Medium, frame_missing, missing
from workflows.documents.facts import Context, letter_facts, mail_facts
from workflows.documents.placeholders import line_of
from workflows.documents.saying import plain, says, told, unmarked
from workflows.documents.trial import marked_mail, marked_print
from workflows.documents.words import fill
from workflows.errors import NeverAgain
from workflows.ports import CaseFacts, MailText
from workflows.rules.code_in_text import has_identity_code

TEMPLATES = Path(__file__).parent / "templates"
MAIL_ONLY = frozenset(
    {
        Letter.NOTICE,
        Letter.FETCH_CODE,
        Letter.MESSAGE,
        Letter.EXPIRING,
        Letter.READY,
        Letter.REMINDER,
        Letter.RECIPIENT_NOTICE,
    }
)
"""Notices that exist as mail only: on paper they would say nothing that the letter itself does not."""

_HEADER = re.compile(r"\{#-? version: (?P<version>\S+) · approved by: (?P<approver>[^#]+?) -?#\}")
_LONGEST_SUBJECT = 120
_LONGEST_TEMPLATE = 200


class Letters:
    """Renders the texts of one register."""

    def __init__(self, catalogue: Catalogue, *, trial: bool = False) -> None:
        self._catalogue, self._trial = catalogue, trial
        folders = [Path(catalogue.register.folder) / "letters"] if catalogue.register.folder else []
        self._env = environment([*folders, TEMPLATES])

    def mail(self, letter: Letter, case: CaseFacts) -> MailText:
        """Subject and body; the facts a template can reach hold no personal data."""
        text = self._composed(letter, "mail", context=mail_facts(self._catalogue, case))
        subject, _, body = text.strip().partition("\n")
        title, mark, subject = subject.partition(":")
        if not mark or title.strip() != "Subject" or not subject.strip():
            raise NeverAgain("template", detail=f"The mail {letter.value} needs a line `Subject: …` first.")
        subject = subject.strip()
        if len(subject) > _LONGEST_SUBJECT:
            raise NeverAgain("template", detail=f"The subject of the mail {letter.value} is too long.")
        template = self.template(letter, "mail", language=case.language)
        mail = MailText(subject=subject, body=body.strip() + "\n", template=template)
        return marked_mail(mail, case.language) if self._trial else mail

    def html(self, letter: Letter, case: CaseFacts) -> str:
        """The letter as HTML for the PDF; `NeverAgain("no_letter")` for what is a mail only."""
        if letter in MAIL_ONLY:
            raise NeverAgain("no_letter", detail="This notice goes by mail only.")
        text = self._composed(letter, "letter", context=letter_facts(self._catalogue, case))
        return marked_print(text, case.language) if self._trial else text

    def template(self, letter: Letter, medium: Medium, *, language: str) -> str:
        """File, version and approver of the text in force, as it is kept with every letter made from it."""
        name = template_name(letter, medium, language=language)
        return " · ".join((name, *self._header(name)))[:_LONGEST_TEMPLATE]

    def versions(self) -> dict[str, str]:
        """Template file to "version · approver", for the audit and `vastine check`."""
        return {name: " · ".join(self._header(name)) for name in template_names()}

    def _composed(self, letter: Letter, medium: Medium, *, context: Context) -> str:
        """The text as it may go out; `NeverAgain("contents")`, `NeverAgain("identity_code")` if it may not."""
        markup = medium == "letter"
        name = template_name(letter, medium, language=context["lang"])
        text = self._render(name, context)
        seen = plain(unmarked(text), markup=markup)
        gaps = missing(letter, medium, told=told(text, markup=markup), context=context)
        if letter is not Letter.REMINDER:  # to our own staff, who know who we are
            gaps += frame_missing(context, seen, medium=medium)
        if gaps:
            raise NeverAgain("contents", detail=f"{name} does not say: {', '.join(gaps)}")
        if has_identity_code(seen):
            raise NeverAgain("identity_code", detail=f"{name} would show a personal identity code.")
        return unmarked(text)

    def source(self, name: str) -> str:
        """The text of a template as it is in force: the register's own, else ours."""
        loader = self._env.loader
        return loader.get_source(self._env, name)[0] if loader else ""

    def _header(self, name: str) -> tuple[str, str]:
        match = _HEADER.match(self.source(name))
        if match is None:
            raise NeverAgain("template", detail=f"{name} must begin with its version and approver.")
        return match["version"], match["approver"].strip()

    def _render(self, name: str, context: Context) -> str:
        if context["lang"] not in LANGUAGES:
            raise NeverAgain("language", detail="No texts exist in this language.")
        try:
            self._header(name)
            return self._env.get_template(name).render(context)
        except TemplateNotFound:
            raise NeverAgain("template", detail=f"There is no text {name}.") from None
        except UndefinedError as error:
            # The message of an undefined name holds the name only; its values are never in it.
            raise NeverAgain("placeholder", detail=f"{self._place(name, error)}: {error.message}") from None
        except TemplateSyntaxError as error:
            raise NeverAgain("template", detail=f"{error.name or name}, line {error.lineno}: not understood") from None
        except TemplateError as error:
            raise NeverAgain("template", detail=f"{name}: {type(error).__name__}") from None

    def _place(self, name: str, error: UndefinedError) -> str:
        word = re.search(r"'(\w+)'", error.message or "")
        line = line_of(self.source(name), word[1]) if word else 0
        return f"{name}, line {line}" if line else name


def environment(folders: list[Path]) -> ImmutableSandboxedEnvironment:
    """A sandbox that knows the templates of these folders, the first one winning."""
    env: ImmutableSandboxedEnvironment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=lambda name: name is None or name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters["fill"] = fill
    env.globals["says"] = says
    return env


def template_name(letter: Letter, medium: Medium, *, language: str) -> str:
    """Where the text of a letter or mail stands, below a folder of templates."""
    return (
        f"{letter.value}/{'mail' if medium == 'mail' else 'letter'}.{language}.{'txt' if medium == 'mail' else 'html'}"
    )


def template_names() -> list[str]:
    """Every letter's and mail's template, in every language."""
    names = []
    for letter in Letter:
        names += [f"{letter.value}/mail.{language}.txt" for language in LANGUAGES]
        if letter not in MAIL_ONLY:
            names += [f"{letter.value}/letter.{language}.html" for language in LANGUAGES]
    return names
