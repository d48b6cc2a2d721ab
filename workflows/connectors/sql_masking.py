"""What a masked field holds afterwards: nothing where nothing is allowed, else a neutral value of its type."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from workflows.connectors.dataset import FieldNode
from workflows.connectors.sql_schema import Bound, Schema
from workflows.connectors.sql_values import TEMPORAL

WORD = "poistettu"
NO_DAY = date(1900, 1, 1)
SHORTEST_TOKEN = 6
_MAIL_DOMAIN = "@poistettu.invalid"


def masked_fields(schema: Schema, bound: Bound, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that masking may change: columns of the dataset, no keys of any kind, nothing computed."""
    keys = set(bound.key) if bound.keyed else set()
    for fk in schema.foreign_keys:
        keys |= set(fk.child_columns) if fk.child is bound.table else set()
        keys |= set(fk.parent_columns) if fk.parent is bound.table else set()
    result = []
    for name in fields:
        field = bound.node.fields.get(name)
        if field is None or not field.maskable or name in keys:
            continue
        if bound.table.c[name].computed is None:
            result.append(name)
    return tuple(result)


def neutral(bound: Bound, name: str) -> Callable[[], Any] | None:
    """Makes the value that a masked field gets; None if its type knows no neutral value and NULL is not allowed."""
    column, field = bound.table.c[name], bound.node.fields[name]
    length = min(filter(None, (getattr(column.type, "length", None), field.length)), default=None)
    is_text = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    if is_text and TEMPORAL not in column.info:
        if field.strategy == "string_rewrite":
            return lambda: (field.rewrite or WORD)[:length]
        if field.strategy == "random_string_rewrite":
            return lambda: _token(length)
    if column.nullable:
        return lambda: None
    unique = any(name in columns for columns in bound.uniques)
    if is_text and TEMPORAL not in column.info:
        return _neutral_text(field, length, unique=unique)
    return _neutral_other(column, unique=unique)


def _neutral_text(field: FieldNode, length: int | None, *, unique: bool) -> Callable[[], Any] | None:
    mail = field.identity == "email" or any(c.startswith("user.contact.email") for c in field.categories)
    if mail and (length is None or length >= len(_MAIL_DOMAIN) + SHORTEST_TOKEN):
        # Programs that send mail choke on what is no address; `.invalid` never leads anywhere (RFC 2606).
        room = None if length is None else length - len(_MAIL_DOMAIN)
        return lambda: _token(room) + _MAIL_DOMAIN
    if unique:
        return (lambda: _token(length)) if length is None or length >= SHORTEST_TOKEN else None
    return lambda: WORD if length is None or length >= len(WORD) else ""


def _neutral_other(column: sa.Column[Any], *, unique: bool) -> Callable[[], Any] | None:
    kind = column.type
    if isinstance(kind, sa.Uuid):
        return uuid.uuid4
    if unique:
        return (lambda: -1 - secrets.randbelow(2**31 - 1)) if isinstance(kind, sa.Integer) else None
    if TEMPORAL in column.info:
        return NO_DAY.isoformat
    for known, value in _NEUTRAL.items():
        if isinstance(kind, known):
            return lambda: value
    return None


_NEUTRAL: Mapping[type, Any] = {
    sa.Integer: 0,
    sa.Float: 0,
    sa.Numeric: 0,
    sa.Boolean: False,
    sa.DateTime: datetime(1900, 1, 1),  # noqa: DTZ001 (the session's zone is UTC, and naive columns take it as it is)
    sa.Date: NO_DAY,
    sa.LargeBinary: b"",
}


def _token(length: int | None) -> str:
    return secrets.token_hex(16)[:length]
