"""Every command as a shell sees it: what goes to stdout, what to stderr, and the exit code."""

import base64
import json
import os
import sqlite3
import stat
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.workers.conftest import Run
from tests.world import BOB, JANE

OPEN = ("request", "open", "--right", "access")
ACCESS = ("request", "open", "--right", "access", "--verified-by", "desk", "--as", "cleo", "--wait")
ERASURE = ("request", "open", "--right", "erasure", "--verified-by", "desk", "--as", "cleo", "--wait")


def opened(vastine: Run, *args: str, who: str = JANE, code: int = 0) -> str:
    ran = vastine(*args, "--identity", f"email={who}", "--json")
    assert ran.code == code, ran
    return str(ran.json["reference"])


def test_an_access_request_at_the_desk_is_answered_while_one_waits(vastine: Run) -> None:
    ran = vastine(*ACCESS, "--identity", f"email={JANE}", "--json")
    assert ran.code == 0
    shown = ran.json
    assert (shown["state"], shown["outcome"]) == ("closed", "delivered")
    assert {s["source"]: (s["result"], s["collections"]) for s in shown["sources"]} == {
        "shop": ("found", {"customer": 1, "orders": 2}),
        "billing": ("found", {"invoice": 2}),
    }
    assert {"right", "received_at", "due_a", "due_b", "extended_until", "holds", "steps", "letters"} <= shown.keys()
    assert vastine("request", "show", shown["reference"].lower(), "--json").json == shown


def test_without_a_wait_a_request_is_only_opened(vastine: Run) -> None:
    ran = vastine("request", "open", "--right", "access", "--identity", f"email={JANE}", "--json")
    assert ran.code == 0
    assert ran.json["state"] == "verifying"
    assert vastine("work", "--until-idle").code == 0
    outbox = list(Path("world/var/outbox").glob("*.eml"))
    assert len(outbox) == 1  # the code; nobody gave an address for an acknowledgement


def test_a_request_that_waits_for_its_person_exits_5(vastine: Run) -> None:
    ran = vastine("request", "open", "--right", "access", "--identity", f"email={JANE}", "--wait")
    assert ran.code == 5
    assert ran.out.split()[1] == "verifying"


def test_a_source_that_is_away_exits_6_and_the_request_goes_on_later(vastine: Run) -> None:
    Path("world/billing.db").rename("world/away.db")
    reference = opened(vastine, *ACCESS, code=6)
    Path("world/away.db").rename("world/billing.db")
    assert vastine("request", "show", reference, "--json").json["state"] == "collecting"


def test_an_erasure_takes_two_people_and_the_plan_they_saw(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, code=5)
    plan = vastine("plan", reference, "--as", "cleo", "--json").json
    assert plan["reference"] == reference
    fields = {
        "source",
        "collection",
        "locator",
        "category",
        "ownership",
        "action",
        "fields",
        "until",
        "holds",
        "reason",
    }
    assert all(fields <= item.keys() for item in plan["items"])
    assert plan["hash"][:12] in vastine("plan", reference, "--as", "cleo").out
    assert vastine("approve", reference, "--as", "cleo").code == 1
    assert vastine("approve", reference, "--as", "anna", "--plan", "0" * 64).code == 1
    first = vastine("approve", reference, "--as", "anna", "--plan", plan["hash"], "--json")
    assert (first.code, first.json["approvals_missing"]) == (0, 1)
    again = vastine("approve", reference, "--as", "anna")
    assert "1 more needed" in again.err
    last = vastine("approve", reference, "--as", "ben", "--wait", "--json")
    assert (last.code, last.json["state"], last.json["outcome"]) == (0, "closed", "erased")
    with sqlite3.connect("world/shop.db") as shop:
        assert shop.execute("select count(*) from orders where customer_id = 1").fetchone() == (0,)
        assert shop.execute("select count(*) from orders").fetchone() == (2,)


@pytest.mark.slow
def test_a_refusal_needs_a_ground_we_know_and_a_reason(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, who=BOB, code=5)
    assert vastine("refuse", reference, "--ground", "mood", "--reason", "no", "--as", "anna").code == 2
    short = vastine("refuse", reference, "--ground", "legal_claim", "--reason", "no", "--as", "anna")
    assert (short.code, "reason" in short.err) == (2, True)
    words = "The invoice is not paid and we claim it."
    assert vastine("refuse", reference, "--ground", "legal_claim", "--reason", words, "--as", "anna").code == 0
    assert vastine("work", "--until-idle").code == 0
    assert vastine("request", "show", reference, "--json").json["outcome"] == "refused"
    assert words not in vastine("audit", "export").out


