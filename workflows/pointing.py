"""The answer to a mail that only asks how to use a right: where one begins. It says nothing about anybody.

It starts no case, and a person sends it: who meant a request after all has one opened instead, from the day it came.
Source: GDPR Art. 12(2); EDPB Guidelines 01/2022 para. 52-54.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models.intake import Message
from models.vocabulary import Channel, MessageState
from workflows import audit
from workflows.casefile import open_key
from workflows.errors import Conflict
from workflows.outbox import PlainMail, queue_plain
from workflows.rules.mail import Understood
from workflows.runtime import Runtime
from workflows.triage import settle

ASKS_HOW = "asks_how"
"""Why such a mail waits for a person."""

ANSWERED = "pointed"
"""What became of one that was answered so; also the name of the answer in the outbox."""

_SUBJECTS: Mapping[str, str] = {
    "fi": "Vastaus kysymykseesi: omat tietosi",
    "sv": "Svar på din fråga: dina egna uppgifter",
    "en": "An answer to your question: your own data",
}
_TEXTS: Mapping[str, str] = {
    "fi": """Hei

Kysyit, miten voit käyttää oikeuksiasi omiin tietoihisi. Emme ole aloittaneet pyynnön käsittelyä, koska viestissäsi \
kysyttiin asiasta mutta ei pyydetty mitään.

Voit tehdä pyynnön täällä kirjautumatta: nähdä tietosi, oikaista ne, pyytää niiden poistamista tai kieltää mainonnan:
{link}

Voit myös vastata tähän viestiin ja kertoa omin sanoin, mitä haluat. Mainonnan lopettamiseksi riittää, että vastaat \
sanalla STOP. Pyyntö on maksuton.

{name}
{contact}
""",
    "sv": """Hej

Du frågade hur du kan använda dina rättigheter till dina egna uppgifter. Vi har inte börjat behandla någon begäran, \
eftersom du ställde en fråga men inte bad om något.

Du kan göra en begäran här utan att logga in: se dina uppgifter, rätta dem, be att de raderas eller neka till reklam:
{link}

Du kan också svara på det här meddelandet och med egna ord berätta vad du vill. För att få slut på reklam räcker det \
att du svarar med ordet STOP. En begäran är gratis.

{name}
{contact}
""",
    "en": """Hello

You asked how you can use your rights to your own data. We have not begun to work on a request, because you asked \
a question but did not ask for anything to be done.

You can make a request here without logging in: see your data, have it corrected or erased, or say no to advertising:
{link}

You may also answer this message and say in your own words what you want. To end advertising it is enough to answer \
with the word STOP. A request is free of charge.

{name}
{contact}
""",
}


def drafted(rt: Runtime, mail: Understood) -> PlainMail | None:
    """The answer as it would go out, in the mail's language where we write it; None where there is nobody to write to.

    To whoever asked: of a forwarded mail that is whose mail it was.
    """
    to = mail.forwarded.sender if mail.forwarded else mail.sender
    if not to or mail.automatic is not None:
        return None
    controller = rt.register.controller
    language = mail.language if mail.language in controller.languages else controller.languages[0]
    body = _TEXTS[language].format(
        link=f"{rt.settings.public_url}/{language}/",
        name=controller.name,
        contact=controller.dpo.email or controller.email,
    )
    return PlainMail(to=to, language=language, subject=_SUBJECTS[language], body=body)


def point(session: Session, rt: Runtime, message: Message, mail: Understood, *, user: str) -> None:
    """Send the drafted answer to a message that asks for nothing but how; the caller holds the message's lock.

    Raises `Conflict` for a message that is no such question, or has nobody to answer to.
    """
    text = drafted(rt, mail)
    if text is None or message.channel is not Channel.EMAIL or message.why != ASKS_HOW:
        raise Conflict("not_answerable", detail="this message is no question that this answer is for")
    key = open_key(session, rt, message.data_key_id)  # it goes when the message goes
    queue_plain(
        session, rt, key, key_id=message.data_key_id, idem=f"{ANSWERED}:{message.id}", letter=ANSWERED, text=text
    )
    message.state, message.why = MessageState.IGNORED, ANSWERED
    facts = {"message": str(message.id), "code": ANSWERED}
    audit.record(session, "message:answered", at=rt.now(), actor=user, facts=facts)
    settle(session, rt, message, user=user, answer=ANSWERED)
