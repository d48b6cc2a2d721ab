"""Invented people: names, test identity codes, contacts that reach nobody, addresses that don't exist."""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from workflows.demo import names, numbers

_PLAIN = str.maketrans("đŋŧøłŞş", "dntolSs", "'’")


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is on the day the register was made; "" where the register knows nothing."""

    last: str
    first: str
    born: date | None
    hetu: str | None
    language: str
    email: str
    phone: str
    street: str
    postcode: str
    town: str


def plain(text: str) -> str:
    """Lower-case ASCII for addresses in mail: "Máret-Ánne" gives "maret-anne"."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    return "".join(c for c in folded if c.isascii() and (c.isalnum() or c == "-"))


def mail_address(first: str, last: str, host: str, tail: str = "") -> str:
    """An address under the reserved top-level domain `.example`. Source: RFC 2606 s. 2."""
    given = plain(first.split(maxsplit=1)[0]) if first else "posti"
    return f"{given}.{plain(last) or 'x'}{tail}@{host}"


def place(rng: Random) -> tuple[str, str, str]:
    """Street, postcode and town; invented streets start at number 200, where no real house stands."""
    street = f"{rng.choice(names.STREETS)} {rng.randrange(200, 1000)}"
    if rng.randrange(3) == 0:
        street = f"{street} {rng.choice('ABC')} {rng.randrange(1, 40)}"
    postcode, town = rng.choice(names.TOWNS)
    return street, postcode, town


def person(rng: Random, *, serial: int, as_of: date) -> Person:
    """One invented adult; `serial` keeps mail addresses apart."""
    kind = rng.randrange(1000)
    woman = rng.randrange(2) == 0
    language = "fi"
    if kind < 20:
        last = rng.choice(names.SWEDISH_LAST).replace("_", " ")
        first, language = rng.choice(names.SWEDISH_WOMEN if woman else names.SWEDISH_MEN), "sv"
    elif kind < 30:
        last, first = rng.choice(names.SAMI_LAST), rng.choice(names.SAMI_WOMEN if woman else names.SAMI_MEN)
    elif kind < 70:
        last = rng.choice(names.FOREIGN_LAST)
        first, language = rng.choice(names.FOREIGN_WOMEN if woman else names.FOREIGN_MEN), "en"
    else:
        given = names.FINNISH_WOMEN if woman else names.FINNISH_MEN
        last, first = rng.choice(names.FINNISH_LAST), " ".join(rng.sample(given, 2))
    born = as_of - timedelta(days=rng.randrange(18 * 366, 92 * 365))
    individual = 900 + rng.randrange(50) * 2 + (0 if woman else 1)
    street, postcode, town = place(rng)
    return Person(
        last,
        first,
        born,
        numbers.hetu(born, individual, rng.randrange(6)),
        language,
        mail_address(first, last, rng.choice(names.MAIL_HOSTS), str(serial)),
        numbers.phone(rng),
        street,
        postcode,
        town,
    )
