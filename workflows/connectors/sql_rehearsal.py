"""The real statements before anyone approves them, in a transaction that comes to nothing.

What the database refuses, and what it would do beside what was asked, is found out here and told item by item.
"""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy import exc

from models.vocabulary import Action
from workflows.connectors.sql_effects import Effects
from workflows.connectors.sql_parts import Mark, Treatment
from workflows.connectors.sql_refusals import refusal_of
from workflows.connectors.sql_schema import Schema
from workflows.connectors.sql_standing import Standing, refuse_pointed
from workflows.errors import PersonMustLook

Run = Callable[[Sequence[Mark]], None]
TRIES = 200
"""How often the rows of one statement are halved to find those that are refused; then all that are left are."""


class Rehearsal:
    """Tries what an erasure would do and undoes it. The caller's transaction must be rolled back all the same."""

    def __init__(self, connection: sa.Connection, schema: Schema, *, side_tables: Sequence[str]) -> None:
        self._connection, self._schema, self._side_tables = connection, schema, side_tables
        self._tries = 0

    def run(self, standings: Sequence[Standing]) -> None:
        """Set `refused` on each item that the database would not treat exactly as planned."""
        while any(s.able for s in standings):
            treatment = Treatment(
                self._connection,
                self._schema,
                standings,
                effects=Effects(self._connection, self._side_tables),
            )
            code = self._whole(treatment)
            if not code:
                return
            found = self._culprits(treatment)
            for standing in () if found else standings:
                standing.refused = code if standing.able else standing.refused
            for (i, _), why in found.items():
                standings[i].refused = standings[i].refused or why
            deletes = [s for s in standings if s.able and s.item.action is not Action.MASK]
            refuse_pointed(self._connection, self._schema, deletes)

    def _whole(self, treatment: Treatment) -> str:
        """Why it can't all be done; "" if it can."""
        point = self._connection.begin_nested()
        try:
            treatment.run()
        except exc.DBAPIError as error:
            return code_of(error)
        except PersonMustLook as error:
            return error.code
        finally:
            point.rollback()
        return ""

    def _culprits(self, treatment: Treatment) -> dict[Mark, str]:
        """The rows of the first part that can't be done, each with the reason."""
        outer = self._connection.begin_nested()
        try:
            for part in treatment.parts():
                self._tries = TRIES
                found = self._failing(treatment, part.run, part.marks)
                if found:
                    return found
                self._try(treatment, part.run, part.marks, keep=True)
            return {}
        finally:
            outer.rollback()

    def _failing(self, treatment: Treatment, run: Run, marks: Sequence[Mark]) -> dict[Mark, str]:
        code = self._try(treatment, run, marks, keep=False)
        if not code:
            return {}
        if len(marks) == 1 or self._tries <= 0:
            return dict.fromkeys(marks, code)
        middle = len(marks) // 2
        found = self._failing(treatment, run, marks[:middle]) | self._failing(treatment, run, marks[middle:])
        return found or dict.fromkeys(marks, code)

    def _try(self, treatment: Treatment, run: Run, marks: Sequence[Mark], *, keep: bool) -> str:
        self._tries -= 1
        point = self._connection.begin_nested()
        try:
            treatment.begin()
            run(marks)
            treatment.end()
        except exc.DBAPIError as error:
            point.rollback()
            return code_of(error)
        except PersonMustLook as error:
            point.rollback()
            return error.code
        if keep:
            point.commit()
        else:
            point.rollback()
        return ""


def code_of(error: exc.DBAPIError) -> str:
    """The refusal's code; raises what is not about a record, such as a lock that was not had."""
    code = refusal_of(error)
    if not code:
        raise error
    return code
