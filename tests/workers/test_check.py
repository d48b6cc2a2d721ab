"""`vastine check`: all faults at once, each with its remedy, and 3 if there is one."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tests.mail_servers import ImapAccount, SmtpSink
from tests.processes import free_port
from tests.workers.conftest import Run


def lines(vastine: Run, *args: str) -> dict[tuple[str, str], dict[str, str]]:
    found = json.loads(vastine("check", "--json", *args).out)
    return {(line["area"], line["name"]): line for line in found}


def test_a_sound_installation_is_in_order(vastine: Run) -> None:
    ran = vastine("check")
    assert ran.code == 0
    assert "✖" not in ran.out
    found = lines(vastine)
    assert found["settings", "VASTINE_REGISTER"]["remedy"] == "from environment"
    assert found["settings", "VASTINE_MODE"]["remedy"] == "from default"
    assert {area for area, _ in found} >= {"settings", "machine", "keys", "database", "register", "holds", "letters"}
    assert vastine("check", "--online").code == 0


def test_every_fault_of_settings_is_told_at_once(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VASTINE_MODE", "production")
    monkeypatch.setenv("VASTINE_REGISTRE", "x")
    ran = vastine("check")
    assert ran.code == 3
    assert ran.out == ""
    assert "VASTINE_MODE" in ran.err
    assert "did you mean VASTINE_REGISTER?" in ran.err


def test_every_fault_of_the_register_is_told_with_file_and_line(vastine: Run) -> None:
    folder = Path("world/register")
    (folder / "controller.yaml").write_text("nmae: Shop Oy\n")
    shop = folder / "sources" / "shop.yaml"
    shop.write_text(shop.read_text().replace("kind: sql", "kind: oracle"))
    ran = vastine("check", "-q")
    assert ran.code == 3
    assert "controller.yaml:1" in ran.out
    assert "sources/shop.yaml:3" in ran.out
    assert vastine("request", "list").code == 3


def test_a_hold_that_the_facts_of_no_record_can_ever_trigger_is_warned_of(vastine: Run) -> None:
    billing = Path("world/register/sources/billing.yaml")
    assert not [w for w in json.loads(vastine("check", "--json").out) if "never applies" in w["text"]]
    told = billing.read_text()
    assert "open_balance" in told
    billing.write_text(told.replace("open_balance", "amount"))
    found = json.loads(vastine("check", "--json").out)
    (warned,) = [line for line in found if "never applies" in line["text"]]
    assert (warned["status"], warned["name"]) == ("warn", "sources/billing.yaml")
    assert "`invoice`" in warned["text"]
    assert "person.collections.invoice.facts" in warned["remedy"]


def test_a_secret_that_is_not_there_is_named_and_never_shown(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_URL")
    monkeypatch.setenv("VASTINE_MAIL_URL", "smtp://me:hush-hush@127.0.0.1:1?tls=none")
    monkeypatch.setenv("VASTINE_MAIL_FROM", "answers@shop.example")
    ran = vastine("check")
    assert ran.code == 3
    assert "set SHOP_URL" in ran.out
    assert "hush" not in ran.out + ran.err


def test_a_text_with_a_hole_is_found_before_a_person_would_get_it(vastine: Run) -> None:
    own = Path("world/register/letters/access")
    own.mkdir(parents=True)
    head = "{# version: 1 · approved by: nobody #}\n"
    (own / "mail.en.txt").write_text(head + "Subject: Hello\n\n{{ salary }}\n")
    ran = vastine("check", "-q")
    assert (ran.code, "letters/access (en)" in ran.out) == (3, True)


def test_a_key_file_that_others_can_read_is_refused(vastine: Run) -> None:
    Path("world/var/keys.json").chmod(0o644)
    ran = vastine("check", "-q")
    assert (ran.code, "chmod 600" in ran.out) == (3, True)


def test_a_source_that_lost_a_column_is_found_online_only(vastine: Run) -> None:
    import sqlite3

    with sqlite3.connect("world/shop.db") as shop:
        shop.execute("alter table orders drop column note")
    assert vastine("check").code == 0
    ran = vastine("check", "--online", "-q")
    assert (ran.code, "online shop" in ran.out) == (3, True)


def test_a_source_that_can_only_be_read_is_told_before_an_erasure_meets_it(
    vastine: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("world/shop.db").absolute()
    monkeypatch.setenv("SHOP_URL", f"sqlite:///file:{path}?mode=ro&uri=true")
    told = lines(vastine, "--online")["online", "shop"]
    assert (told["status"], "read only" in told["text"]) == ("warn", True)
    assert lines(vastine, "--online")["online", "billing"]["status"] == "ok"


def test_events_are_counted_online(vastine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("online", "events") not in lines(vastine, "--online")
    monkeypatch.setenv(
        "VASTINE_WEBHOOK_SECRET", "whsec_" + base64.b64encode(hashlib.sha256(b"check").digest()).decode()
    )
    assert lines(vastine, "--online")["online", "events"]["text"] == "0 events in 30 days, 0 of them met no case"


def test_mail_servers_are_reached_online(vastine: Run, monkeypatch: pytest.MonkeyPatch, smtp_sink: SmtpSink) -> None:
    monkeypatch.setenv("VASTINE_MAIL_FROM", "answers@shop.example")
    monkeypatch.setenv("VASTINE_MAIL_URL", smtp_sink.url)
    assert lines(vastine, "--online")["online", "VASTINE_MAIL_URL"]["status"] == "ok"
    assert not smtp_sink.messages
    monkeypatch.setenv("VASTINE_MAIL_URL", f"smtp://127.0.0.1:{free_port()}?tls=none")
    assert lines(vastine, "--online")["online", "VASTINE_MAIL_URL"]["status"] == "fail"


@pytest.mark.slow
def test_the_mailbox_and_the_broker_are_reached_online(
    vastine: Run, monkeypatch: pytest.MonkeyPatch, imap_server: ImapAccount, redis_url: str
) -> None:
    monkeypatch.setenv("VASTINE_INBOX_URL", f"{imap_server.url}?tls=none")
    monkeypatch.setenv("VASTINE_BROKER_URL", redis_url)
    monkeypatch.setenv("VASTINE_KEY_FILE", str(Path("world/var/keys.json").absolute()))
    found = lines(vastine, "--online")
    assert found["online", "VASTINE_INBOX_URL"]["status"] == "ok"
    assert found["online", "VASTINE_BROKER_URL"]["status"] == "ok"
    monkeypatch.setenv("VASTINE_BROKER_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert lines(vastine, "--online")["online", "VASTINE_BROKER_URL"]["status"] == "fail"


def test_a_hold_that_can_never_end_is_warned_of(vastine: Run) -> None:
    holds = Path("world/register/holds.yaml")
    told = holds.read_text()
    assert not [w for w in json.loads(vastine("check", "--json").out) if "never ends" in w["text"]]
    holds.write_text(told.replace("until: '\"\"'", "until: add_years(today, 6)", 1))
    (warned,) = [line for line in json.loads(vastine("check", "--json").out) if "never ends" in line["text"]]
    assert warned["status"] == "warn"
    assert "H06" in warned["text"]
