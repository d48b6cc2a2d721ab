"""What speaks against treating records of files, and making one anonymous by a recipe as in a database.

All but its key and what the recipe keeps is emptied, if enough others look the same afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from models.vocabulary import Action
from workflows.connectors.records import Records
from workflows.connectors.records_paths import text_of
from workflows.connectors.records_standing import Neutral, Standing, judge, refuse_pointed
from workflows.connectors.sql_schema import Schema
from workflows.register.recipes import Recipe


def weigh(records: Records, schema: Schema, standings: Sequence[Standing], *, neutral: Neutral) -> None:
    """Set `refused` and `fields` by what the dataset, the recipes and the other records say. Reads only."""
    judge(standings, neutral=neutral)
    _refuse_telling(
        records, schema, [s for s in standings if s.able and s.item.action is Action.ANONYMISE], neutral=neutral
    )
    refuse_pointed(records, schema, standings)


def _refuse_telling(records: Records, schema: Schema, standings: Sequence[Standing], *, neutral: Neutral) -> None:
    """Refuse what a recipe does not make anonymous as approved. Each collection is read once more, to its end."""
    by_recipe: dict[str, list[Standing]] = {}
    recipes = {recipe.collection: recipe for recipe in schema.recipes}
    for standing in standings:
        recipe = recipes.get(standing.item.collection)
        if recipe is None or not _fits(standing, recipe):
            standing.refused = standing.refused or "no_recipe"
        elif standing.node is not None and any(neutral(standing.node, f) is None for f in standing.item.fields):
            standing.refused = standing.refused or "unmaskable"
        else:
            standing.fields = tuple(standing.item.fields)
            by_recipe.setdefault(recipe.collection, []).append(standing)
    for name, several in by_recipe.items():
        recipe = recipes[name]
        wanted = {_kept(standing.records[0].content, recipe) for standing in several}
        homes: dict[tuple[str, ...], set[str]] = {key: set() for key in wanted}
        for record in records.rows(schema.bound[name].node, None):
            kept, home = _kept(record.content, recipe), record.content.get(recipe.household)
            if kept in homes and home not in (None, "") and len(homes[kept]) < recipe.min_cell:
                homes[kept].add(text_of(home))
        for standing in several:
            if len(homes[_kept(standing.records[0].content, recipe)]) < recipe.min_cell:
                standing.refused = standing.refused or "too_few_alike"


def _fits(standing: Standing, recipe: Recipe) -> bool:
    """Whether the fields to be emptied are all but the key and what the recipe keeps: nothing nobody spoke of stays."""
    node = standing.node
    if node is None or node.spec.series is not None or not node.primary or len(standing.records) != 1:
        return False
    columns = set(standing.records[0].content)
    named = {recipe.household, *recipe.keeps}
    rest = columns - set(node.primary) - set(recipe.keeps)
    return named <= columns and recipe.household in rest and set(standing.item.fields) == rest <= set(node.fields)


def _kept(content: Mapping[str, Any], recipe: Recipe) -> tuple[str, ...]:
    return tuple("" if content.get(name) is None else f"={text_of(content[name])}" for name in recipe.keeps)
