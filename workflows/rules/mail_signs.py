"""Signs that a machine wrote a mail: such mail is kept and never answered by a machine.

Source: RFC 3834; RFC 2919; RFC 2369; MS-OXCMAIL 2.2.3.2.14.
"""

import re
from collections.abc import Collection, Sequence

from workflows.rules.mail_parts import values

CERTAIN = frozenset({"loop", "bounce", "auto_reply"})
"""Codes after which no person's wish is looked for; the others may still carry one."""

OWN_HEADER = "x-vastine"
"""Any header that begins so is ours."""

_AWAY = re.compile(
    r"^\W*(automaattinen (vastaus|poissaolo)|automaattivastaus|poissaolo(viesti|ilmoitus)?\b|poissa\W"
    r"|olen (lomalla|poissa)"
    r"|lomavastaus|autosvar|automatiskt svar|frånvaro(meddelande)?\b|frånvarande|semester(meddelande)?\b"
    r"|out of (the )?office|automatic reply|auto(matic)?[- ]?(reply|response)"
    r"|vacation (reply|notice|response)|away from)",
    re.IGNORECASE,
)
_BOUNCED = re.compile(
    r"^\W*(undeliver(ed|able)|delivery (status notification|failure|has failed)|mail delivery (failed|system)"
    r"|returned mail|failure notice|viestiä ei voitu toimittaa|toimitusvirhe|toimittamaton|olevererbart|oleverer"
    r"|kunde inte levereras|det gick inte att leverera)",
    re.IGNORECASE,
)
_DAEMON = re.compile(r"^(mailer-?daemon|postmaster|mail-?system|bounces?([+\-=].*)?)@", re.IGNORECASE)
_NO_REPLY = re.compile(
    r"^(no-?reply|do-?not-?reply|ei-?vastausta|ala-?vastaa|svara-?(inte|ej)|noreply[+\-.].*)@", re.IGNORECASE
)
_SUPPRESSED = re.compile(r"\b(all|oof|autoreply)\b", re.IGNORECASE)


def automatic(
    headers: Sequence[tuple[str, str]], *, sender: str, subject: str, own_addresses: Collection[str]
) -> str | None:
    """The code why this mail must get no answer from a machine, None for a person's mail.

    `loop` we wrote it · `own_address` somebody wrote from our mailbox · `bounce` · `auto_reply` ·
    `auto_generated` · `list` · `bulk` · `suppressed` · `no_reply`.
    """
    submitted = [v.split(";")[0].strip().lower() for v in values(headers, "auto-submitted")]
    machine = any(word not in ("no", "") for word in submitted)
    if any(name.startswith(OWN_HEADER) for name, _ in headers) or (sender in own_addresses and machine):
        return "loop"
    if sender in own_addresses:  # our mail always says Auto-Submitted: this is a colleague, or forged
        return "own_address"
    if _is_bounce(headers, sender=sender, subject=subject):
        return "bounce"
    return _is_reply(headers, subject) or _is_mass(headers, sender)


def _is_bounce(headers: Sequence[tuple[str, str]], *, sender: str, subject: str) -> bool:
    returned = any(v.strip().replace(" ", "") == "<>" for v in values(headers, "return-path"))
    report = any(v.lower().startswith("multipart/report") for v in values(headers, "content-type"))
    return returned or report or bool(_DAEMON.match(sender)) or bool(_BOUNCED.match(subject))


def _is_reply(headers: Sequence[tuple[str, str]], subject: str) -> str | None:
    for value in values(headers, "auto-submitted"):
        word = value.split(";")[0].strip().lower()
        if word.startswith("auto-replied"):
            return "auto_reply"
        if word not in ("no", ""):
            return "auto_generated"
    marked = any(values(headers, n) for n in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply"))
    replying = any("auto_reply" in v.lower() for v in values(headers, "precedence"))
    return "auto_reply" if marked or replying or _AWAY.match(subject) else None


def _is_mass(headers: Sequence[tuple[str, str]], sender: str) -> str | None:
    if any(n.startswith("list-") for n, _ in headers):
        return "list"
    if any(v.strip().lower() in ("bulk", "junk", "list") for v in values(headers, "precedence")):
        return "bulk"
    if any(_SUPPRESSED.search(v) for v in values(headers, "x-auto-response-suppress")):
        return "suppressed"
    return "no_reply" if _NO_REPLY.match(sender) else None
