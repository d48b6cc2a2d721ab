"""Faults of the connections that are a few plain keys: a database's and a delimited file's."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.hand_connection import ByHand
from workflows.register.model import Secret, SourceSpec, Strict
from workflows.register.shape import nearest, shaped

FLAT = frozenset({"url", "password", "path", "delimiter", "encoding", "header", "erase", "side_tables", "by_hand"})
"""Keys that `flat_faults` has better words for than a model's shape has."""
_SHAPED = frozenset({"header", "erase", "side_tables", "by_hand"})
"""Those of them that are no text, and are looked at by their kind."""


class EraseConnection(Strict):
    """The way of another user of the same database, who may erase; the first one then only reads."""

    url: str | Secret
    password: Secret | None = None


def flat_faults(model: type[Strict], connection: Mapping[str, Any], doc: Document) -> Iterator[Fault]:
    """Unknown keys, the first key missing, and values that are neither a text nor a secret."""
    known = tuple(model.model_fields)
    for key in connection:
        if key not in known:
            yield doc.fault(("connection", key), f"unknown key `{key}`", remedy=nearest(key, known))
    if connection.get(known[0]) in (None, ""):
        yield doc.fault(
            ("connection", known[0]), f"`{known[0]}` is missing", remedy=f"add `{known[0]}:` under `connection`"
        )
    for key, value in connection.items():
        if key not in known or key in _SHAPED or isinstance(value, str) or value is None:
            continue
        if key in ("delimiter", "encoding"):
            yield doc.fault(("connection", key), f"`{key}` must be a text", remedy="write it here, in quotes")
        elif not isinstance(value, Mapping):
            remedy = "write a text, or {env: NAME} or {file: PATH}"
            yield doc.fault(("connection", key), f"`{key}` must be a text", remedy=remedy)


def sql_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """URLs whose dialect or driver is not installed, and the erasing user's of another kind of database."""
    connection = source.connection
    yield from _driver(connection.get("url"), doc, ("connection", "url"))
    tables = connection.get("side_tables") or []
    if not isinstance(tables, list) or not all(isinstance(name, str) for name in tables):
        yield doc.fault(("connection", "side_tables"), "`side_tables` must be a list", remedy="write [TABLE, TABLE]")
    else:
        described = {c.name for d in source.dataset for c in d.collections}
        for n, name in enumerate(tables):
            if name.rpartition(".")[2] in described:
                what = f"`{name}` holds records that are described, so a trigger may not write it"
                yield doc.fault(("connection", "side_tables", n), what, remedy="take it out of `side_tables`")
    yield from _hand(connection, doc)
    if connection.get("by_hand") is not None and "erase" in connection:
        what = "`by_hand` and `erase`: either people erase here or programs do"
        yield doc.fault(("connection", "by_hand"), what, remedy="keep one of them")
    if (erase := connection.get("erase")) is None:
        return
    _, faults = shaped(EraseConnection, doc, ("connection", "erase"), data=erase)
    yield from faults
    if not faults:
        yield from _driver(erase["url"], doc, ("connection", "erase", "url"))
        yield from _another(connection.get("url"), erase["url"], doc)


def _another(url: Any, erasing: Any, doc: Document) -> Iterator[Fault]:
    """A second way that is the first one proves nothing; one to another database would erase what nobody found."""
    at = ("connection", "erase", "url")
    if url == erasing:
        yield doc.fault(at, "`erase` names the same user as `url`", remedy="name a user of its own, or remove `erase`")
    elif isinstance(url, str) and isinstance(erasing, str):
        try:
            one, other = make_url(url), make_url(erasing)
        except (ArgumentError, ValueError):
            return  # told where secrets are looked at
        if (one.get_backend_name(), one.database) != (other.get_backend_name(), other.database) and one.host:
            what = "`erase` leads to another database than `url`"
            yield doc.fault(at, what, remedy="name the same database, as another user")


def _driver(url: Any, doc: Document, at: Path) -> Iterator[Fault]:
    if isinstance(url, str):
        try:
            make_url(url).get_dialect()
        except NoSuchModuleError:
            remedy = "begin it with postgresql://, mysql:// or sqlite:///, or install the driver"
            yield doc.fault(at, "there is no driver for this kind of `url`", remedy=remedy)
        except (ArgumentError, ValueError, ImportError):
            return  # not a URL at all is told where its secrets are looked at


def _hand(connection: Mapping[str, Any], doc: Document) -> Iterator[Fault]:
    if (by_hand := connection.get("by_hand")) is not None:
        _, faults = shaped(ByHand, doc, ("connection", "by_hand"), data=by_hand)
        yield from faults


def file_faults(source: SourceSpec, doc: Document) -> Iterator[Fault]:
    """What its shape can't tell: delimiter, encoding, and columns where the file does not name them."""
    connection = source.connection
    delimiter = connection.get("delimiter", "|")
    if isinstance(delimiter, str) and (len(delimiter) != 1 or delimiter in '"\r\n'):
        yield doc.fault(("connection", "delimiter"), "`delimiter` must be one character", remedy='write "|" or ";"')
    encoding = connection.get("encoding", "utf-8")
    try:
        if isinstance(encoding, str):
            bytes(4).decode(encoding)  # of no bytes at all Python does not look the encoding up
    except (LookupError, ValueError):
        remedy = "write utf-8, iso-8859-1 or windows-1252"
        yield doc.fault(("connection", "encoding"), "`encoding` is not known", remedy=remedy)
    if not isinstance(connection.get("header", True), bool):
        yield doc.fault(("connection", "header"), "`header` must be true or false", remedy="write true or false")
    yield from _hand(connection, doc)
    collections = [c for d in source.dataset for c in d.collections]
    if source.dataset and len(collections) != 1:
        what = f"a file is one collection, and {len(collections)} are described"
        yield doc.fault(("dataset",), what, remedy="write a source for each file")
    elif source.dataset and connection.get("header") is False:
        columns = (source.dataset[0].meta or {}).get("columns")
        named = [str(c) for c in columns] if isinstance(columns, list) else []
        if not named or len(set(named)) != len(named) or not {f.name for f in collections[0].fields} <= set(named):
            what = "a file without a header needs its columns in their order"
            remedy = "name all of them, each once, under `meta: {columns: [...]}` of the dataset"
            yield doc.fault(("dataset", 0), what, remedy=remedy)
