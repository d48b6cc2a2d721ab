"""How hard the tests try: `make check` tries fewer examples of each property than `make test`."""

from hypothesis import settings

QUICK_SHARE = 5
_quick = False

settings.register_profile("quick", max_examples=100 // QUICK_SHARE)


def spare() -> None:
    """From now on try few examples; called once, before any test is read."""
    global _quick  # noqa: PLW0603  # decorators ask while modules are imported, so no fixture can tell them
    _quick = True
    settings.load_profile("quick")


def examples(whole: int) -> int:
    """How many examples a property that wants `whole` gets in this run."""
    return max(3, whole // QUICK_SHARE) if _quick else whole
