"""Real-looking messages, each with what it is understood as in `mail/expected.yaml`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from workflows.rules.mail import House, understand_mail

FOLDER = Path(__file__).parent / "mail"
EXPECTED = yaml.safe_load((FOLDER / "expected.yaml").read_text("utf-8"))
OWN = ("tietosuoja@lakeus.example", "asiakaspalvelu@lakeus.example")
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
PLAIN = {"language", "triage", "automatic", "sender", "subject", "reply_to"}


def seen(understood, key):
    """The value of one key of the table."""
    if key in PLAIN:
        return getattr(understood, key)
    return {
        "rights": lambda u: [r.value for r in u.rights],
        "identifiers": lambda u: {c.kind: c.value for c in u.identifiers},
        "attachments": lambda u: [a.name for a in u.attachments],
        "references": lambda u: list(u.references),
        "message_id": lambda u: u.message_id.partition(":")[0],
        "sent_at": lambda u: u.sent_at.isoformat() if u.sent_at else None,
        "forwarded": lambda u: u.forwarded and u.forwarded.sent_at.date().isoformat(),
        "forwarded_from": lambda u: u.forwarded and u.forwarded.sender,
    }[key](understood)


def test_every_message_has_its_row_and_every_row_its_message():
    assert {p.stem for p in FOLDER.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_message_is_understood_as_the_table_says(name):
    wanted = dict(EXPECTED[name])
    understood = understand_mail((FOLDER / f"{name}.eml").read_bytes(), House(OWN), now=NOW)
    contains, lacks = wanted.pop("contains", ""), wanted.pop("lacks", None)
    if "rights" in wanted and wanted["rights"] and "automatic" not in wanted:
        wanted.setdefault("triage", None)
    assert {key: seen(understood, key) for key in wanted} == wanted
    assert contains in understood.text
    assert lacks is None or lacks not in understood.text
