"""Faults of `grounds.yaml`: a ground without a time or a text, and a guard that was taken away."""

from collections.abc import Iterator

from workflows.errors import Fault
from workflows.register.grounds import built_in
from workflows.register.reading import Reading


def ground_faults(reading: Reading) -> Iterator[Fault]:
    """Everything wrong with the register's own grounds of refusal."""
    doc = reading.documents.get("grounds.yaml")
    if doc is None:
        return
    for ground, path in reading.grounds:
        if ground.valid_from and ground.valid_to and ground.valid_to < ground.valid_from:
            what = f"`{ground.id}` ends before it begins"
            yield doc.fault((*path, "valid_to"), what, remedy="write the last day on which it may be used")
        if not ground.source.strip():
            yield doc.fault((*path, "source"), "`source` is empty", remedy="say where the law was read")
        for language in ("fi", "sv", "en"):
            if not getattr(ground.text, language).strip():
                what = f"`text` of `{ground.id}` is empty in {language}"
                yield doc.fault((*path, "text", language), what, remedy="write it in all of fi, sv and en")
        known = built_in().get(ground.id)
        if known is not None and known.guard == "two_people" and ground.guard == "none":
            what = f"`{ground.id}` would be refused by one person"
            yield doc.fault((*path, "guard"), what, remedy="write `guard: two_people` (GDPR Art. 12(5))")
        if ground.fees and ground.guard == "none":
            what = f"`{ground.id}` has a fee though it needs no guard"
            yield doc.fault((*path, "fees"), what, remedy="write `guard: two_people`, or remove `fees` (Art. 12(5))")
        ids = [fee.id for fee in ground.fees]
        if len(set(ids)) != len(ids):
            yield doc.fault((*path, "fees"), "`fees` names one twice", remedy="give each its own id")
