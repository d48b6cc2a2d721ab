"""The link of a notice shows a recipient what to do, and takes their word once."""

import pytest
from flask.testing import FlaskClient

from models.notices import NoticeState
from tests.fakes import RecordingHooks
from tests.recipients.test_notices import RECIPIENTS, content, erased, notices
from tests.world import JANE, open_world, prepare, write_register
from webhooks.public import create_app


@pytest.fixture
def world(tmp_path):
    environ = prepare(tmp_path)
    write_register(tmp_path / "register", {"recipients.yaml": RECIPIENTS})
    made = open_world(environ, hooks=RecordingHooks())
    yield made
    made.close()


@pytest.fixture
def client(world) -> FlaskClient:
    return create_app(world.rt).test_client()


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_names_the_person_by_one_identifier_and_nothing_else(world, client, language):
    ident = erased(world)
    page = client.get(f"/{language}/notices/{content(world, ident, 'printer').token}")
    assert page.status_code == 200
    assert "<dd>1</dd>" in page.text
    assert world.request(ident).reference in page.text
    assert JANE not in page.text
    assert "Jane" not in page.text


def test_looking_acknowledges_nothing_and_the_button_does_so_once(world, client):
    ident = erased(world)
    link = f"/en/notices/{content(world, ident, 'printer').token}"
    client.get(link)
    assert notices(world, ident)["printer"].state is NoticeState.SENT
    assert client.post(link).status_code == 200
    assert notices(world, ident)["printer"].state is NoticeState.ACKNOWLEDGED
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404


def test_a_link_that_never_was_one_tells_nothing(world, client):
    erased(world)
    answer = client.get("/en/notices/" + "x" * 43)
    assert answer.status_code == 404
    assert "confirmed already, or the link is wrong" in answer.text


def test_a_link_is_tried_so_often_an_hour_and_no_more(world, client):
    codes = [client.post(f"/en/notices/{n}").status_code for n in range(70)]
    assert codes[0] == 404
    assert codes[-1] == 429
