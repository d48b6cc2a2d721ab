"""JSON from a service we do not trust: UTF-8, each name once, no number changed, not nested without end."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from workflows.errors import NeverAgain, TryAgain
from workflows.rules.items import Json

DEEPEST = 64
_TYPES = frozenset({"application/json", "text/json"})


def parsed(body: bytes, content_type: str) -> Json:
    """The value an answer holds.

    Raises `TryAgain` with the codes empty_answer, not_json or bad_json, which a service in trouble gives, and
    `NeverAgain` with charset, bad_text, duplicate_name, too_deep or bad_number, which it will give again.
    """
    media, _, parameters = content_type.lower().partition(";")
    media = media.strip()
    if not body.strip():
        raise TryAgain("empty_answer", detail="the service answered with nothing")
    if media not in _TYPES and not (media.startswith("application/") and media.endswith("+json")):
        raise TryAgain("not_json", detail="the service answered with something else than JSON")
    if _charset(parameters) not in ("", "utf-8", "utf8", "us-ascii"):
        raise NeverAgain("charset", detail="the answer says that it is not UTF-8")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NeverAgain("charset", detail="the answer is not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_float=_exact, parse_constant=_no_number)
    except RecursionError:
        raise NeverAgain("too_deep", detail="the answer is nested too deeply") from None
    except ValueError:
        raise TryAgain("bad_json", detail="the answer is not whole or not JSON") from None
    _look_through(value)
    return value


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return value.strip().strip('"')
    return ""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NeverAgain("duplicate_name", detail="an object of the answer has the same name twice")
    return value


def _exact(text: str) -> Json:
    """A float where it says the same; the text where it would not."""
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


def _no_number(_: str) -> NoReturn:
    raise NeverAgain("bad_number", detail="the answer has a number that JSON does not know")


def _look_through(value: Json) -> None:
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        inner: list[Json] = []
        for one in level:
            if isinstance(one, str):
                _is_text(one)
            elif isinstance(one, dict):
                for name in one:
                    _is_text(name)
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return
        level = inner
    raise NeverAgain("too_deep", detail="the answer is nested too deeply")


def _is_text(text: str) -> None:
    # Half a surrogate pair is no character; it could be stored nowhere.
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise NeverAgain("bad_text", detail="the answer has a text that is not Unicode")


_NOTHING = object()


def at(value: Json, path: str, *, missing: Any = _NOTHING) -> Json:
    """What stands at a dotted path; a number picks from a list. Raises `NeverAgain("schema_changed")` without it."""
    for part in filter(None, path.split(".")):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif missing is not _NOTHING:
            return missing
        else:
            raise NeverAgain("schema_changed", detail=f"the answer has no `{path}`")
    return value


def records_at(value: Json, path: str) -> list[dict[str, Json]]:
    """The records at a path: a list of objects, or one object. Raises `NeverAgain("schema_changed")` otherwise."""
    found = at(value, path)
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise NeverAgain("schema_changed", detail=f"`{path or 'the answer'}` is not a list of objects")
    return listed


def leaves(value: Json, path: Sequence[str]) -> Iterator[Json]:
    """Every value at a path of names, into each entry of the lists on the way."""
    if isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from leaves(value[path[0]], path[1:])
