"""The cast, second part: invoices that are open, late, collected, disputed, time-barred or owed back."""

from datetime import date

from workflows.demo.calendar import Ago
from workflows.demo.cast import Deal, Debt, Member, kept, partly

DEBTORS: tuple[Member, ...] = (
    Member(
        "open-invoice", "Lehtonen", "Venla Kristiina", date(1995, 9, 13), True,
        "Moved out last month; the final invoice is open and not yet due.",
        partly("H09", "H06", "H01", rows="M36"),
        deals=(Deal(Ago(years=3), Ago(months=1)),), debts=(Debt(Ago(days=-10), 86_40, 86_40),),
    ),
    Member(
        "overdue", "Savolainen", "Jari Mikael", date(1978, 2, 20), False,
        "The final invoice is overdue and he was reminded twice.",
        partly("H09", "H06", "H01", rows="M37"),
        deals=(Deal(Ago(years=3), Ago(months=5)),),
        debts=(Debt(Ago(months=4), 142_75, 142_75, (Ago(months=3), Ago(months=2))),),
    ),
    Member(
        "half-paid", "Laine", "Mervi Tuulikki", date(1983, 5, 17), True,
        "Paid half of an overdue invoice; the rest is open.",
        partly("H09", "H06", rows="M37"),
        deals=(Deal(Ago(years=3), Ago(months=6)),), debts=(Debt(Ago(months=5), 200_00, 100_00, (Ago(months=4),)),),
    ),
    Member(
        "in-collection", "Turunen", "Markku Tapani", date(1965, 12, 31), False,
        "The claim is with the collection agency.",
        partly("H10", "H09", "H06", rows="M38"),
        deals=(Deal(Ago(years=4), Ago(months=9)),),
        debts=(Debt(Ago(months=8), 412_90, 412_90, (Ago(months=7),), claim="CollectionInProgress"),),
    ),
    Member(
        "payment-plan", "Ahonen", "Riitta Kaarina", date(1961, 7, 3), True,
        "Pays the collection agency by instalments.",
        partly("H10", "H09", rows="M38"),
        deals=(Deal(Ago(years=4), Ago(years=1)),),
        debts=(Debt(Ago(months=11), 655_10, 401_10, (Ago(months=10),), claim="PaymentPlan"),),
    ),
    Member(
        "enforcement", "Latvala", "Pekka Juhani", date(1970, 4, 29), False,
        "Judgment a year ago, now in enforcement.",
        partly("H10", "H09", rows="M38"),
        deals=(Deal(Ago(years=5), Ago(years=2)),),
        debts=(
            Debt(Ago(months=22), 1_204_00, 1_204_00, (Ago(months=21),), judged=Ago(years=1), claim="Enforcement"),
        ),
    ),
    Member(
        "disputed", "Pihlajamäki", "Sirpa Maarit", date(1967, 3, 9), True,
        "Disputes the invoice that is with the agency.",
        partly("H10", "H11", "H09", rows="M39"),
        deals=(Deal(Ago(years=4), Ago(months=10)),),
        debts=(Debt(Ago(months=9), 318_20, 318_20, (Ago(months=8),), disputed=True, claim="New"),),
    ),
    Member(
        "active-in-collection", "Hämäläinen", "Onerva Maria", date(1992, 8, 22), True,
        "Still a customer, with one old invoice at the agency.",
        kept("H12", "H10", "H09", rows="M29 M38"),
        deals=(Deal(Ago(years=3)),),
        debts=(Debt(Ago(months=6), 97_60, 97_60, (Ago(months=5),), claim="CollectionInProgress"),),
    ),
    Member(
        "prescribed", "Kangas", "Seppo Olavi", date(1956, 1, 25), False,
        "A debt nobody asked for in eight years: time-barred, so it holds nothing.",
        partly("H02", rows="M40", note="only the ledger stays"),
        since=Ago(years=11), deals=(Deal(Ago(years=10), Ago(years=8)),),
        debts=(Debt(Ago(years=7, months=11), 230_00, 230_00, (Ago(years=7, months=10),)),),
    ),
    Member(
        "interrupted", "Äijälä", "Raimo Tapio", date(1964, 6, 11), False,
        "An old debt, kept alive by reminders every two years.",
        partly("H09", "H01", "H02", rows="M37"),
        since=Ago(years=9), deals=(Deal(Ago(years=8), Ago(years=7)),),
        debts=(
            Debt(Ago(years=6, months=11), 512_00, 512_00, (Ago(years=6), Ago(years=4), Ago(years=2), Ago(months=3))),
        ),
    ),
    Member(
        "credit-balance", "Salo", "Ulla Marjatta", date(1952, 10, 4), True,
        "Left with 38.20 euros in her favour; the money has not been paid back.",
        partly("H21", "H06", "H01", rows="M41"),
        deals=(Deal(Ago(years=4), Ago(months=3)),), debts=(Debt(Ago(months=2), 52_10, -38_20),),
    ),
    Member(
        "co-debtor-1", "Nieminen", "Ville Petteri", date(1986, 1, 19), False,
        "Held a contract jointly; each of the two has a line of their own at the agency.",
        partly("H10", "H09", "H06", rows="M38"),
        deals=(Deal(Ago(years=4), Ago(months=9), joint="co-debtor-2"),),
        debts=(
            Debt(
                Ago(months=8), 288_00, 288_00, (Ago(months=7),), claim="CollectionInProgress", co_debtor="co-debtor-2"
            ),
        ),
        rows=("M01", "M05"),
    ),
    Member(
        "co-debtor-2", "Nieminen", "Susanna Elina", date(1988, 4, 2), True,
        "The joint holder, asked for the same money.",
        partly("H10", "H06", rows="M38", note="the invoices are the first holder's and stay untouched"),
        home_of="co-debtor-1", rows=("M01", "M05"),
    ),
    Member(
        "sold-debt", "Kuusisto", "Pentti Antero", date(1969, 9, 1), False,
        "The claim was sold to the agency, which is its own controller now.",
        partly("H06", "H01", rows="M34", note="the buyer must be asked separately"),
        deals=(Deal(Ago(years=5), Ago(years=2)),),
        debts=(Debt(Ago(months=23), 745_00, 0, (Ago(months=22),), claim="Sold", sold=Ago(months=14)),),
    ),
    Member(
        "collection-closed", "Luhtala", "Mari Hannele", date(1984, 11, 8), True,
        "Paid after collection; the agency closed the case a year ago.",
        partly("H06", "H01", rows="M34", note="the agency's line is taken out by hand"),
        deals=(Deal(Ago(years=5), Ago(years=2)),),
        debts=(Debt(Ago(months=20), 119_00, 0, (Ago(months=19),), claim="Closed"),),
    ),
)  # fmt: skip
