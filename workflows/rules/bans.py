"""Which bans there are, which of them somebody asks for, and the spelling in which a contact is compared.

Source: GDPR Art. 21(2)-(3), 7(3); Act 917/2014 s. 200 (electronic direct marketing needs consent, and its ban holds).
"""

import re
import unicodedata

from models.vocabulary import Ban, Right
from workflows.rules import identifiers

POSTAL = "postal_address"
IDENTITIES = (identifiers.EMAIL, identifiers.PHONE, POSTAL, identifiers.CUSTOMER_NUMBER)

DIRECT_MARKETING = (Ban.DIRECT_MAIL, Ban.TELEPHONE, Ban.ELECTRONIC)
"""What somebody means who wants no marketing and says no more: every way of it. Source: GDPR Art. 21(3)."""

_LONGEST = 400
_ROUNDS = 5
_NO_WORD = re.compile(r"[^\w]+")
_POSTCODE = re.compile(r"\d{4,6}")
_COUNTRY = {"finland", "suomi", "fi", "fin"}

_NAMED: tuple[tuple[Ban, str], ...] = (
    (
        Ban.DIRECT_MAIL,
        r"suoramaino|osoitteelli\w* maino|postimaino|mainosposti|mainoksia postilaatikko|direktreklam|"
        r"reklam (?:med|i|per) (?:post|brevlåda)|direct mail|junk mail|"
        r"(?:marketing|advert\w*) (?:by|in the) (?:post|mail\b)",
    ),
    (
        Ban.TELEPHONE,
        r"puhelinmyyn|puhelinmarkkin|etämyyn|telemarkkin|soittamas|myyntipuhel|soitt(?:aa|ako|elu)\w* (?:myy|maino)|"
        r"telefonförsälj|ring(?:a|er|ande) (?:och sälj|mig inte|inte)|sluta ring|telemarketing|telephone sales|"
        r"sales calls?|cold call|stop calling",
    ),
    (
        Ban.ELECTRONIC,
        r"uutiskir|sähköis\w* (?:suora)?(?:markkin|maino)|sähköpostimaino|mainosviest|tekstiviestimaino|postituslist|"
        r"nyhetsbrev|elektronisk\w* (?:direkt)?(?:marknadsför|reklam)|e-postreklam|sms-reklam|mejllist|"
        r"newsletter|electronic (?:direct )?marketing|e-?mail (?:marketing|list)|mailing list|"
        r"marketing (?:e-?mails?|texts?)|"
        r"promotional (?:e-?mails?|texts?)|^\W*(?:stop|seis|stopp|unsubscribe|peru|avsluta)\W*$",
    ),
    (
        Ban.MARKET_RESEARCH,
        r"markkinatutkim|markkina- ja mielipidetutkim|marknadsundersök|marknads- och|market research",
    ),
    (Ban.OPINION_SURVEYS, r"mielipide(?:tutkim|kysel)|kyselytutkim|opinionsundersök|opinion (?:survey|poll|research)"),
    (
        Ban.DISCLOSURE,
        r"luovut\w* (?:\w+ ){0,3}(?:muille|ulkopuol|kolman|eteenpäin)|lämna\w* (?:\w+ ){0,3}(?:ut|vidare)\b|"
        r"(?:disclos\w*|share|sell|pass\w*) (?:\w+ ){0,4}(?:third part|others|to anyone)",
    ),
    (
        Ban.DIRECTORY,
        r"luettelokielto|osoitepalvelukielto|luettelo(?:i?ssa|ihin|on)\b|osoiteluettelo|kataloger?\b|adressförteckning|"
        r"förteckningar\b|director(?:y|ies)\b",
    ),
)
_EVERYTHING = (
    r"markkinointikiel|suoramarkkinointi|(?<!uutiskirje)markkinointi(?:a|in|viest)?\b|mainon|mainok|mainost|"
    r"direktmarknadsför|marknadsföring|\breklam\b|direct marketing|marketing\b|advert"
)


def bans_asked(right: Right, text: str) -> tuple[Ban, ...]:
    """The bans that a request of this right, in these words, sets; () for a right that sets none.

    Who names some gets those; who speaks of marketing at large, or says nothing, gets every way of it besides.
    A withdrawn consent always bans what rested on it: electronic marketing.
    """
    if right not in (Right.MARKETING_BAN, Right.WITHDRAW_CONSENT):
        return ()
    plain = " ".join(unicodedata.normalize("NFKC", text[:40_000]).lower().split())
    found = {ban for ban, words in _NAMED if re.search(words, plain)}
    if right is Right.WITHDRAW_CONSENT:
        found.add(Ban.ELECTRONIC)
    else:
        rest = plain
        for _, words in _NAMED:
            rest = re.sub(words, " … ", rest)
        if not found or re.search(_EVERYTHING, rest):
            found.update(DIRECT_MARKETING)
    return tuple(ban for ban in Ban if ban in found)


def comparable(identity: str, value: str) -> str | None:
    """The one spelling of a contact; None if it can't be one of this kind. Any spelling gives the same result.

    Wide and narrow letters are one here, so that nobody is written to because of a keyboard.
    """
    if identity not in IDENTITIES or len(value) > _LONGEST:
        return None
    for _ in range(_ROUNDS):  # what leaves a text can bring letters together that are then one
        plain = _once(identity, value)
        if plain is None or plain == value:
            return plain
        value = plain
    return None


def _once(identity: str, value: str) -> str | None:
    text = unicodedata.normalize("NFKC", value)
    return _postal(text) if identity == POSTAL else identifiers.normalise(identity, text)


def _postal(text: str) -> str | None:
    """Street, postcode and town as words in small letters, without marks and country; None without a postcode."""
    flat = identifiers.clean(text).lower()
    words = [word for word in _NO_WORD.split(flat) if word and word not in _COUNTRY]
    if len(words) < 3 or not any(_POSTCODE.fullmatch(word) for word in words):
        return None
    return " ".join(words)