@pytest.mark.slow
def test_a_request_is_extended_once_and_withdrawn(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, code=5)
    ran = vastine("extend", reference, "--reason", "complexity", "--as", "cleo")
    shown = vastine("request", "show", reference, "--json").json
    assert (ran.code, ran.out.strip()) == (0, shown["extended_until"])
    assert vastine("extend", reference, "--reason", "complexity", "--as", "cleo").code == 1
    assert vastine("withdraw", reference, "--as", "cleo").code == 0
    vastine("work", "--until-idle")
    assert vastine("request", "show", reference, "--json").json["outcome"] == "withdrawn"


def test_no_command_shows_a_case_to_nobody_or_to_whom_it_is_kept_from(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, code=5)
    assert vastine("user", "bar", "ben", reference, "--reason", "He is my brother.", "--as", "ben").code == 0
    for name, code in (("cleo", 0), ("ben", 4), ("nobody", 1), ("", 1)):
        for command in ("plan", "notices"):
            assert vastine(command, reference, "--as", name).code == code, (command, name)
    assert vastine("plan", reference).code == 2


@pytest.mark.slow
def test_a_package_is_fetched_once_checked_and_never_overwritten(vastine: Run, tmp_path: Path) -> None:
    reference = opened(vastine, *ACCESS)
    out = tmp_path / "her.zip"
    assert vastine("package", "get", reference, "--out", str(out), "--as", "cleo").code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert vastine("package", "get", reference, "--out", str(out), "--as", "cleo").code == 1
    assert vastine("package", "get", reference, "--out", str(tmp_path / "b.zip"), "--as", "nobody").code == 1
    assert vastine("package", "verify", str(out), "--json").json == {"whole": True, "faults": []}
    with zipfile.ZipFile(out) as package:
        key = package.read("public_key.txt").decode().strip()
    assert vastine("package", "verify", str(out), "--public-key", key).code == 0
    other = base64.b64encode(bytes(range(32))).decode()
    assert vastine("package", "verify", str(out), "--public-key", other).code == 1
    assert vastine("package", "verify", str(out), "--public-key", "x").code == 2
    with zipfile.ZipFile(out, "a") as package:
        package.writestr("added.txt", "x")
    changed = vastine("package", "verify", str(out))
    assert (changed.code, "added.txt" in changed.out) == (1, True)
    events = [json.loads(line) for line in vastine("audit", "export", "--request", reference).out.splitlines()]
    assert [e["actor"] for e in events if e["event"] == "package:fetched"] == ["cleo"]
    assert vastine("package", "get", reference, "--out", "x.zip", "--file", "other.pdf", "--as", "cleo").code == 4


def test_mails_are_ingested_as_if_the_mailbox_had_received_them(vastine: Run, tmp_path: Path) -> None:
    mail = tmp_path / "ask.eml"
    text = f"From: Jane <{JANE}>\r\nTo: office@shop.example\r\nSubject: My data\r\nMessage-ID: <a@shop.example>\r\n\r\n"
    mail.write_bytes(f"{text}Please send me a copy of my personal data under Article 15 GDPR.\r\n".encode())
    ran = vastine("mail", "ingest", str(mail), "-", "--json", stdin=b"From: x@shop.example\r\n\r\nHello?\r\n")
    assert ran.code == 0
    assert [row["state"] for row in ran.json] == ["opened", "triage"]
    assert len(ran.json[0]["references"]) == 1
    again = vastine("mail", "ingest", str(mail), "--json").json[0]
    assert (again["new"], again["references"]) == (False, ran.json[0]["references"])
    assert vastine("mail", "ingest", "nowhere.eml").code == 4


