"""The receipt as a PDF: what was asked and until when, and nothing about the person."""

import io
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from tests.webhooks.visitor import Caller, reference_of
from tests.world import JANE, World, make_world
from webhooks.public import create_app


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = make_world(tmp_path)
    yield world
    world.close()


def test_a_receipt_is_a_tagged_pdf_that_says_nothing_about_anybody_and_is_made_a_few_times_an_hour(
    world: World,
) -> None:
    caller = Caller(create_app(world.rt))
    page = caller.ask(name="Jane Doe", email=JANE, message="My secret")
    assert f"{page}/receipt.pdf" in caller.get(page).text
    world.clock.advance(days=30)
    got = caller.get(f"{page}/receipt.pdf")
    assert (got.status_code, got.mimetype, got.headers["Cache-Control"]) == (200, "application/pdf", "no-store")
    with pikepdf.open(io.BytesIO(got.data)) as pdf:
        assert bool(pdf.Root.MarkInfo.Marked)
        assert reference_of(page) in str(pdf.docinfo) + str(pdf.open_metadata())
        assert "Jane" not in str(pdf.docinfo) + str(pdf.open_metadata())
    assert [caller.get(f"{page}/receipt.pdf").status_code for _ in range(5)][-1] == 429
    assert caller.get(f"{page.rpartition('/')[0]}/{'x' * 22}/receipt.pdf").status_code == 404
