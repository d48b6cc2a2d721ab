"""Kinds of source: ours, and those that somebody else's package brings."""

import pytest

from workflows.register import kinds as place
from workflows.register.kind_models import KINDS
from workflows.register.kinds import SourceKind, kinds
from workflows.register.model import Strict


class Point:
    def __init__(self, kind):
        self.kind = kind

    def load(self):
        return self.kind


@pytest.fixture
def installed(monkeypatch):
    """Entry points as an installed package would have them; the known kinds are read afresh around the test."""
    points = []
    monkeypatch.setattr(place, "entry_points", lambda group: points if group == place.GROUP else [])
    kinds.cache_clear()
    yield points
    kinds.cache_clear()


class Shelf(Strict):
    shelf: str


def test_a_package_brings_a_kind_by_entry_point(installed):
    installed.append(Point(SourceKind("shelf", Shelf, build=lambda spec, register, environ: spec)))
    assert "shelf" in kinds()
    assert {kind.name for kind in KINDS} < set(kinds())


def test_two_packages_with_the_same_kind_are_refused(installed):
    installed.append(Point(SourceKind("sql", Shelf)))
    with pytest.raises(ValueError, match="sql"):
        kinds()
