"""Secrets of the register: where they are is written down, what they are is not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from workflows.errors import BadInput, Fault
from workflows.register.document import Document
from workflows.register.document import Path as At
from workflows.register.model import Secret
from workflows.register.shape import mapped, nearest, nested

_NEVER_VALUE = "a secret is {env: NAME} or {file: PATH}, never the value"
_SECRET_KEYS = ("password", "passwd", "pwd", "secret", "token", "api_key", "private_key")


def is_secret(value: Any) -> bool:
    """Whether this names a secret: a mapping with `env` or `file` alone."""
    return isinstance(value, Secret) or (isinstance(value, Mapping) and set(value) in ({"env"}, {"file"}))


def resolve(value: str | Mapping[str, Any] | Secret, environ: Mapping[str, str]) -> str:
    """The text itself, or the secret it names; a file's closing line break is no part of it.

    Raises `BadInput` if the variable or file does not exist or is empty. The value is in no message.
    """
    if isinstance(value, str):
        return value
    names = value.model_dump(exclude_none=True) if isinstance(value, Secret) else dict(value)
    if set(names) == {"env"}:
        name = str(names["env"])
        if found := environ.get(name, ""):
            return found
        raise BadInput([Fault(f"env {name}", "the environment variable is not set", f"set {name}")], "secret")
    if set(names) == {"file"}:
        name = str(names["file"])
        try:
            found = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            what = f"the secret's file can't be read ({type(error).__name__})"
            raise BadInput([Fault(f"file {name}", what, "put the secret there as UTF-8 text")], "secret") from None
        if found:
            return found
        raise BadInput([Fault(f"file {name}", "the secret's file is empty", "put the secret there")], "secret")
    raise BadInput([Fault("secret", "this names no secret", _NEVER_VALUE)], "secret")


def connection_url(connection: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The URL of a `kind: sql` connection with its secrets in it; it must go into no message and no log.

    Raises `BadInput` if a secret is not there or the resolved text is no URL.
    """
    url = resolve(connection["url"], environ)
    if connection.get("password") is None:
        return url
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        remedy = "write it like postgresql://reader@host/database"
        raise BadInput([Fault("connection.url", "this is not a URL", remedy)], "secret") from None
    return parsed.set(password=resolve(connection["password"], environ)).render_as_string(hide_password=False)


def secret_faults(connection: Any, doc: Document, at: At, *, model: type[BaseModel] | None = None) -> list[Fault]:
    """What is wrong with how this connection keeps its secrets, whatever `model` nests in it included."""
    if not isinstance(connection, Mapping):
        return []
    faults = []
    for key, value in connection.items():
        path = (*at, key)
        field = model.model_fields.get(str(key)) if model else None
        inner = nested(field.annotation) if field else None
        if inner is not None:
            faults += _inside(value, doc, path, model=inner)
        elif isinstance(value, Mapping) and field is not None and (entries := mapped(field.annotation)):
            faults += secret_faults(_told_here(value), doc, path) if Secret in entries else []
        elif isinstance(value, Mapping) and model is not None and field is None:
            continue  # an unknown key, told as such
        elif isinstance(value, Mapping):
            faults += _names_faults(value, doc, path)
        elif isinstance(value, str) and ("://" in value or (key == "url" and not _may_be_path(model))):
            faults += _url_faults(value, doc, path)
        elif key.casefold() in _SECRET_KEYS and value is not None:
            faults.append(doc.fault(path, f"`{key}` holds a secret as it is", remedy=_NEVER_VALUE))
    return faults


def _told_here(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Of names of the writer's own, such as headers, those whose value is a text or looks like a secret."""
    return {k: v for k, v in entries.items() if not isinstance(v, Mapping) or set(v) <= {"env", "file"}}


def _names_faults(value: Mapping[str, Any], doc: Document, path: At) -> list[Fault]:
    """What is wrong with a mapping that should name a secret."""
    key = path[-1]
    if set(value) & {"env", "file"} and not is_secret(value):
        return [doc.fault(path, f"`{key}` names its secret in two ways", remedy=_NEVER_VALUE)]
    if is_secret(value):
        named = all(isinstance(v, str) and v for v in value.values())
        return [] if named else [doc.fault(path, f"`{key}` names no variable or file", remedy=_NEVER_VALUE)]
    if len(value) == 1:
        word = next(iter(value))
        remedy = f"{nearest(word, ('env', 'file'))} {_NEVER_VALUE}"
        return [doc.fault((*path, word), f"unknown key `{word}`", remedy=remedy)]
    return [doc.fault(path, f"`{key}` must be a text or name a secret", remedy=_NEVER_VALUE)]


def _may_be_path(model: type[BaseModel] | None) -> bool:
    """Whether this kind's `url` may as well be a folder."""
    return bool(getattr(model, "url_may_be_path", False))


def _inside(value: Any, doc: Document, at: At, *, model: type[BaseModel]) -> list[Fault]:
    """The same for one nested part, a list of them, or a mapping of names to them."""
    if isinstance(value, list):
        return [f for n, one in enumerate(value) for f in secret_faults(one, doc, (*at, n), model=model)]
    if isinstance(value, Mapping) and not set(value) & set(model.model_fields):
        return [f for name, one in value.items() for f in secret_faults(one, doc, (*at, name), model=model)]
    return secret_faults(value, doc, at, model=model)


def _url_faults(url: str, doc: Document, path: At) -> list[Fault]:
    key = path[-1]
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return [doc.fault(path, f"`{key}` is not a URL", remedy="write it like postgresql://reader@host/database")]
    # A driver takes a password from the query as well, where `make_url` does not look for one.
    hidden = any(k.casefold() in _SECRET_KEYS for k in parsed.query)
    if parsed.password is not None or hidden:
        remedy = f"{_NEVER_VALUE}; put the whole URL there, or the password under `password:`"
        return [doc.fault(path, f"`{key}` holds a password", remedy=remedy)]
    return []
