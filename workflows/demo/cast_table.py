"""The cast as a page of the documentation; `docs/reference/demo-cast.md` is exactly this."""

from models.vocabulary import Right
from workflows.demo.cast import Expected, Member
from workflows.demo.planting import CAST, customer_number

_HEAD = """# The cast of the demo register

People who do not exist, planted in every demo register whatever its size and seed. Each shows one outcome.
The customer number is what to type in the form or after `--identity customer_number=`. Where two of them share
something, ask with the number. Access and portability are delivered unless the table says otherwise.

`vastine demo` adds the sources of `register/more` to those of `register/sources`: tickets and recorded calls, a
newsletter, surveys, field work, an archive of metering values, an archive of mail, and papers that its own clerk looks
for. The last five of the table are in these. The archive of mail needs Dovecot, which `make test` installs: where it is
not there, the demo says that this source is left out, and no answer names it as searched. It takes no rights beyond the
user's own.

This page is checked against `cast_customers.py`, `cast_debts.py` and `cast_channels.py` of `workflows/demo` by
`tests/demo/test_cast.py`.

| Member | Name | Number | Story | Erasure ends | Holds | Access and portability | Matrix rows |
|---|---|---|---|---|---|---|---|
"""


def cast_page() -> str:
    """The page in Markdown."""
    return _HEAD + "".join(_line(member) for member in CAST)


def _line(member: Member) -> str:
    access, erasure = member.expected(Right.ACCESS), member.expected(Right.ERASURE)
    number = str(customer_number(member.slug)) if member.on_file else "–"
    if member.twin:
        number += f", {customer_number(member.slug) + 10_000}"
    rows = " ".join(dict.fromkeys((*access.rows, *erasure.rows)))
    cells = (
        member.slug,
        f"{member.first} {member.last}".strip(),
        number,
        member.story,
        _said(erasure),
        " ".join(erasure.holds) or "–",
        _said(access),
        rows,
    )
    return f"| {' | '.join(cells)} |\n"


def _said(expected: Expected) -> str:
    words = expected.outcome.value.replace("_", " ")
    return f"{words} ({expected.note})" if expected.note else words
