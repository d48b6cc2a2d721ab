"""Data against a typed shape: every unknown key with a suggestion, every wrong value in plain words.

The same walk serves our own strict models and Fideslang's, which drop unknown keys in silence.
"""

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workflows.errors import Fault
from workflows.register.document import Document, Path
from workflows.register.model import Secret

M = TypeVar("M", bound=BaseModel)

_ALIASES = {"fidesops_meta": "fides_meta"}


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """A remedy: the known word that was probably meant, or all of them."""
    words = sorted(known)
    by_folded = {w.casefold().replace("-", "_"): w for w in words}
    close = difflib.get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1, cutoff=likeness)
    if close:
        return f"did you mean `{by_folded[close[0]]}`?"
    return f"known here: {', '.join(words)}" if words else "there is none to choose from"


def shaped(model: type[M], doc: Document, path: Path, *, data: Any) -> tuple[M | None, list[Fault]]:
    """The data as `model`, or None; and all faults found. Paths in faults begin at `path`."""
    faults: list[Fault] = []
    _walk(model, data, path, (doc, faults))
    if not isinstance(data, dict):
        return None, faults
    made = None
    try:
        made = model.model_validate(data)
    except ValidationError as error:
        faults += _told(doc, path, data=data, details=error.errors(include_url=False))
    except (TypeError, AttributeError, ValueError):
        made = (
            None  # Fideslang's own __init__ and sorting fall over on values that are no mappings; told below or above
        )
    if made is None and not faults:
        faults.append(doc.fault(path, "this part does not have the expected shape", remedy=_REFERENCE))
    return (None if faults else made), faults


def _members(annotation: Any) -> list[Any]:
    """The branches of a choice, without None; a plain annotation is its only branch."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [m for a in get_args(annotation) if a is not type(None) for m in _members(a)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def nested(annotation: Any) -> type[BaseModel] | None:
    """The model inside this annotation, in a list, a mapping's values or a choice; None for plain values and secrets.

    Where a choice has several models the first is told: each of them keeps its secrets under the same names.
    """
    for branch in _members(annotation):
        origin, args = get_origin(branch), get_args(branch)
        inner = args[-1] if origin in (dict, Mapping) else args[0] if origin in (list, tuple) and args else branch
        for found in _members(inner):
            if _is_model(found) and found is not Secret:
                return cast("type[BaseModel]", found)
    return None


def mapped(annotation: Any) -> list[Any]:
    """What the values of a mapping may be, by this annotation; [] where it is no mapping of names to values."""
    for branch in _members(annotation):
        if get_origin(branch) in (dict, Mapping):
            return _members(get_args(branch)[-1])
    return []


def _walk(annotation: Any, value: Any, path: Path, sink: tuple[Document, list[Fault]]) -> None:
    """Note unknown keys, and values that should be a mapping of known keys and are not."""
    doc, faults = sink
    branches = _members(annotation)
    name = next((f"`{p}`" for p in reversed(path) if isinstance(p, str)), "this")
    if value is None:
        if annotation is branches[0] and _is_model(annotation):
            faults.append(doc.fault(path, f"{name} is empty", remedy="fill it in or remove it"))
        return
    for branch in branches:
        origin, args = get_origin(branch), get_args(branch)
        if isinstance(value, list) and origin in (list, tuple) and args:
            for index, entry in enumerate(value):
                _walk(args[0], entry, (*path, index), sink)
            return
        if isinstance(value, dict) and origin in (dict, Mapping) and len(args) == 2:
            for key, entry in value.items():
                _walk(args[1], entry, (*path, key), sink)
            return
        if isinstance(value, dict) and _is_model(branch):
            _walk_model(branch, value, path, sink)
            return
    if len(branches) == 1 and _is_model(branches[0]):
        keys = ", ".join(branches[0].model_fields)
        faults.append(doc.fault(path, f"{name} must hold `key: value` lines", remedy=f"its keys: {keys}"))


def _walk_model(
    model: type[BaseModel], value: Mapping[str, Any], path: Path, sink: tuple[Document, list[Fault]]
) -> None:
    doc, faults = sink
    known = model.model_fields
    for key, entry in value.items():
        name = _ALIASES.get(key, key)
        if name not in known:
            below = [
                k for k, f in known.items() for m in _members(f.annotation) if _is_model(m) and key in m.model_fields
            ]
            remedy = f"put it under `{below[0]}`" if below else nearest(key, known)
            faults.append(doc.fault((*path, key), f"unknown key `{key}`", remedy=remedy))
        else:
            _walk(known[name].annotation, entry, (*path, key), sink)


def _told(doc: Document, path: Path, *, data: Any, details: Sequence[ErrorDetails]) -> list[Fault]:
    """Pydantic's errors in our words, one per value; what `_walk` tells better is left out."""
    faults: dict[tuple[str, str], Fault] = {}
    for detail in details:
        if detail["type"] in ("extra_forbidden", "model_type", "model_attributes_type"):
            continue
        where = _real(data, detail["loc"])
        if _is_other_branch(data, where, kind=detail["type"]):
            continue
        what, remedy = _words(detail, where)
        fault = doc.fault((*path, *where), what, remedy=remedy)
        key = (fault.where, str(where))
        if (other := faults.get(key)) and remedy not in other.remedy:  # the branches of a choice, each refused
            fault = Fault(other.where, other.what, f"{other.remedy}, or {remedy}")
        faults[key] = fault
    return list(faults.values())


