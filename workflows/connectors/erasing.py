"""What erasing an item means when nothing holds it.

| In the register | Means |
|---|---|
| an approved recipe for the collection | anonymise: only what the recipe keeps stays |
| `erase: delete`, `mask` or `keep` | that |
| `masking_strategy_override: {strategy: delete}` on the collection | delete |
| a time series | delete |
| `person:` gives the collection a category | delete: it is a record about the person |
| nothing of these (the least register) | mask the fields under `user`; keep the record if it has none |

Keys, read-only and `system` fields are never masked.
"""

from models.vocabulary import Action
from workflows.connectors.dataset import Node, nodes_of
from workflows.errors import NeverAgain
from workflows.register.model import Register
from workflows.register.recipes import recipe_for
from workflows.rules.items import Item

_REMEMBERED = 10_000

Erasing = tuple[Action, tuple[str, ...]]


class ErasureKinds:
    """`plan_action` of one register, told once for all records of a collection whose keys have the same names."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._told: dict[tuple[str, str, tuple[str, ...]], Erasing] = {}

    def __call__(self, item: Item) -> Erasing:
        """What erasing this item means; raises as `plan_action` does."""
        which = (item.source, item.collection, tuple(item.locator))
        known = self._told.get(which)
        if known is None:
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            known = self._told[which] = plan_action(self._register, item)
        return known


def plan_action(register: Register, item: Item) -> Erasing:
    """What erasing this item means, and which fields masking takes.

    DELETE and KEEP come with no fields, ANONYMISE with all but the key and what stays. KEEP means that nothing in
    the record is personal, or that the register says `erase: keep`. Raises `NeverAgain("unknown_collection")` if the
    register has no such collection.
    """
    spec = register.sources.get(item.source)
    node = nodes_of(spec).get(item.collection) if spec else None
    if node is None:
        raise NeverAgain("unknown_collection", detail="the register no longer describes the item's collection")
    recipe = recipe_for(register.recipes, item.source, item.collection)
    if recipe is not None and node.spec.erase != "keep":
        return Action.ANONYMISE, tuple(f for f in node.fields if f not in recipe.keeps and f not in item.locator)
    return action_of(node)


def action_of(node: Node) -> Erasing:
    """The same for a collection: all its items are erased alike."""
    said = node.spec.erase
    if said == "keep":
        return Action.KEEP, ()
    by_default = node.strategy == "delete" or node.spec.series is not None or node.spec.category is not None
    if said == "delete" or (said is None and by_default):
        return Action.DELETE, ()
    fields = tuple(f.name for f in node.fields.values() if f.personal and f.maskable)
    return (Action.MASK, fields) if fields else (Action.KEEP, ())
