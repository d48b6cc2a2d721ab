"""Secrets are named in the register and found outside it."""

import pytest

from workflows.errors import BadInput
from workflows.register.model import Secret
from workflows.register.secret import connection_url, resolve


def test_a_plain_text_is_itself():
    assert resolve("sqlite:///x.db", {}) == "sqlite:///x.db"


def test_a_secret_comes_from_the_environment_or_from_a_file(tmp_path):
    (tmp_path / "s").write_text("  with spaces \n")
    assert resolve({"env": "X"}, {"X": "one"}) == "one"
    assert resolve(Secret(env="X"), {"X": "one"}) == "one"
    assert resolve({"file": str(tmp_path / "s")}, {}) == "  with spaces "


@pytest.mark.parametrize("value", [{"env": "X"}, {"file": "nowhere/at/all"}, {}, {"env": "X", "file": "y"}])
def test_a_secret_that_is_not_there_is_an_error_with_a_remedy(value):
    with pytest.raises(BadInput) as caught:
        resolve(value, {"X": ""})
    assert caught.value.faults[0].remedy


def test_an_empty_file_or_one_that_is_no_text_is_an_error(tmp_path):
    for content in (b"\n", b"\xff\xfe\x00"):
        (tmp_path / "s").write_bytes(content)
        with pytest.raises(BadInput):
            resolve({"file": str(tmp_path / "s")}, {})


def test_the_password_beside_a_url_goes_into_it():
    connection = {"url": "postgresql://reader@db.example/crm", "password": {"env": "P"}}
    assert connection_url(connection, {"P": "s@cret"}) == "postgresql://reader:s%40cret@db.example/crm"
    assert connection_url({"url": {"env": "U"}}, {"U": "sqlite:///x.db"}) == "sqlite:///x.db"
