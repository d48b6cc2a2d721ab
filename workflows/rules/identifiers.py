"""The identifiers a person may give, each brought to the one spelling in which two of them can be compared."""

import re
import unicodedata
from collections.abc import Callable, Mapping

import phonenumbers
from stdnum.exceptions import ValidationError
from stdnum.fi import hetu, ytunnus

CUSTOMER_NUMBER = "customer_number"
EMAIL = "email"
PHONE = "phone_number"
NATIONAL_ID = "national_id"
GSRN = "gsrn"
INVOICE = "invoice_number"
PAYMENT_REFERENCE = "reference_number"
BUSINESS_ID = "business_id"

KINDS = (CUSTOMER_NUMBER, EMAIL, PHONE, NATIONAL_ID, GSRN, INVOICE, PAYMENT_REFERENCE, BUSINESS_ID)

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_SEPARATORS = re.compile(r"[\s\-./]+")
_LOCAL_PART = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}")
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?")
_DEVIATIONS = frozenset("ßς\u200c\u200d")


def clean(text: str) -> str:
    """NFC without control, format, surrogate and unassigned characters; line ends become "\\n".

    Joiners stay, since emoji and some scripts need them; marks that turn the direction of writing go.
    """
    flat = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        c for c in flat if c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn")
    )


def normalise(kind: str, value: str) -> str | None:
    """The comparable spelling of an identifier; None if it cannot be one of this kind.

    An unknown kind is compared without outer spaces and regardless of case.
    """
    if len(value) > 320:
        return None
    text = clean(value).strip()
    if not text:
        return None
    return _BY_KIND.get(kind, _plain)(text)


def _email(text: str) -> str | None:
    """Lower case, domain as IDNA; never folds one letter into another, so that a look-alike stays different."""
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or local.startswith(".") or local.endswith("."):
        return None
    host = _host(domain)
    if host is None or len(local) + len(host) > 253:
        return None
    # lower() and not casefold(): casefold would make "straße" and "strasse" one mailbox
    return f"{local.lower()}@{host}"


def _host(domain: str) -> str | None:
    if len(domain) > 253:
        return None
    labels = []
    for label in domain.rstrip(".").split("."):
        try:
            if label.isascii():
                labels.append(label.lower())
            elif _DEVIATIONS & set(label):  # the codec knows IDNA 2003 only, which maps these to other names
                labels.append("xn--" + unicodedata.normalize("NFKC", label).lower().encode("punycode").decode())
            else:
                labels.append(label.encode("idna").decode().lower())
        except UnicodeError:
            return None
    host = ".".join(labels)
    return host if _HOST.fullmatch(host) else None


def _phone(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "FI")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _national_id(text: str) -> str | None:
    """All eleven characters count: the separator tells people apart. Source: decree 690/2022."""
    wanted = _DASHES.sub("-", text).replace(" ", "").upper()
    if len(wanted) != 11 or not wanted.isascii():
        return None
    try:
        hetu.validate(wanted, allow_temporary=True)
    except ValidationError:
        return None
    return wanted


def _digits(text: str) -> str | None:
    digits = _SEPARATORS.sub("", _DASHES.sub("-", text))
    return digits if digits.isascii() and digits.isdigit() else None


def _gsrn(text: str) -> str | None:
    """Eighteen digits with the GS1 check digit."""
    digits = _digits(text)
    if digits is None or len(digits) != 18:
        return None
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits[:-1])))
    return digits if (10 - total % 10) % 10 == int(digits[-1]) else None


def _payment_reference(text: str) -> str | None:
    """A Finnish payment reference: 4 to 20 digits with the 7-3-1 check digit, no leading zeros."""
    digits = (_digits(text) or "").lstrip("0")
    if not 4 <= len(digits) <= 20:
        return None
    total = sum(int(d) * (7, 3, 1)[i % 3] for i, d in enumerate(reversed(digits[:-1])))
    return digits if (10 - total % 10) % 10 == int(digits[-1]) else None


def _business_id(text: str) -> str | None:
    wanted = _DASHES.sub("-", text).replace(" ", "")
    try:
        compact = str(ytunnus.validate(wanted))
    except ValidationError:
        return None
    return f"{compact[:7]}-{compact[7]}"


def _plain(text: str) -> str | None:
    plain = re.sub(r"\s+", "", _DASHES.sub("-", text)).upper()
    return plain if len(plain) <= 64 else None


_BY_KIND: Mapping[str, Callable[[str], str | None]] = {
    EMAIL: _email,
    PHONE: _phone,
    NATIONAL_ID: _national_id,
    GSRN: _gsrn,
    PAYMENT_REFERENCE: _payment_reference,
    BUSINESS_ID: _business_id,
}
