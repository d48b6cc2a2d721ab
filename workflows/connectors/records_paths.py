"""Dotted paths into records: reading through objects and arrays, taking out whose elements these are not.

`messages.author.email` means that value of every element where `messages` is an array.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from workflows.connectors.sql_values import as_json
from workflows.rules.items import Json

Test = Callable[[Any], bool]
_EXACT = 2**53


def text_of(value: Any) -> str:
    """A value as the text that leads are: 1001.0 is the customer number 1001 to whoever wrote it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(as_json(value))


def values_at(content: Any, path: str) -> Iterator[Any]:
    """Every value at the path, None and empty texts left out."""
    if isinstance(content, (list, tuple)):
        for element in content:
            yield from values_at(element, path)
    elif not path:
        if content is not None and content != "":
            yield content
    elif isinstance(content, Mapping):
        if path in content:  # a flat column may have a dot in its name
            yield from values_at(content[path], "")
            return
        name, _, rest = path.partition(".")
        if name in content:
            yield from values_at(content[name], rest)


def in_array(content: Any, path: str) -> bool:
    """Whether any value at the path is an element of an array, or stands inside one."""
    if isinstance(content, (list, tuple)):
        return True
    if not isinstance(content, Mapping) or not path:
        return False
    if path in content:
        return in_array(content[path], "")
    name, _, rest = path.partition(".")
    return name in content and in_array(content[name], rest)


def link(content: Mapping[str, Any], path: str) -> Any:
    """What a row carries at the path: None, one value, or a tuple of several; whole floats as the numbers they are."""
    if "." not in path:
        value = content.get(path)
        if isinstance(value, str):
            return value or None
    found = tuple(dict.fromkeys(int(text_of(v)) if _whole(v) else _plain(v) for v in values_at(content, path)))
    return found if len(found) > 1 else found[0] if found else None


def _whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer() and abs(value) < _EXACT


def _plain(value: Any) -> Any:
    """An object can't be looked up by; its text can."""
    return value if value.__hash__ is not None else str(as_json(value))


def parts(value: Any) -> tuple[Any, ...]:
    """The values of a link."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def shown(content: Any, path: str) -> Json:
    """The value at the path as JSON; through arrays a list with one entry an element, None where it has none."""
    if not path:
        return as_json(content)
    if isinstance(content, (list, tuple)):
        return [shown(element, path) for element in content]
    if not isinstance(content, Mapping):
        return None
    if path in content:
        return as_json(content[path])
    name, _, rest = path.partition(".")
    return shown(content[name], rest) if name in content else None


def strained(content: Any, tests: Mapping[str, Test]) -> tuple[Any, bool]:
    """The content without array elements that fail, and whether any did.

    An element is asked by the tests whose path leads into it; one that carries no such value stays.
    """
    dropped: list[bool] = []
    whole = _strain(content, "", tests, dropped)
    return whole, bool(dropped)


def _strain(value: Any, at: str, tests: Mapping[str, Test], dropped: list[bool]) -> Any:
    inside = f"{at}." if at else ""
    if isinstance(value, Mapping):
        if not any(path.startswith(inside) for path in tests):
            return value
        return {name: _strain(inner, inside + str(name), tests, dropped) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        mine = {p: t for p, t in tests.items() if p == at or p.startswith(inside)}
        kept = [element for element in value if _passes(element, at, mine)] if mine else list(value)
        dropped += [True] * (len(value) - len(kept))
        return [_strain(element, at, tests, dropped) for element in kept] if mine else kept
    return value


def _passes(element: Any, at: str, tests: Mapping[str, Test]) -> bool:
    asked = False
    for path, test in tests.items():
        for value in values_at(element, path[len(at) + 1 :] if path != at else ""):
            if test(value):
                return True
            asked = True
    return not asked


def replaced(content: Any, path: str, change: Callable[[Any], Any]) -> Any:
    """A copy with every value at the path changed; nothing is added where nothing stands."""
    if isinstance(content, (list, tuple)) and path:
        return [replaced(element, path, change) for element in content]
    if not path:
        return change(content)
    if not isinstance(content, Mapping):
        return content
    if path in content:
        return {**content, path: change(content[path])}
    name, _, rest = path.partition(".")
    return {**content, name: replaced(content[name], rest, change)} if name in content else content


def flat(content: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The named columns of a record, each as a link."""
    return {column: link(content, column) for column in columns}
