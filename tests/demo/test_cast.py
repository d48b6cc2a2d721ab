from datetime import date, timedelta
from pathlib import Path

import pytest

from models.vocabulary import Outcome, Right
from tests.demo.conftest import Ask
from workflows.demo.build import AS_OF, DemoFiles
from workflows.demo.calendar import Ago, last_leap_day, months_before
from workflows.demo.cast import Member
from workflows.demo.cast_table import cast_page
from workflows.demo.collection import OPEN_STATES
from workflows.demo.planting import CAST, as_person, customer_number
from workflows.register.load import load_register

ROOT = Path(__file__).parents[2]
BY_SLUG = {member.slug: member for member in CAST}


def contracts(ask: Ask, slug: str) -> list[tuple[str, str, str | None]]:
    number = str(customer_number(slug))
    return ask("laskutus", "SELECT gsrn, alku, loppu FROM sopimus WHERE asnro = ? OR asnro2 = ?", number, number)


def claims(demo: DemoFiles, slug: str) -> list[list[str]]:
    lines = Path(demo.urls["perinta"]).read_text(encoding="utf-8").splitlines()[1:]
    hetu = as_person(BY_SLUG[slug]).hetu
    return [fields for fields in (line.split("|") for line in lines) if fields[3] == hetu]


def test_the_page_of_the_documentation_is_what_the_cast_is() -> None:
    assert (ROOT / "docs/reference/demo-cast.md").read_text(encoding="utf-8") == cast_page()


def test_the_cast_is_large_enough_and_each_member_is_one_of_a_kind() -> None:
    assert len(CAST) >= 40
    assert len(BY_SLUG) == len(CAST)
    codes = [code for code in (as_person(m).hetu for m in CAST) if code]
    assert len(set(codes)) == len(codes)


def test_every_outcome_and_every_hold_has_somebody_to_show_it() -> None:
    assert {m.erasure.outcome for m in CAST} >= {
        Outcome.ERASED, Outcome.PARTLY_ERASED, Outcome.KEPT, Outcome.NOT_IDENTIFIED, Outcome.BY_HAND,
    }  # fmt: skip
    shown = {rule for m in CAST for rule in m.erasure.holds}
    assert shown == {"H01", "H02", "H05", "H06", "H07", "H09", "H10", "H11", "H12", "H13", "H14", "H21"}


def test_every_hold_named_is_a_rule_of_the_register() -> None:
    rules = {rule.id for rule in load_register(ROOT / "register").holds if rule.active}
    assert {rule for m in CAST for rule in m.erasure.holds} <= rules


def test_everybody_has_an_expectation_for_every_right() -> None:
    for member in CAST:
        for right in (Right.ACCESS, Right.PORTABILITY, Right.ERASURE):
            assert member.expected(right).rows


@pytest.mark.parametrize("member", [m for m in CAST if m.on_file], ids=lambda m: m.slug)
def test_a_member_is_on_file_as_told(ask: Ask, member: Member) -> None:
    rows = ask(
        "asiakas",
        "SELECT sukunimi, etunimet, hetu, kieli, sahkoposti, turvakielto, laji FROM asiakas WHERE asnro = ?",
        customer_number(member.slug),
    )
    who = as_person(member)
    assert rows == [(who.last, who.first, who.hetu, who.language, who.email, member.protected, member.kind)]


def test_nobody_of_the_unknown_persons_name_or_number_exists(ask: Ask) -> None:
    who = as_person(BY_SLUG["unknown"])
    assert ask(
        "asiakas", "SELECT 1 FROM asiakas WHERE asnro = ? OR sukunimi = ? OR sahkoposti = ? OR hetu = ? OR puhelin = ?",
        customer_number("unknown"), who.last, who.email, who.hetu, who.phone,
    ) == []  # fmt: skip


@pytest.mark.parametrize("member", [m for m in CAST if m.deals and not m.twin], ids=lambda m: m.slug)
def test_contracts_are_in_force_or_ended_as_told(ask: Ask, member: Member) -> None:
    found = contracts(ask, member.slug)
    assert len({gsrn for gsrn, _, _ in found}) == sum(deal.points for deal in member.deals)
    active = any(end is None for _, _, end in found)
    assert active == any(deal.end is None for deal in member.deals)
    assert active == ("H12" in member.erasure.holds or member.kind == "K")


@pytest.mark.parametrize("member", [m for m in CAST if m.debts], ids=lambda m: m.slug)
def test_debts_stand_in_billing_and_at_the_agency_as_told(ask: Ask, demo: DemoFiles, member: Member) -> None:
    balances = ask("laskutus", "SELECT avoin, erapvm FROM lasku WHERE asnro = ?", str(customer_number(member.slug)))
    for debt in member.debts:
        assert (debt.open_cents / 100, debt.due.on(AS_OF).isoformat()) in balances
    states = [fields[8] for fields in claims(demo, member.slug)]
    assert states == [debt.claim for debt in member.debts if debt.claim]
    assert any(state in OPEN_STATES for state in states) == ("H10" in member.erasure.holds)


def test_each_of_two_debtors_has_a_line_about_the_same_invoice(demo: DemoFiles) -> None:
    first, second = claims(demo, "co-debtor-1"), claims(demo, "co-debtor-2")
    assert len(first) == len(second) == 1
    assert first[0][2] == second[0][2]
    assert first[0][1] != second[0][1]


def test_a_joint_contract_names_both(ask: Ask) -> None:
    assert contracts(ask, "joint-first") == contracts(ask, "joint-second") != []


