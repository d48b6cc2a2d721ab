"""Files that records point at: fetched from the same service when they are to be kept, known by their bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from models.vocabulary import Ownership
from workflows.connectors.http_session import Ask, Session
from workflows.errors import NeverAgain
from workflows.register.http_connection import Attached
from workflows.rules.attachments import FETCH, media_of
from workflows.rules.items import Item, Json

_MB = 1_000_000


class Files:
    """Hands items on, each with what fetches its files; whoever keeps the item fetches them there and then."""

    def __init__(self, session: Session, files: Mapping[str, Sequence[Attached]], emit: Callable[[Item], None]) -> None:
        self._session, self._files, self._emit = session, files, emit

    def emit(self, item: Item) -> None:
        """The item with its files. Another's file is not offered."""
        offered = []
        for one in self._files.get(item.collection, ()) if item.ownership is not Ownership.THIRD_PARTY else ():
            where = item.fields.get(one.url)
            if where is not None and where != "" and one.url not in item.third_party:
                offered.append({FETCH: partial(self._fetched, one, where)})
        self._emit(replace(item, files=(*item.files, *offered)) if offered else item)

    def _fetched(self, one: Attached, where: Json) -> tuple[bytes, str]:
        """The bytes and what they are.

        Raises `NeverAgain` with the codes empty_file, file_type and those of a call: no item without its file.
        """
        if not isinstance(where, str):
            raise NeverAgain("schema_changed", detail=f"`{one.url}` is not the address of one file")
        answer = self._session.ask(Ask(where), headers={"Accept": "*/*"}, most_bytes=int(one.most_mb * _MB))
        if not answer.body:
            raise NeverAgain("empty_file", detail=f"the file behind `{one.url}` is empty")
        media = media_of(answer.body)
        if one.types and media not in one.types:
            raise NeverAgain("file_type", detail=f"the file behind `{one.url}` is {media}, which is not allowed")
        return answer.body, media
