"""What is compressed beside the work comes out whole and in order."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from workflows import packing
from workflows.packing import Packing

data = st.lists(st.lists(st.binary(max_size=2_000), max_size=8), min_size=1, max_size=4)


@settings(max_examples=examples(40), deadline=None)
@given(members=data, beside=st.sampled_from([0, 3_000, 1_048_576]))
def test_members_come_out_whole_and_in_order(members: list[list[bytes]], beside: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_BESIDE_BYTES", beside)
        packed = Packing()
        for member in members:
            found = b"".join([*map(packed.add, member), packed.end()])
            assert gzip.decompress(found) == b"".join(member)
        packed.close()


def test_what_waits_to_be_compressed_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_BESIDE_BYTES", 0)
    packed = Packing()
    for _ in range(50):
        packed.add(b"x" * 200_000)
        assert len(packed._waiting) <= packing._WAITING
    packed.end()
    packed.close()