def test_who_moved_out_and_who_moved_in_meet_at_one_midnight(ask: Ask) -> None:
    out = [row for row in contracts(ask, "moved") if row[2]]
    moved_in = contracts(ask, "moved-in")
    assert {(gsrn, end) for gsrn, _, end in out} == {(gsrn, start) for gsrn, start, _ in moved_in}
    (gsrn, _, end) = out[0]
    assert end is not None
    before, after = ask(
        "mittaus", "SELECT min(ts_utc) < ?, max(ts_utc) > ? FROM sarja_15 WHERE gsrn = ?", end, end, gsrn
    )[0]
    assert before
    assert after


def test_the_leap_day_is_in_the_contract_and_in_the_values(ask: Ask) -> None:
    leap = last_leap_day(Ago(years=2).on(AS_OF))
    (gsrn, start, _) = contracts(ask, "leap-day")[0]
    assert start == leap.isoformat()
    assert ask("mittaus", "SELECT count(*) FROM sarja_15 WHERE gsrn = ? AND ts_utc LIKE ?", gsrn, f"{leap}%") == [(96,)]


def test_five_points_have_three_years_of_values_each(ask: Ask) -> None:
    points = {gsrn for gsrn, _, _ in contracts(ask, "five-points")}
    assert len(points) == 5
    for gsrn in points:
        assert ask("mittaus", "SELECT count(*) FROM sarja_15 WHERE gsrn = ?", gsrn)[0][0] > 105_000


def test_the_night_of_the_clock_change_is_in_the_values(ask: Ask) -> None:
    (gsrn, _, _) = contracts(ask, "clock-change")[0]
    for first, last, quarters in (
        ("2026-03-28 22:00", "2026-03-29 21:00", 92),
        ("2026-10-24 21:00", "2026-10-25 22:00", 100),
    ):
        found = ask(
            "mittaus", "SELECT count(*) FROM sarja_15 WHERE gsrn = ? AND ts_utc >= ? AND ts_utc < ?", gsrn, first, last
        )
        assert found == [(quarters,)]


def test_solar_power_flows_out(ask: Ask) -> None:
    (gsrn, _, _) = contracts(ask, "solar")[0]
    assert ask("mittaus", "SELECT count(*) > 100 FROM sarja_15 WHERE gsrn = ? AND kwh < 0", gsrn) == [(1,)]


def test_values_of_the_one_gone_long_ago_are_older_than_six_years(ask: Ask) -> None:
    (gsrn, _, _) = contracts(ask, "ended-7-years")[0]
    newest = ask("mittaus", "SELECT max(ts_utc) FROM sarja_15 WHERE gsrn = ?", gsrn)[0][0]
    assert newest < Ago(years=6).on(AS_OF).isoformat()


def test_of_two_outages_one_is_older_than_two_years(ask: Ask) -> None:
    (gsrn, _, _) = contracts(ask, "outages")[0]
    days = [row[0] for row in ask("mittaus", "SELECT pvm FROM keskeytys WHERE gsrn = ? ORDER BY 1", gsrn)]
    limit = Ago(years=2).on(AS_OF).isoformat()
    assert [day < limit for day in days] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "column"),
    [
        ("shared-mail-1", "shared-mail-2", "sahkoposti"),
        ("recycled-mail-old", "recycled-mail-new", "sahkoposti"),
        ("shared-address-1", "shared-address-2", "katuosoite"),
        ("same-name-1", "same-name-2", "sukunimi || etunimet || syntynyt"),
    ],
)
def test_two_people_share_what_the_story_says(ask: Ask, one: str, other: str, column: str) -> None:
    rows = ask(
        "asiakas",
        f"SELECT {column}, hetu FROM asiakas WHERE asnro IN (?, ?)",
        customer_number(one),
        customer_number(other),
    )
    assert len({row[0] for row in rows}) == 1
    assert len({row[1] for row in rows}) == 2


def test_one_woman_has_two_numbers(ask: Ask) -> None:
    hetu = as_person(BY_SLUG["two-numbers"]).hetu
    assert len(ask("asiakas", "SELECT asnro FROM asiakas WHERE hetu = ?", hetu)) == 2


@pytest.mark.parametrize(
    ("table", "slug", "rows"),
    [
        ("kielto", "all-bans", 7),
        ("kielto", "prospect-with-ban", 2),
        ("nimihistoria", "name-change", 1),
        ("yhteyshenkilo", "contact-active", 1),
        ("yhteyshenkilo", "contact-ended", 1),
        ("yhteyshenkilo", "contact-and-customer", 1),
        ("osoite", "active", 2),
    ],
)
def test_what_hangs_on_a_member_is_there(ask: Ask, table: str, slug: str, rows: int) -> None:
    assert ask("asiakas", f"SELECT count(*) FROM {table} WHERE asnro = ?", customer_number(slug)) == [(rows,)]


def test_a_role_is_active_or_ended_as_told(ask: Ask) -> None:
    def role(slug: str) -> list[tuple[str, str | None]]:
        return ask("asiakas", "SELECT tila, asti FROM yhteyshenkilo WHERE asnro = ?", customer_number(slug))

    assert role("contact-active") == [("A", None)]
    assert role("contact-ended") == [("P", Ago(months=2).on(AS_OF).isoformat())]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2026, 2, 15)),
        (date(2026, 12, 31), -2, date(2027, 2, 28)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_last(day: date, months: int, expected: date) -> None:
    assert months_before(day, months) == expected


def test_the_last_leap_day_lies_before() -> None:
    assert last_leap_day(date(2024, 2, 29)) == date(2020, 2, 29)
    assert last_leap_day(date(2024, 3, 1)) == date(2024, 2, 29)
    assert last_leap_day(date(2101, 1, 1)) == date(2096, 2, 29)


def test_a_time_ahead_is_a_negative_one() -> None:
    assert Ago(days=-10).on(AS_OF) == AS_OF + timedelta(days=10)
