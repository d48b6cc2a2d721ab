"""What a column probably is, from its name and from counts over a sample; with how sure and why.

Guesses are for a person to confirm. They err towards personal: a column wrongly taken for personal costs a
reader a second, one wrongly left out is missing from every answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.rules.detect_names import NameSign, sign_of, words_of
from workflows.rules.discovered import FoundField

PERSONAL_FROM = 0.3
SURE_FROM = 0.8

CATEGORIES: Mapping[str, str] = {
    "national_id": "user.government_id.national_identification_number",
    "email": "user.contact.email",
    "phone_number": "user.contact.phone_number",
    "iban": "user.financial.bank_account",
    "card": "user.financial.credit_card",
    "reference_number": "user.financial",
    "gsrn": "user.unique_id",
    "business_id": "user.unique_id",
    "customer_number": "user.unique_id",
    "last_name": "user.name.last",
    "first_name": "user.name.first",
    "full_name": "user.name",
    "name": "user.name",
    "birth_date": "user.demographic.date_of_birth",
    "gender": "user.demographic.gender",
    "postcode": "user.contact.address.postal_code",
    "city": "user.contact.address.city",
    "street": "user.contact.address.street",
    "language": "user.demographic.language",
    "protected": "user.privacy_preferences",
    "preference": "user.privacy_preferences",
    "health": "user.health_and_medical",
    "job": "user.job_title",
    "ip": "user.device.ip_address",
    "location": "user.location.precise",
    "consumption": "user.sensor",
    "money": "user.financial",
    "username": "user.account.username",
    "password": "user.authorization.password",
    "text": "user.content",
}
"""Meaning to Fideslang data category."""

IDENTITIES = ("customer_number", "email", "phone_number", "national_id")
"""Meanings by which a person can be found, the surest first."""

WORDS: Mapping[str, str] = {
    "national_id": "a personal identity code",
    "email": "an e-mail address",
    "phone_number": "a phone number",
    "iban": "an IBAN",
    "card": "a card number",
    "reference_number": "a payment reference",
    "gsrn": "a metering point (GSRN)",
    "business_id": "a business ID",
    "street": "a street address",
    "postcode": "a postcode",
    "birth_date": "a date of birth",
    "ip": "an IP address",
    "language": "a language",
    "full_name": "a name",
    "last_name": "a name",
    "first_name": "a name",
    "name": "a name",
    "text": "free text",
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column probably is. `meaning` is "" where nothing speaks for anything personal."""

    meaning: str
    category: str
    confidence: float
    reason: str

    @property
    def personal(self) -> bool:
        """Whether it must be taken for personal until a person says otherwise."""
        return self.category.startswith("user") and self.confidence >= PERSONAL_FROM

    @property
    def sure(self) -> bool:
        """Whether nobody needs to look twice."""
        return self.confidence >= SURE_FROM


@dataclass(frozen=True, slots=True)
class _Test:
    """Which test of the values speaks for a meaning: from which share on, on how many values, how strongly."""

    meaning: str
    test: str
    share: float
    least: int
    weight: float


_TESTS = (
    _Test("national_id", "national_id", 0.8, 1, 0.95),
    _Test("email", "email", 0.8, 1, 0.95),
    _Test("iban", "iban", 0.8, 1, 0.95),
    _Test("gsrn", "gsrn", 0.9, 3, 0.95),
    _Test("business_id", "business_id", 0.8, 2, 0.9),
    _Test("card", "card", 0.9, 5, 0.9),
    _Test("ip", "ip", 0.9, 2, 0.8),
    _Test("phone_number", "phone_number", 0.8, 3, 0.8),
    _Test("reference_number", "reference_number", 0.95, 8, 0.7),
    _Test("national_id", "national_id", 0.1, 2, 0.7),
    _Test("email", "email", 0.2, 2, 0.7),
    _Test("street", "street", 0.7, 3, 0.7),
    _Test("text", "embedded", 0.01, 1, 0.8),
    _Test("full_name", "two_words", 0.8, 5, 0.5),
    _Test("text", "prose", 0.5, 3, 0.45),
    _Test("language", "language", 1.0, 1, 0.5),
)
_OWN_TEST = {t.meaning: t.test for t in _TESTS} | {
    "postcode": "postcode", "birth_date": "birth", "last_name": "name", "first_name": "name", "name": "name",
    "text": "", "reference_number": "reference_number",
}  # fmt: skip
_SINCE = frozenset({"alkaen", "asti", "since", "from", "until", "sedan", "fran", "till"})
_TEXTS = ("", "string", "object")
_ONLY_TEXT = frozenset(
    {"email", "iban", "street", "last_name", "first_name", "full_name", "name", "text", "city", "username", "job"}
)
"""What a number, a date or a truth value can't be."""


