"""Which source is erased before which, by the `erase_after` of their collections."""

from collections.abc import Collection

from workflows.register.model import Register


def may_go_first(register: Register, names: Collection[str]) -> frozenset[str]:
    """Those of these sources that wait for no other of them; all, where they wait for each other in a circle."""
    homes = {d.fides_key: spec.source for spec in register.sources.values() for d in spec.dataset}
    waiting = {
        spec.source
        for spec in register.sources.values()
        for dataset in spec.dataset
        for collection in dataset.collections
        for key in (collection.fides_meta.erase_after if collection.fides_meta else None) or ()
        if homes.get(key.partition(".")[0], spec.source) in set(names) - {spec.source}
    }
    return frozenset(names) - waiting or frozenset(names)
