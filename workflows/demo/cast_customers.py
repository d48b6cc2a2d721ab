"""The cast, first part: customers by the state of their contract, and who they are."""

from datetime import date

from models.vocabulary import Outcome, Right
from workflows.demo.calendar import Ago
from workflows.demo.cast import Deal, Debt, Expected, Member, RoleAt, by_hand, erased, kept, partly

_UNKNOWN = Expected(Outcome.NOT_IDENTIFIED, (), ("M11", "M12"), "no code ever reaches anybody")
_ACTIVE = kept("H12", "H01", "H05", rows="M29")

CUSTOMERS: tuple[Member, ...] = (
    Member(
        "active", "Korhonen", "Aino Maria", date(1984, 3, 7), True,
        "Contract in force for four years, everything paid, one outage and an old address.",
        _ACTIVE, deals=(Deal(Ago(years=4), site="row_house"),), outages=(Ago(months=5),), old_address=True,
    ),
    Member(
        "ended-2-years", "Mäkinen", "Eero Tapio", date(1971, 9, 30), False,
        "Contract ended two years ago, everything paid.",
        partly("H06", "H05", "H01", "H02", rows="M30 M32 M34 M35"),
        deals=(Deal(Ago(years=5), Ago(years=2), site="electric_house"),),
    ),
    Member(
        "ended-7-years", "Perälä", "Liisa Helena", date(1958, 1, 12), True,
        "Contract ended almost eight years ago; values from then are still stored though they should be gone.",
        partly("H02", rows="M31 M33 M35", note="only the ledger stays"),
        since=Ago(years=11), deals=(Deal(Ago(years=9), Ago(years=7, months=11)),),
    ),
    Member(
        "ended-12-years", "Hietanen", "Toivo Ilmari", date(1949, 6, 1), False,
        "Contract ended twelve years ago; nothing has a reason to stay.",
        erased(rows="M31"),
        since=Ago(years=15), deals=(Deal(Ago(years=14), Ago(years=12), site="cottage"),),
    ),
    Member(
        "six-years-and-a-day", "Ylöstalo", "Kalevi Antero", date(1966, 11, 3), False,
        "Contract ended six years and a day ago: the contract goes, the year's vouchers stay.",
        partly("H01", "H02", rows="M31 M34"),
        since=Ago(years=9), deals=(Deal(Ago(years=8), Ago(years=6, days=2)),),
        debts=(Debt(Ago(years=6, days=-20), 74_30, 0),),
    ),
    Member(
        "six-years-less-a-day", "Viitala", "Eino Johannes", date(1990, 4, 18), False,
        "Contract ended a day less than six years ago: the contract stays for one more day.",
        partly("H06", "H01", "H02", rows="M30 M34"),
        since=Ago(years=9), deals=(Deal(Ago(years=8), Ago(years=6, days=-1)),),
        debts=(Debt(Ago(years=6, days=-20), 74_30, 0),),
    ),
    Member(
        "paid-all", "Heikkilä", "Helmi Sofia", date(1977, 8, 24), True,
        "Contract ended four years ago with a final invoice that was paid.",
        partly("H06", "H01", "H02", rows="M30 M34"),
        since=Ago(years=8), deals=(Deal(Ago(years=7), Ago(years=4), site="district_house"),),
    ),
    Member(
        "leap-day", "Luoma", "Väinö Olavi", date(1996, 2, 29), False,
        "Born on a leap day, contract from a leap day, values on that day.",
        _ACTIVE, deals=(Deal(Ago(years=2), bills_for_years=3),),
    ),
    Member(
        "five-points", "Mäki-Hakola", "Lauri Mikael", date(1962, 5, 15), False,
        "A farm: five metering points with three years of quarter-hour values each.",
        _ACTIVE,
        deals=(
            Deal(Ago(years=5), site="farm", stored=((Ago(years=3), Ago()),)),
            Deal(Ago(years=5), site="electric_house", points=4, stored=((Ago(years=3), Ago()),)),
        ),
    ),
    Member(
        "solar", "Rinta-Kohtamäki", "Pentti Juhani", date(1969, 7, 21), False,
        "Sells surplus solar power: negative quarter hours, three years of them.",
        _ACTIVE,
        deals=(Deal(Ago(years=4), site="electric_house", solar=True, stored=((Ago(years=3), Ago()),)),),
    ),
    Member(
        "grid-only", "Latva-Koivisto", "Tuulikki Elina", date(1988, 12, 2), True,
        "Buys energy elsewhere; only the grid contract is in force.",
        _ACTIVE, deals=(Deal(Ago(years=3), energy=False),),
    ),
    Member(
        "moved", "Hakala", "Emilia Johanna", date(1993, 10, 9), True,
        "Moved a month ago: one contract ended and another began on the same midnight.",
        kept("H12", "H05", rows="M29"),
        deals=(
            Deal(Ago(years=3), Ago(months=1), stored=((Ago(months=3), Ago()),)),
            Deal(Ago(months=1), site="row_house"),
        ),
        rows=("M01", "M06", "M15"),
    ),
    Member(
        "moved-in", "Uusi-Kölli", "Eevi Katariina", date(1999, 1, 27), True,
        "Took over the flat that another customer left: sees only her own days.",
        kept("H12", "H05", rows="M29"),
        since=Ago(months=1), deals=(Deal(Ago(months=1), at="moved"),), rows=("M01", "M06", "M15"),
    ),
    Member(
        "joint-first", "Rajala", "Antti Petteri", date(1980, 2, 14), False,
        "First holder of a joint contract in force: it and its readings are shared.",
        kept("H12", "H01", rows="M29"), deals=(Deal(Ago(years=4), site="row_house", joint="joint-second"),),
        rows=("M01", "M05", "M15"),
    ),
    Member(
        "joint-second", "Rajala", "Johanna Susanna", date(1982, 6, 23), True,
        "Second holder of the same contract: it is found for her too.",
        kept("H12", rows="M29"), home_of="joint-first", rows=("M01", "M05", "M15"),
    ),
    Member(
        "shared-mail-1", "Heinonen", "Kari Antero", date(1955, 4, 4), False,
        "Shares one e-mail address with his wife: the address alone identifies nobody.",
        _ACTIVE, email="heinoset@posti.example", deals=(Deal(Ago(years=4)),),
    ),
    Member(
        "shared-mail-2", "Heinonen", "Päivi Anneli", date(1957, 9, 19), True,
        "The other user of that address, with a contract for the summer cottage.",
        _ACTIVE, email="heinoset@posti.example", home_of="shared-mail-1", deals=(Deal(Ago(years=3), site="cottage"),),
    ),
    Member(
        "same-name-1", "Virtanen", "Matti Juhani", date(1975, 5, 5), False,
        "Two men of one name and birthday; this one lives in a flat.",
        _ACTIVE, email="matti.virtanen1@posti.example", deals=(Deal(Ago(years=4)),),
    ),
    Member(
        "same-name-2", "Virtanen", "Matti Juhani", date(1975, 5, 5), False,
        "The other man of that name and birthday, whose contract ended a year ago.",
        partly("H06", "H01", rows="M30"),
        email="matti.virtanen2@posti.example", deals=(Deal(Ago(years=4), Ago(years=1)),),
    ),
    Member(
        "two-numbers", "Niemi", "Tarja Hannele", date(1963, 3, 28), True,
        "One woman with two customer numbers, made by phone and online.",
        _ACTIVE, deals=(Deal(Ago(years=4)),), twin=True,
        other={
            Right.ACCESS: Expected(
                Outcome.DELIVERED, (), ("M01",), "the second record may need a look before it is delivered"
            )
        },
    ),
    Member(
        "protected", "Salminen", "Elina Kristiina", date(1986, 7, 7), True,
        "Address under protection: a post-office box, no address in any document.",
        _ACTIVE, protected=True, deals=(Deal(Ago(years=3)),), rows=("M01", "M69"),
    ),
    Member(
        "swedish", "Ångström", "Åsa Birgitta", date(1979, 11, 11), True,
        "Writes Swedish and gets Swedish.",
        _ACTIVE, language="sv", deals=(Deal(Ago(years=4), site="row_house"),),
    ),
    Member(
        "sami", "Eŋŋasaš", "Máret-Ánne", date(1991, 2, 6), True,
        "A name with letters that old systems lose.",
        _ACTIVE, deals=(Deal(Ago(years=2)),),
    ),
    Member(
        "foreign", "Kowalska", "Anastasiia", date(1989, 8, 1), True,
        "No Finnish identity code, writes English; contract ended a year ago.",
        partly("H06", "H01", rows="M30"),
        language="en", has_hetu=False, deals=(Deal(Ago(years=3), Ago(years=1)),),
    ),
    Member(
        "long-name", "von Schantz-Västerlund-Ylä-Rautakoski", "Maria Aleksandra Wilhelmina Josefiina", date(1968, 1, 2),
        True, "A name longer than any form field.",
        _ACTIVE, email="maria.vsvyr@mejl.example", deals=(Deal(Ago(years=3)),),
    ),
    Member(
        "one-name", "Abdullahi", "", date(1994, 1, 1), False,
        "Has one name only.",
        _ACTIVE, language="en", deals=(Deal(Ago(years=1)),),
    ),
    Member(
        "name-change", "Isotalo", "Katariina Sofia", date(1987, 5, 30), True,
        "Took a new name two years ago; the old one is in the history.",
        _ACTIVE, old_last="Laitinen", deals=(Deal(Ago(years=5)),),
    ),
    Member(
        "recycled-mail-old", "Jokinen", "Petteri Kalevi", date(1960, 10, 10), False,
        "Left three years ago; the e-mail address on file belongs to somebody else today.",
        partly("H06", "H01", rows="M30"),
        email="p.jokinen@lakeusnetti.example", deals=(Deal(Ago(years=5), Ago(years=3)),),
    ),
    Member(
        "recycled-mail-new", "Jokela", "Sofia Pauliina", date(2001, 3, 3), True,
        "Got the address that another customer had before.",
        _ACTIVE, email="p.jokinen@lakeusnetti.example", since=Ago(years=1), deals=(Deal(Ago(years=1)),),
    ),
    Member(
        "shared-address-1", "Takala", "Kerttu Marjatta", date(1945, 12, 6), True,
        "Lives at one address with her lodger, who is a customer too.",
        _ACTIVE, deals=(Deal(Ago(years=5), site="district_house"),),
    ),
    Member(
        "shared-address-2", "Peltoniemi", "Leo Mikael", date(2003, 7, 14), False,
        "The lodger, with a contract for his own annex.",
        _ACTIVE, home_of="shared-address-1", since=Ago(years=1), deals=(Deal(Ago(years=1)),),
    ),
    Member(
        "sole-trader", "Hautamäki", "Heikki Olavi", date(1973, 9, 9), False,
        "Sole trader: identity code and business id in one record.",
        _ACTIVE, kind="T", deals=(Deal(Ago(years=4), site="farm"),),
    ),
    Member(
        "estate", "Järvinen", "Veikko Ilmari", date(1938, 3, 17), False,
        "An estate: the man died, the contract goes on.",
        Expected(Outcome.BY_HAND, (), ("M71",), "the GDPR does not cover the dead; the estate's own procedure"),
        kind="K", deals=(Deal(Ago(years=6)),),
        other=by_hand("M71", "the GDPR does not cover the dead; the estate's own procedure"),
    ),
    Member(
        "unknown", "Olematon", "Ulla Marjatta", date(1970, 1, 1), True,
        "Nobody of this name, number or address is in any source.",
        _UNKNOWN, on_file=False, other={Right.ACCESS: _UNKNOWN, Right.PORTABILITY: _UNKNOWN},
    ),
    Member(
        "contact-active", "Koskinen", "Hannele Johanna", date(1981, 4, 25), True,
        "Speaks for a company that is a customer; no contract of her own.",
        partly("H13", rows="M48"), roles=(RoleAt("Savipellon Leipomo Oy"),), has_hetu=False,
        rows=("M01", "M17"),
    ),
    Member(
        "contact-ended", "Lehtinen", "Timo Antero", date(1976, 2, 2), False,
        "Spoke for a company until two months ago.",
        erased(rows="M49"), roles=(RoleAt("Kytösavun Saha Oy", ended=Ago(months=2)),), has_hetu=False,
        rows=("M01", "M17"),
    ),
    Member(
        "contact-and-customer", "Rantanen", "Satu Maarit", date(1985, 8, 8), True,
        "Speaks for a company and buys electricity for her own home.",
        kept("H12", "H13", "H05", rows="M29 M48"),
        roles=(RoleAt("Puukonterän Konepaja Oy"),), deals=(Deal(Ago(years=4)),),
    ),
    Member(
        "prospect", "Kivimäki", "Onni Eemil", date(2000, 12, 12), False,
        "Asked for an offer a year ago and never made a contract.",
        erased(rows="M55"), since=Ago(years=1), rows=("M01",),
    ),
    Member(
        "prospect-with-ban", "Kangasniemi", "Aada Linnea", date(1998, 6, 6), True,
        "An old offer and a ban on marketing: the ban is kept so that it can be respected.",
        partly("H14", rows="M46 M55"), since=Ago(years=2), bans=("B2", "B3"), rows=("M01",),
    ),
    Member(
        "all-bans", "Karjalainen", "Riikka Susanna", date(1972, 11, 30), True,
        "Forbids everything that can be forbidden.",
        kept("H12", "H14", "H05", rows="M29 M46"),
        bans=("B1", "B2", "B3", "B4", "B5", "B6", "B7"), deals=(Deal(Ago(years=5)),), rows=("M01", "M64", "M65"),
    ),
    Member(
        "outages", "Takamäki", "Seija Inkeri", date(1959, 5, 1), True,
        "Contract ended three months ago; outages one and three years ago, only the younger must be kept.",
        partly("H07", "H06", "H05", rows="M30 M32"),
        deals=(Deal(Ago(years=5), Ago(months=3)),), outages=(Ago(years=1), Ago(years=3)),
    ),
    Member(
        "clock-change", "Ala-Nikkola", "Urho Kalevi", date(1974, 3, 26), False,
        "Values over the nights when the clock is changed: days of 92 and of 100 quarters.",
        _ACTIVE, deals=(Deal(Ago(years=3), stored=((Ago(years=1), Ago()),)),),
    ),
    Member(
        "canary", "Kanarialintu", "Testi", date(1970, 6, 15), True,
        "Test record in every source; a search that does not find it did not work.",
        kept("H12", rows="M29", note="never asked for real; the line at the agency is taken out by hand"),
        deals=(Deal(Ago(years=2)),),
        debts=(Debt(Ago(months=8), 10_00, 0, (Ago(months=7),), claim="Closed"),),
    ),
)  # fmt: skip
