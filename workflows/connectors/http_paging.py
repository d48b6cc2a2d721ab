"""Long answers, page by page, to their true end.

A page that is shorter than asked is no end: services cap what they give. The end is an empty page, the absence of
what leads on, or the total the service names. A service that gives the same page again would never end.
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from workflows.connectors.http_client import Answer
from workflows.connectors.http_json import at, records_at
from workflows.connectors.http_session import Ask, Reads
from workflows.errors import NeverAgain, TryAgain
from workflows.register.http_connection import Find, Page
from workflows.rules.items import Json, digest_of

Raw = dict[str, Json]
_EMPTY_IN_A_ROW = 3
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$%&\'*+.^`|~-]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]+))?)*)\s*(?:,|$)')


def records_of(session: Reads, ask: Ask, find: Find, *, most_pages: int) -> Iterator[Raw]:
    """All records of one call, page by page.

    Raises `NeverAgain` with the codes not_found, schema_changed, paging_loop, too_many_pages, and
    `TryAgain("incomplete")` where there were fewer records than the service says there are.
    """
    if find.page is None:
        answer, value = session.read(ask, absent=find.not_found == "none")
        yield from records_at(value, find.records) if answer.status < 300 else ()
        return
    pages = _Pages(find.page, ask)
    for _ in range(most_pages):
        answer, value = session.read(pages.ask, absent=find.not_found == "none")
        if answer.status >= 300:
            if pages.count:
                raise TryAgain("incomplete", detail="a page of the answer is gone")
            return
        records = records_at(value, find.records)
        pages.seen(records)
        yield from records
        if not pages.goes_on(answer, value, records):
            pages.check_total(value)
            return
    raise NeverAgain("too_many_pages", detail="the answer has more pages than the source file allows")


class _Pages:
    """Where in a long answer we are."""

    def __init__(self, page: Page, ask: Ask) -> None:
        self._page, self._first = page, ask
        self.count = 0
        self._number = page.number.first if page.number else 0
        self._empty = 0
        self._digests: set[str] = set()
        self.ask = ask
        if page.number:
            self.ask = self._numbered(ask)
        elif page.offset:
            self.ask = self._at_offset(ask)

    def _numbered(self, ask: Ask) -> Ask:
        by = self._page.number
        if by is None:
            return ask
        ask = ask.with_param(by.param, self._number)
        return ask.with_param(by.size_param, by.size) if by.size_param else ask

    def _at_offset(self, ask: Ask) -> Ask:
        by = self._page.offset
        if by is None:
            return ask
        ask = ask.with_param(by.param, self.count)
        return ask.with_param(by.size_param, by.size) if by.size_param else ask

    def seen(self, records: list[Raw]) -> None:
        """Count the records of a page. Raises `NeverAgain("paging_loop")` if the page came before."""
        self.count += len(records)
        self._empty = 0 if records else self._empty + 1
        if self._empty > _EMPTY_IN_A_ROW:
            raise NeverAgain("paging_loop", detail="the answer goes on without records")
        if records:
            digest = digest_of(records)
            if digest in self._digests:
                raise NeverAgain("paging_loop", detail="the service gives the same page again")
            self._digests.add(digest)

    def goes_on(self, answer: Answer, value: Json, records: list[Raw]) -> bool:
        """Whether there is another page; then `ask` is the call for it."""
        page = self._page
        if page.number or page.offset:
            self._number += 1
            self.ask = self._numbered(self._first) if page.number else self._at_offset(self._first)
            total = self._total(value)
            return bool(records) and (total is None or self.count < total)
        if page.cursor:
            cursor = at(value, page.cursor.path, missing=None)
            if cursor in (None, "", False):
                return False
            if not isinstance(cursor, (str, int)):
                raise NeverAgain("schema_changed", detail=f"`{page.cursor.path}` is no cursor")
            following = self._first.with_param(page.cursor.param, cursor)
            if not records and following == self.ask:
                return False  # some services give the last cursor for ever
            self.ask = following
            return True
        there = linked(answer) if page.link_header else at(value, page.next_url or "", missing=None)
        if there in (None, ""):
            return False
        if not isinstance(there, str):
            raise NeverAgain("schema_changed", detail=f"`{page.next_url}` is no URL")
        following = Ask(urljoin(answer.url, there))
        if following == self.ask:
            raise NeverAgain("paging_loop", detail="a page leads to itself")
        self.ask = following
        return True

    def _total(self, value: Json) -> int | None:
        if not self._page.total:
            return None
        total = at(value, self._page.total)
        if isinstance(total, bool) or not isinstance(total, int):
            raise NeverAgain("schema_changed", detail=f"`{self._page.total}` is no number")
        return total

    def check_total(self, value: Json) -> None:
        """Raises `TryAgain("incomplete")` where the service names more records than it gave."""
        total = self._total(value)
        if total is not None and self.count < total:
            raise TryAgain("incomplete", detail="the service gave fewer records than it says there are")


def linked(answer: Answer) -> str | None:
    """Where `Link: <…>; rel="next"` leads. Source: RFC 8288."""
    for found in _LINK.finditer(answer.headers.get("link", "")[:8192]):
        for parameter in found[2].split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip().strip('"').lower().split():
                return found[1]
    return None
