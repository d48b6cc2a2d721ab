"""Reading back what a source answered."""

import gzip
from collections.abc import Iterator, Mapping

from workflows.ports import RequestKey
from workflows.rules.items import Item
from workflows.runtime import Runtime


def read_items(rt: Runtime, key: RequestKey, blob: str | None) -> Iterator[Item]:
    """The items of one finding, streamed; none where there is no blob."""
    if blob is None:
        return
    with rt.blobs.read(blob, key) as sealed, gzip.GzipFile(fileobj=sealed, mode="rb") as lines:
        for line in lines:
            yield Item.from_json(line)


class AllItems:
    """All items of a request, as often as they are asked for."""

    def __init__(self, rt: Runtime, key: RequestKey, blobs: Mapping[str, str | None]) -> None:
        self._rt, self._key, self._blobs = rt, key, blobs

    def __iter__(self) -> Iterator[Item]:
        for blob in self._blobs.values():
            yield from read_items(self._rt, self._key, blob)