def test_a_hold_is_placed_by_one_and_released_by_two(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, code=5)
    place = ("holds", "add", reference, "--rule", "H99", "--until", "2099-01-01", "--reason", "dispute")
    vastine("approve", reference, "--as", "anna")
    assert vastine(*place[:3], *place[5:], "--as", "cleo").code == 2
    assert vastine(*place[:4], "H00", *place[5:], "--as", "cleo").code == 2
    placed = vastine(*place, "--as", "cleo")
    assert placed.code == 0
    ident = placed.out.strip()
    vastine("work", "--until-idle")
    plan = vastine("plan", reference, "--as", "cleo", "--json").json
    assert plan["approvals"] == []  # the plan is another one: nobody has approved it
    assert {h for item in plan["items"] for h in item["holds"]} == {"H99"}
    assert {item["action"] for item in plan["items"]} == {"keep"}
    assert [row["id"] for row in vastine("holds", "list", "--json").json] == [ident]
    assert vastine("holds", "release", ident, "--as", "cleo").code == 1
    assert vastine("holds", "release", ident, "--as", "anna").code == 2  # the first of the two says why
    assert vastine("holds", "release", ident, "--as", "anna", "--reason", "matter_closed").code == 5
    assert vastine("holds", "release", ident, "--as", "anna").code == 1
    assert vastine("holds", "release", ident, "--as", "ben").code == 0
    assert vastine("holds", "release", ident, "--as", "ben").code == 1
    assert vastine("holds", "list", "--json").json == []
    assert vastine("holds", "list", "--all", "--json").json[0]["released_by"] == ["anna", "ben"]
    vastine("work", "--until-idle")
    assert not [h for item in vastine("plan", reference, "--as", "cleo", "--json").json["items"] for h in item["holds"]]
    assert vastine("holds", "release", "nonsense", "--as", "ben").code == 2


@pytest.mark.slow
def test_the_audit_names_the_first_link_that_was_changed_or_cut(vastine: Run, tmp_path: Path) -> None:
    reference = opened(vastine, *ACCESS)
    heads = tmp_path / "heads.json"
    assert vastine("audit", "export", "--heads", "--out", str(heads)).code == 0
    assert vastine("audit", "verify", "--against", str(heads), "--json").json["whole"] is True
    entries = [json.loads(line) for line in vastine("audit", "export", "--request", reference).out.splitlines()]
    assert [e["n"] for e in entries] == list(range(1, len(entries) + 1))
    chain, length = entries[0]["chain"], len(entries)
    with sqlite3.connect("world/vastine.db") as db:
        db.execute("drop trigger if exists audit_no_update")
        db.execute("drop trigger if exists audit_no_delete")
        db.execute("delete from audit where chain = ? and n = ?", (chain, length))
    assert vastine("audit", "verify").code == 0  # a cut tail shows only against what was exported
    cut = vastine("audit", "verify", "--against", str(heads), "--json")
    assert (cut.code, cut.json["broken"]) == (1, [{"chain": chain, "n": length, "why": "cut off"}])
    with sqlite3.connect("world/vastine.db") as db:
        db.execute("update audit set actor = 'nobody' where chain = ? and n = 2", (chain,))
    broken = vastine("audit", "verify", "--json")
    assert (broken.code, broken.json["broken"]) == (1, [{"chain": chain, "n": 2, "why": "changed"}])
    assert vastine("audit", "verify", "--against", "nowhere.json").code == 2


@pytest.mark.parametrize(
    ("received", "raw", "due_a", "due_b"),
    [
        ("2026-01-31", "2026-02-28", "2026-03-02", "2026-03-02"),
        ("2026-11-24", "2026-12-24", "2026-12-24", "2026-12-28"),
    ],
)
def test_a_deadline_tells_both_dates_and_why(vastine: Run, received: str, raw: str, due_a: str, due_b: str) -> None:
    told = vastine("deadline", received, "--json").json
    assert set(told) == {"received_on", "months", "raw", "due_a", "due_b", "why"}
    assert (told["raw"], told["due_a"], told["due_b"], told["months"]) == (raw, due_a, due_b, 1)
    assert due_b in vastine("deadline", received).out
    assert vastine("deadline", "yesterday").code == 2
    assert vastine("deadline", received, "--months", "13").code == 2


