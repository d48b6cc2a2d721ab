"""Files of records on their way into the case: fetched one at a time, sealed beside the finding that names them."""

import hashlib
from dataclasses import replace

from workflows.ports import RequestKey
from workflows.rules.attachments import FETCH
from workflows.rules.items import Item
from workflows.runtime import Runtime

_MARK = ".file"


class Attachments:
    """The files of one source's answer. `finding` is the name of the blob that holds the answer."""

    def __init__(self, rt: Runtime, finding: str, key: RequestKey) -> None:
        self._rt, self._finding, self._key = rt, finding, key
        self._count = 0

    def whole(self, item: Item) -> Item:
        """The item with its files kept. Raises what fetching raises: an item without its file is not whole."""
        files = []
        for file in item.files:
            if FETCH not in file:
                files.append(file)
                continue
            content, media = file[FETCH]()
            self._count += 1
            blob = f"{self._finding}{_MARK}{self._count}"
            with self._rt.blobs.write(blob, self._key) as out:
                out.write(content)
            sha256 = hashlib.sha256(content).hexdigest()
            files.append({"blob": blob, "media_type": media, "size_bytes": len(content), "sha256": sha256})
        return replace(item, files=tuple(files))


def with_files(rt: Runtime, finding: str) -> list[str]:
    """The blob of a finding and those of its files: they go together."""
    return [finding, *rt.blobs.names(f"{finding}{_MARK}")]


def finding_of(blob: str) -> str:
    """The blob of the finding that a file belongs to; the name itself where it is no file's."""
    finding, mark, number = blob.rpartition(_MARK)
    return finding if mark and number.isdecimal() else blob
