"""Making a record anonymous by a recipe: all but its key and what the recipe keeps is emptied, if enough others look
the same afterwards."""

import sqlalchemy as sa

from workflows.connectors.sql_masking import neutral
from workflows.connectors.sql_schema import Bound, Schema, names_of
from workflows.ports import EraseItem
from workflows.register.recipes import Recipe


def why_not_anonymous(
    connection: sa.Connection, schema: Schema, bound: Bound, *, item: EraseItem, rows: list[dict[str, object]]
) -> str:
    """The code why this record can't be made anonymous as approved; "" if it can."""
    recipe = next((r for r in schema.recipes if r.collection == bound.name), None)
    if recipe is None or bound.node.spec.series is not None or not bound.keyed or len(rows) != 1:
        return "no_recipe"
    names = {n for n in names_of(bound.table.columns) if bound.table.c[n].computed is None}
    if set(item.fields) != names - set(bound.key) - set(recipe.keeps):
        return "no_recipe"  # another version, or a column that nobody spoke of
    if any(neutral(bound, name) is None for name in item.fields):
        return "unmaskable"
    return "" if _alike(connection, bound, recipe, row=rows[0]) >= recipe.min_cell else "too_few_alike"


def _alike(connection: sa.Connection, bound: Bound, recipe: Recipe, *, row: dict[str, object]) -> int:
    """How many households have a record that holds the same as what stays of this one."""
    same = [bound.table.c[name].is_not_distinct_from(row[name]) for name in recipe.keeps]
    households = sa.func.count(bound.table.c[recipe.household].distinct())
    return int(connection.execute(sa.select(households).where(*same)).scalar_one())
