"""What a masked field holds afterwards: nothing where nothing is allowed, else a neutral value of its type."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from workflows.connectors.dataset import FieldNode
from workflows.connectors.sql_schema import Bound, Schema
from workflows.connectors.sql_values import NO_MATCH, TEMPORAL, typed

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
    is_text = _is_text(column)
    unique = name in bound.distinct or any(name in columns for columns in bound.uniques)
    if is_text and field.strategy == "string_rewrite":
        return _rewritten(field, length, unique=unique)
    if is_text and field.strategy == "random_string_rewrite":
        return _random(field, length, unique=unique)
    if field.strategy == "string_rewrite" and not unique:
        value = NO_MATCH if _not_a_label(column, field.rewrite) else typed(column, field.rewrite)
        if value is not NO_MATCH:
            return lambda: value
    if column.nullable and name not in bound.nulls_alike:
        return lambda: None
    if is_text:
        return _neutral_text(field, length, unique=unique)
    return _neutral_other(column, unique=unique)


def _rewritten(field: FieldNode, length: int | None, *, unique: bool) -> Callable[[], Any] | None:
    """What the dataset says, cut to what fits; where no two may be alike, with chance after it."""
    whole = (field.rewrite or WORD) + _suffix(field)
    if not unique:
        return lambda: whole[:length]
    if length is not None and length < SHORTEST_TOKEN:
        return None
    kept = whole if length is None else whole[: max(0, length - 2 * SHORTEST_TOKEN)]
    return lambda: kept + _token(None if length is None else length - len(kept))


def _random(field: FieldNode, length: int | None, *, unique: bool) -> Callable[[], Any] | None:
    asked = (field.configuration or {}).get("length")
    wanted = min(filter(None, (length, asked if isinstance(asked, int) else None)), default=None)
    suffix = _suffix(field)
    room = None if wanted is None else wanted - len(suffix)
    if room is not None and room < (SHORTEST_TOKEN if unique else 1):
        return None if unique else (lambda: _token(wanted))
    return lambda: _token(room) + suffix


def _suffix(field: FieldNode) -> str:
    """What Fides calls the preserved format: an end that stays the same, such as a domain."""
    return str(((field.configuration or {}).get("format_preservation") or {}).get("suffix") or "")


def _is_text(column: sa.Column[Any]) -> bool:
    plain = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    return plain and TEMPORAL not in column.info


def _not_a_label(column: sa.Column[Any], value: str) -> bool:
    kind = column.type
    return not value or (isinstance(kind, sa.Enum) and value not in kind.enums)


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
        return _unlike(kind)
    if TEMPORAL in column.info:
        return NO_DAY.isoformat
    if isinstance(kind, mysql.TIMESTAMP):
        return lambda: _FIRST_INSTANT  # its year 1900 does not exist
    for known, value in _NEUTRAL.items():
        if isinstance(kind, known):
            return lambda: value
    return None


def _unlike(kind: sa.types.TypeEngine[Any]) -> Callable[[], Any] | None:
    """A value that nobody has; None where there are too few to be sure."""
    if isinstance(kind, sa.LargeBinary):
        room = getattr(kind, "length", None)
        return (lambda: secrets.token_bytes(16)[:room]) if room is None or room >= SHORTEST_TOKEN else None
    small = isinstance(kind, (sa.SmallInteger, mysql.TINYINT, mysql.MEDIUMINT))
    if isinstance(kind, sa.Integer) and not small and not getattr(kind, "unsigned", False):
        return lambda: -1 - secrets.randbelow(2**31 - 1)
    return None


_FIRST_INSTANT = datetime(1970, 1, 2)  # noqa: DTZ001 (as below)
_NEUTRAL: Mapping[type, Any] = {
    sa.Integer: 0,
    sa.Float: 0,
    sa.Numeric: 0,
    sa.Boolean: False,
    sa.DateTime: datetime(1900, 1, 1),  # noqa: DTZ001 (the session's zone is UTC, and naive columns take it as it is)
    sa.Date: NO_DAY,
    sa.Time: time(),
    sa.Interval: timedelta(),
    postgresql.INTERVAL: timedelta(),
    postgresql.INET: "0.0.0.0",  # noqa: S104 (nothing listens here)
    sa.LargeBinary: b"",
    sa.JSON: {},
    sa.ARRAY: [],
}


def _token(length: int | None) -> str:
    return secrets.token_hex(16)[:length]
