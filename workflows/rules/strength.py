"""How much an identifier says about whose a record is."""

from collections.abc import Mapping
from typing import Literal

Strength = Literal["strong", "weak", "hint"]
"""`strong` names one person. `weak` does too, until it turns out to be somebody else's as well. `hint` never does."""

_WEAK = frozenset({"email", "phone", "phone_number", "iban", "ip_address", "client_id", "device_id", "cookie_id"})
_HINT = frozenset(
    {
        "name",
        "full_name",
        "first_name",
        "last_name",
        "address",
        "street_address",
        "postal_address",
        "birth_date",
        "date_of_birth",
        "birthday",
        "gsrn",
    }
)


def strength_of(identity: str, said: Mapping[str, Strength]) -> Strength:
    """The strength of an identity; `said` is what the register says of some.

    An e-mail address may be a family's and a telephone number changes hands; a name, a birthday and an address are
    those of many, and a metering point is a place.

    Source: GDPR Art. 5(1)(d), 15(4); a personal identity code selects a record and proves nobody (Data Protection
    Act 1050/2018 s. 29), which is the verification's matter and not this one's.
    """
    known = said.get(identity)
    if known is not None:
        return known
    plain = identity.lower()
    return "hint" if plain in _HINT else "weak" if plain in _WEAK else "strong"