def test_a_deadline_needs_no_register(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VASTINE_REGISTER", "nowhere")
    assert vastine("deadline", "2026-01-31").code == 0


def test_overdue_requests_exit_7(vastine: Run) -> None:
    assert vastine("request", "list", "--overdue").code == 0
    ask = ("request", "open", "--right", "access", "--identity", f"email={JANE}", "--received-on")
    late = vastine(*ask, "2026-01-01", "--json").json["reference"]
    vastine(*ask, "2026-11-24")
    ran = vastine("request", "list", "--overdue", "--json")
    assert (ran.code, [row["reference"] for row in ran.json]) == (7, [late])
    assert len(vastine("request", "list", "--json").json) == 2
    assert late in vastine("request", "list", "--open").out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((*OPEN, "--identity", "email"), "KEY=VALUE"),
        ((*OPEN, "--identity", "email=x"), "email"),
        ((*OPEN, "--identity", "email=a@b.example", "--received-on", "2999-01-01"), "future"),
        ((*OPEN, "--identity", "email=a@b.example", "--verified-by", "desk"), "--as"),
        (("request", "open", "--right", "tea", "--identity", "email=a@b.example"), "tea"),
        (("user", "add", "Anna", "--role", "dpo"), "name"),
        (("letter", "preview", "access", "--lang", "fi"), "--out"),
        (("worker", "-Q", "coffee"), ""),
        (("work",), "--until-idle"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_2_and_says_what_to_mend(vastine: Run, args: tuple[str, ...], said: str) -> None:
    ran = vastine(*args)
    assert ran.code == (3 if args[0] == "worker" else 2)
    assert ran.out == ""
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_what_is_not_there_exits_4(vastine: Run) -> None:
    for args in (
        ("request", "show", "TP-2026-0000-0000-0"),
        ("plan", "x", "--as", "cleo"),
        ("user", "disable", "nobody"),
    ):
        assert vastine(*args).code == 4
    assert vastine("source", "test", "nothing").code == 4
    assert vastine("approve", "TP-2026-0000-0000-0", "--as", "anna").code == 4


def test_an_unknown_or_disabled_user_verifies_nobody(vastine: Run) -> None:
    ask = ("request", "open", "--right", "access", "--identity", f"email={JANE}", "--verified-by", "desk", "--as")
    assert vastine(*ask, "nobody").code == 1
    assert vastine("user", "disable", "cleo").code == 0
    assert vastine(*ask, "cleo").code == 1
    assert vastine("request", "list", "--json").json == []


def test_what_is_a_colleague_s_own_is_read_from_standard_input_and_repeated_nowhere(vastine: Run) -> None:
    typed = b"own email=cleo@home.example\nnear address=Koivukuja 3\n\nnear surname=Later\n"
    ran = vastine("user", "know", "cleo", stdin=typed)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("2 keys of cleo are kept")
    for wrong in (b"", b"own email=a@home.example\nown email=b@home.example\n", b"mine email=a@home.example\n"):
        ran = vastine("user", "know", "cleo", stdin=wrong)
        assert ran.code == 2
        assert "home.example" not in ran.out + ran.err
    assert vastine("user", "know", "cleo", "--own", "email=cleo@home.example").code == 2


def test_people_are_added_with_a_password_shown_once(vastine: Run) -> None:
    ran = vastine("user", "add", "dora", "--role", "approver")
    assert (ran.code, len(ran.out.strip()) >= 12) == (0, True)
    assert vastine("user", "add", "dora", "--role", "approver").code == 1
    given = vastine("user", "add", "ella", "--role", "dpo", "--password-stdin", stdin=b"a long enough one\n")
    assert (given.code, given.out) == (0, "")
    assert vastine("user", "add", "fred", "--role", "dpo", "--password-stdin", stdin=b"short\n").code == 2
    token = vastine("token", "new", "--label", "crm")
    assert token.out.startswith("vst_")


def test_the_day_of_the_promise_of_secrecy_is_noted_and_not_before_it_comes(vastine: Run) -> None:
    assert vastine("user", "add", "dora", "--role", "caseworker", "--nda-signed-on", "2026-01-07").code == 0
    assert vastine("user", "add", "ella", "--role", "caseworker").code == 0
    assert vastine("user", "sign", "ella", "--nda-signed-on", "2026-01-08").code == 0
    assert vastine("user", "sign", "ella", "--nda-signed-on", "2999-01-01").code == 2
    assert vastine("user", "sign", "nobody", "--nda-signed-on", "2026-01-08").code == 4
    lines = vastine("audit", "export").out.splitlines()
    signed = [row["facts"] for row in map(json.loads, lines) if row["event"] == "staff:signed"]
    assert signed == [{"name": "dora", "on": "2026-01-07"}, {"name": "ella", "on": "2026-01-08"}]


def test_sources_are_listed_and_tested(vastine: Run) -> None:
    assert [row["source"] for row in vastine("source", "list", "--json").json] == ["billing", "shop"]
    assert vastine("source", "test", "shop", "--json").json == [{"source": "shop", "ok": True, "code": "", "why": ""}]
    with sqlite3.connect("world/shop.db") as shop:
        shop.execute("alter table orders drop column note")
    ran = vastine("source", "test")
    assert (ran.code, "✖" in ran.out) == (1, True)


def test_a_source_is_paused_with_owner_and_reason_and_its_work_waits(vastine: Run) -> None:
    assert vastine("source", "pause", "billing", "--as", "cleo", "--reason", "new release").code == 0
    assert vastine("source", "pause", "billing", "--as", "anna", "--reason", "again").code == 1
    assert vastine("source", "pause", "nothing", "--as", "cleo", "--reason", "new release").code == 4
    reference = opened(vastine, *ACCESS, code=6)
    billing, shop = vastine("source", "list", "--json").json
    assert (billing["status"], shop["paused"]) == ("paused", None)
    assert billing["paused"] | {"since": ""} == {"by": "cleo", "since": "", "until": None, "reason": "new release"}
    assert (billing["waiting"], billing["next_due"] is not None) == (1, True)
    assert "cleo: new release" in vastine("source", "list").out
    assert vastine("source", "resume", "billing", "--as", "cleo").code == 0
    assert vastine("source", "resume", "billing", "--as", "cleo").code == 1
    assert vastine("work", "--until-idle").code == 0
    assert vastine("request", "show", reference, "--json").json["state"] == "closed"


def test_letters_are_previewed(vastine: Run, tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    ran = vastine("letter", "preview", "refusal", "--lang", "sv", "--out", str(out), "--mail")
    assert ran.code == 0
    assert ran.out.strip()
    assert out.read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_keys_are_made_once_and_rotated_while_old_cases_stay_readable(vastine: Run, tmp_path: Path) -> None:
    assert vastine("key", "new", str(tmp_path / "keys.json")).code == 0
    assert vastine("key", "new", str(tmp_path / "keys.json")).code == 3
    reference = opened(vastine, *ACCESS)
    before = json.loads(Path("world/var/keys.json").read_text())
    assert vastine("key", "rotate").code == 0
    after = json.loads(Path("world/var/keys.json").read_text())
    assert set(before["keys"]) < set(after["keys"])
    with sqlite3.connect("world/vastine.db") as db:
        assert db.execute("select distinct master_key from data_keys").fetchall() == [(after["current"],)]
    assert vastine("package", "get", reference, "--out", str(tmp_path / "a.zip"), "--as", "cleo").code == 0


def test_no_setting_at_all_makes_a_database_and_keys_in_var(
    vastine: Run, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in environ:
        if name.startswith("VASTINE_") and name != "VASTINE_REGISTER":
            monkeypatch.delenv(name)
    assert vastine("user", "add", "anna", "--role", "dpo").code == 0
    assert {"vastine.db", "keys.json"} <= {path.name for path in (tmp_path / "var").iterdir()}
    assert stat.S_IMODE((tmp_path / "var" / "keys.json").stat().st_mode) == 0o600


def test_an_unexpected_error_is_one_line_without_what_it_says(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("jane@shop.example")

    monkeypatch.setattr("workers.commands.requests.list_requests", broken)
    ran = vastine("request", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "ValueError" in ran.err
    assert "jane" not in ran.err


def test_the_command_line_starts_without_loading_what_it_does_not_need() -> None:
    code = "import sys, workers.cli; workers.cli.main(['--help'])"
    wanted = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {code}"
    ran = subprocess.run([sys.executable, "-c", wanted], capture_output=True, text=True, env={**os.environ}, check=True)
    loaded = set(ran.stderr.split())
    assert not loaded & {"sqlalchemy", "celery", "weasyprint", "fideslang", "flask", "rich"}


@pytest.mark.slow
def test_the_day_of_arrival_is_put_right_and_shown_with_its_history(vastine: Run) -> None:
    reference = opened(vastine, *ERASURE, code=5)
    received = date.fromisoformat(vastine("request", "show", reference, "--json").json["received_on"])
    earlier = (received - timedelta(days=3)).isoformat()
    given = ("--received-on", earlier, "--as", "cleo")
    assert vastine("request", "correct", reference, *given, "--reason", "late").code == 2
    ran = vastine("request", "correct", reference, *given, "--reason", "It lay at the front desk.")
    shown = vastine("request", "show", reference, "--json")
    assert (ran.code, ran.out.strip(), shown.json["received_on"]) == (0, shown.json["due_on"], earlier)
    (told,) = shown.json["corrections"]
    assert (told["by"], told["received_on"]) == ("cleo", earlier)
    assert "front desk" not in shown.out
    later = ("--received-on", (received - timedelta(days=1)).isoformat(), "--reason", "It was the postmark.")
    assert vastine("request", "correct", reference, *later, "--as", "ben").code == 1
    assert vastine("request", "correct", reference, *later, "--as", "anna").code == 0
    assert earlier in vastine("request", "show", reference).out