def classify(field: FoundField) -> Guess:
    """The likeliest meaning of a column."""
    sign = sign_of(field.name)
    if sign is not None and _is_since(field, sign):
        return _guess(sign.meaning, sign.weight * 0.8, f"the name says since when a `{sign.word}` holds")
    if sign is not None and not _possible(sign.meaning, field):
        sign = None
    seen = _by_values(field)
    if seen is not None and sign is not None and _agree(sign.meaning, seen.meaning):
        meaning = sign.meaning
        confidence = 1 - (1 - sign.weight) * (1 - seen.confidence)
        return _guess(meaning, min(confidence, 0.99), f"the name says `{sign.word}`; {seen.reason}")
    if seen is not None and (sign is None or seen.confidence > sign.weight):
        return seen
    if sign is not None:
        return _by_name(field, sign)
    return Guess("", "", 0.0, "neither name nor values look personal")


def _is_since(field: FoundField, sign: NameSign) -> bool:
    """Whether a date tells since or until when a contact is somebody's."""
    dated = field.kind in ("date", "instant") and sign.meaning in ("email", "phone_number", "street")
    return dated and words_of(field.name)[-1] in _SINCE


def _by_values(field: FoundField) -> Guess | None:
    evidence = field.evidence
    if not evidence.distinct or field.data_type in ("boolean", "float") or field.kind == "binary":
        return None
    for test in _TESTS:
        if field.data_type == "integer" and test.meaning not in ("gsrn", "reference_number"):
            continue
        if test.meaning == "reference_number" and field.primary:
            continue
        enough = evidence.distinct >= test.least or test.test == "embedded"
        if enough and evidence.share(test.test) >= test.share:
            return _guess(test.meaning, test.weight, _counted(field, test.meaning, test.test))
    dates = evidence.share("date") >= 0.95 and evidence.distinct >= 10
    if dates and field.kind != "instant" and evidence.share("birth") >= 0.97:
        return _guess("birth_date", 0.5, _counted(field, "birth_date", "birth"))
    if evidence.share("postcode") == 1 and evidence.share("leading_zero") > 0 and evidence.distinct >= 5:
        return _guess("postcode", 0.4, _counted(field, "postcode", "postcode"))
    return None


def _by_name(field: FoundField, sign: NameSign) -> Guess:
    evidence, test = field.evidence, _OWN_TEST.get(sign.meaning, "")
    said = f"the name says `{sign.word}`"
    if not evidence.distinct:
        return _guess(sign.meaning, sign.weight * 0.9, f"{said}; there are no values to look at")
    if not test:
        return _guess(sign.meaning, sign.weight, said)
    counted = _counted(field, sign.meaning, test)
    if evidence.share(test) >= 0.6:
        return _guess(sign.meaning, min(0.95, sign.weight + 0.1), f"{said}; {counted}")
    few = f"hardly any of {evidence.distinct} sampled values looks like {WORDS.get(sign.meaning, sign.meaning)}"
    if evidence.share(test) >= 0.25:
        few = f"only {counted}"
    if sign.meaning == "name":  # of a product, a town, a file …
        return _guess("name", 0.2, f"{said}, but {few}")
    return _guess(sign.meaning, max(PERSONAL_FROM, sign.weight * 0.5), f"{said}, but {few}")


def _possible(meaning: str, field: FoundField) -> bool:
    if meaning in _ONLY_TEXT and field.data_type not in _TEXTS:
        return False
    if field.primary and field.data_type == "integer" and meaning not in ("customer_number", "gsrn"):
        return False  # `consent_id` numbers a row
    if field.kind in ("date", "instant"):
        return meaning in ("birth_date", "preference")
    if field.kind == "binary":
        return meaning == "password"
    return not (meaning == "birth_date" and field.data_type == "boolean")


def _agree(said: str, seen: str) -> bool:
    if said == seen:
        return True
    names = {"last_name", "first_name", "full_name", "name"}
    return said in names and seen in names


def _counted(field: FoundField, meaning: str, test: str) -> str:
    evidence = field.evidence
    what = WORDS.get(meaning, meaning)
    inside = " with an address, number or code of a person in it" if test == "embedded" else ""
    return f"{evidence.hits.get(test, 0)} of {evidence.distinct} sampled values look like {what}{inside}"


def _guess(meaning: str, confidence: float, reason: str) -> Guess:
    return Guess(meaning, CATEGORIES[meaning], round(confidence, 2), reason)
