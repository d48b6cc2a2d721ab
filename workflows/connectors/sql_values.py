"""Values on their way in and out of a database: text to a column's type, a column's value to JSON.

The same row gives the same JSON from SQLite and from PostgreSQL: decimals are texts with the column's
scale, instants are ISO texts in UTC, bytes are base64.
"""

import base64
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from workflows.register.model import FactSpec
from workflows.rules.items import DATE_FACTS, FACTS, Fact, Json

SMALLEST, LARGEST = -(2**63), 2**63 - 1
NO_MATCH = object()
"""What a text becomes that can't be a value of the column's type: it matches no row."""

DAYS = DATE_FACTS
"""The facts that are calendar dates."""

_JSON_ALREADY = {str, int, bool, type(None)}
_ZONE = attrgetter("tzinfo")

TEMPORAL = "temporal"
"""Key in `Column.info` of SQLite's dates and instants, which are read as the texts they are."""


def typed(column: sa.Column[Any], value: Json) -> Any:
    """The JSON value as one of the column's type, or `NO_MATCH`. Exact: "007" is not the number 7."""
    if value is None:
        return NO_MATCH
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    if isinstance(value, str) and "\x00" in value:
        return NO_MATCH
    try:
        return _TYPED.get(_kind(column.type), _as_is)(value)
    except (ValueError, InvalidOperation, OverflowError, TypeError):
        return NO_MATCH


def _kind(kind: sa.types.TypeEngine[Any]) -> type:
    for known in _TYPED:
        if isinstance(kind, known):
            return known
    return object


def _integer(value: Json) -> Any:
    number = int(value)
    if isinstance(value, str) and str(number) != value:
        return NO_MATCH
    return number if SMALLEST <= number <= LARGEST else NO_MATCH


def _decimal(value: Json) -> Any:
    number = Decimal(str(value))
    return number if number.is_finite() else NO_MATCH


def _boolean(value: Json) -> Any:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower(), NO_MATCH)


def _text(value: Json) -> Any:
    return value if isinstance(value, str) else str(value)


def _as_is(value: Json) -> Any:
    return value


_TYPED: Mapping[type, Callable[[Json], Any]] = {
    sa.Integer: _integer,
    sa.Float: float,
    sa.Numeric: _decimal,
    sa.Boolean: _boolean,
    sa.DateTime: lambda v: datetime.fromisoformat(str(v)),
    sa.Date: lambda v: date.fromisoformat(str(v)),
    sa.Uuid: lambda v: uuid.UUID(str(v)),
    sa.Enum: _text,
    sa.String: _text,
}


def encoder(column: sa.Column[Any]) -> Callable[[Any], Json]:
    """How this column's values become JSON."""
    kind = column.type
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return _decimal_texts(Decimal(1).scaleb(-kind.scale) if kind.scale is not None else None)
    if TEMPORAL in column.info:
        return _temporal_json
    if isinstance(kind, (sa.DateTime, sa.Date)):
        return _moment_json
    return as_json


def _decimal_texts(step: Decimal | None) -> Callable[[Any], Json]:
    """Makes decimals texts with as many places as this step has."""

    def text(value: Any) -> Json:
        if value is None:
            return None
        try:
            number = value if isinstance(value, Decimal) else Decimal(str(value))
            return str(number if step is None else number.quantize(step))
        except InvalidOperation:
            return str(value)

    return text


def encoded(encode: Callable[[Any], Json], values: Sequence[Any]) -> Sequence[Json]:
    """A column's values as JSON by its encoder; without a call for each of them where they are plain."""
    kinds = set(map(type, values))
    if encode is as_json and kinds <= _JSON_ALREADY:
        return values
    if encode is _moment_json and kinds == {datetime} and set(map(_ZONE, values)) == {None}:
        return list(map(datetime.isoformat, values))
    if encode is _moment_json and kinds == {date}:
        return list(map(date.isoformat, values))
    return list(map(encode, values))


def _moment_json(value: Any) -> Json:
    if type(value) is date or (type(value) is datetime and value.tzinfo is None):
        return value.isoformat()  # nearly all
    return as_json(value)


def _temporal_json(value: Any) -> Json:
    parsed = as_instant(value)
    return as_json(parsed if parsed is not None else value)


def as_json(value: Any) -> Json:  # noqa: PLR0911 (a table of types)
    """A driver's value as JSON."""
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Mapping):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    return str(value)


def as_instant(value: Any) -> datetime | date | None:
    """A value that is a date or an instant, or the ISO text of one; None if it is neither."""
    if isinstance(value, date):  # a datetime is a date
        return value
    if isinstance(value, str):
        for parse in (date.fromisoformat, datetime.fromisoformat) if value[4:5] == "-" else (_finnish_date,):
            try:
                return parse(value)
            except ValueError:
                continue
    return None


def _finnish_date(value: str) -> date:
    day, month, year = value.split(".")
    return date(int(year), int(month), int(day))


def local_day(value: Any, zone: tzinfo, *, naive: tzinfo | None = None) -> date | None:
    """The calendar date at the controller's seat; `naive` is how an instant without zone is meant (default: there)."""
    instant = as_instant(value)
    if isinstance(instant, datetime):
        return instant.replace(tzinfo=instant.tzinfo or naive or zone).astimezone(zone).date()
    return instant


def midnight(day: date, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which this day begins at the controller's seat."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def day_after(day: date) -> date:
    """The next calendar date."""
    return day + timedelta(days=1)


def fact(name: str, spec: str | FactSpec, *, row: Mapping[str, Any], zone: tzinfo) -> Fact:  # noqa: PLR0911 (a table of types)
    """What the row says about one fact, in the fact's type; None where it can't be told."""
    described = FactSpec(field=spec) if isinstance(spec, str) else spec
    value = row[described.field]
    if value is None:
        return described.null
    if described.true_when is not None:
        return str(as_json(value)) in described.true_when
    kind = FACTS.get(name, str)
    try:
        if kind is bool:
            return bool(int(value)) if isinstance(value, (int, str)) else None
        if kind is float:
            return float(value.replace(",", ".") if isinstance(value, str) else value)
    except ValueError:
        return None
    if name not in DAYS and not isinstance(value, date):
        return str(as_json(value))  # an invoice number may look like a date and is none
    day = local_day(value, zone)
    return day.isoformat() if day is not None else None