def _real(data: Any, loc: Sequence[Any]) -> tuple[Any, ...]:
    """The parts of a location that are in the data, and a last one that is missing there."""
    out: list[Any] = []
    for n, part in enumerate(loc):
        name = part
        if isinstance(data, dict) and part == "fides_meta" and part not in data and "fidesops_meta" in data:
            name = "fidesops_meta"
        if (isinstance(data, dict) and name in data) or (
            isinstance(data, list) and isinstance(name, int) and name < len(data)
        ):
            data = data[name]
            out.append(name)
        elif n == len(loc) - 1 and isinstance(data, dict) and isinstance(part, str):
            out.append(part)
    return tuple(out)


def _at(data: Any, where: Sequence[Any]) -> Any:
    for part in where:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _is_other_branch(data: Any, where: Sequence[Any], *, kind: str) -> bool:
    """Whether a plain type was tried on a mapping that another branch of the choice understands."""
    return (
        kind in ("string_type", "float_type", "bool_type", "literal_error")
        and len(where) > 0
        and isinstance(_at(data, where[:-1]), dict)
        and where[-1] in ("str", "float", "bool")
    )


_PLAIN = {
    "string_type": ("must be a text", "write a text, in quotes if it looks like a number"),
    "int_parsing": ("must be a whole number", "write digits only"),
    "int_type": ("must be a whole number", "write digits only"),
    "int_from_float": ("must be a whole number", "write digits only"),
    "float_parsing": ("must be a number", "write digits, with a point for decimals"),
    "float_type": ("must be a number", "write digits, with a point for decimals"),
    "bool_parsing": ("must be true or false", "write true or false"),
    "bool_type": ("must be true or false", "write true or false"),
    "tuple_type": ("must be a list", "write [a, b] or one `- ` line per entry"),
    "list_type": ("must be a list", "write [a, b] or one `- ` line per entry"),
    "dict_type": ("must be a mapping", "write `key: value` lines"),
    "mapping_type": ("must be a mapping", "write `key: value` lines"),
    "date_from_datetime_parsing": ("must be a date", "write YYYY-MM-DD"),
    "date_from_datetime_inexact": ("must be a date", "write YYYY-MM-DD"),
    "date_parsing": ("must be a date", "write YYYY-MM-DD"),
    "date_type": ("must be a date", "write YYYY-MM-DD"),
}


def _words(detail: ErrorDetails, where: Sequence[Any]) -> tuple[str, str]:
    """(what, remedy) of one error. A value is told only where a closed list of words is meant."""
    name = next((str(p) for p in reversed(where) if isinstance(p, str)), "this")
    kind, ctx = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return f"`{name}` is missing", f"add `{name}:` here"
    if kind in _PLAIN:
        what, remedy = _PLAIN[kind]
        return f"`{name}` {what}", remedy
    if kind in ("literal_error", "enum"):
        return f"`{name}` has a word that is not allowed", f"write one of {ctx.get('expected', '')}"
    if kind == "value_error":
        remedy = _FIDESLANG.get(name, "give each name once" if name in ("fields", "collections") else _REFERENCE)
        return f"`{name}`: {_safe(str(ctx.get('error', '')))}", remedy
    for limit, words in _LIMITS.items():
        if limit in ctx:
            return f"`{name}` is out of range", f"write a number of {words} {ctx[limit]}"
    return f"`{name}` is not allowed ({kind.replace('_', ' ')})", _REFERENCE


_REFERENCE = "compare docs/reference/register.md"
_LIMITS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
_FIDESLANG = {
    "data_type": "write string, integer, float, boolean, object or object_id, each also with []",
    "fides_key": "leave out spaces and other signs",
    "return_all_elements": "remove it, or give the field a data_type that ends with []",
}


def _safe(message: str) -> str:
    """A validator's words without the value it quotes."""
    return message.split(" Value provided:", maxsplit=1)[0].rstrip(".")
