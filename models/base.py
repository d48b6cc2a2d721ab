"""What every table shares: the naming convention and the column types."""

import uuid
from enum import StrEnum

from sqlalchemy import Enum, MetaData
from sqlalchemy.orm import DeclarativeBase

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base; constraint names are predictable so that migrations can name them."""

    metadata = MetaData(naming_convention=CONVENTION)


def word(kind: type[StrEnum], name: str = "") -> Enum:
    """A column type that holds a word of the vocabulary by value and refuses any other.

    `name` tells two columns of one table apart that hold words of one kind.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name or kind.__name__.lower(),
        values_callable=lambda words: [w.value for w in words],
        validate_strings=True,
    )


def new_id() -> uuid.UUID:
    """A random id: no table's key tells how many rows there are."""
    return uuid.uuid4()
