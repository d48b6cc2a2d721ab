"""Faults of `masking_strategy_override`: what can be undone, what is unknown, and what its configuration lacks."""

from collections.abc import Iterator, Mapping
from typing import Any

from fideslang.models import FieldMaskingStrategyOverride

from workflows.errors import Fault
from workflows.register.document import Document
from workflows.register.shape import nearest

_FORMAT = "format_preservation"
_STRATEGIES: Mapping[str, tuple[str, ...]] = {
    # strategy -> keys of its configuration
    "null_rewrite": (),
    "string_rewrite": ("rewrite_value", _FORMAT),
    "random_string_rewrite": ("length", _FORMAT),
}
_REVERSIBLE = ("hash", "hmac", "aes_encrypt")


def masking_faults(override: FieldMaskingStrategyOverride, doc: Document, at: tuple[Any, ...]) -> Iterator[Fault]:
    """What is wrong with one field's override; `at` is where it stands."""
    if override.strategy in _REVERSIBLE:
        what = f"`{override.strategy}` can be undone with its key, so it does not erase"
        yield doc.fault(at, what, remedy="write null_rewrite or string_rewrite")
        return
    if override.strategy not in _STRATEGIES:
        what = f"`{override.strategy}` is no masking strategy of a field"
        kept = "write `read_only: true` to keep the value" if override.strategy == "preserve" else ""
        yield doc.fault(at, what, remedy=kept or nearest(override.strategy, _STRATEGIES))
        return
    configuration, known = override.configuration or {}, _STRATEGIES[override.strategy]
    for key in configuration:
        if key not in known:
            remedy = nearest(key, known) if known else "remove it"
            what = f"`{override.strategy}` has no configuration `{key}`"
            yield doc.fault((*at, "configuration", key), what, remedy=remedy)
    if override.strategy == "string_rewrite" and not isinstance(configuration.get("rewrite_value"), (str, int)):
        place = (*at, "configuration") if configuration else at
        yield doc.fault(place, "`string_rewrite` says nothing to write", remedy="set `rewrite_value` to a text")
    length = configuration.get("length", 1)
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        yield doc.fault((*at, "configuration", "length"), "`length` must be a whole number above 0", remedy="write 30")
    kept_format = configuration.get(_FORMAT, {"suffix": ""})
    if not isinstance(kept_format, Mapping) or set(kept_format) != {"suffix"}:
        what = f"`{_FORMAT}` must be `suffix: TEXT`"
        yield doc.fault((*at, "configuration", _FORMAT), what, remedy='write {suffix: "@example.invalid"}')
