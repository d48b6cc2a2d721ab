"""Which class speaks to which kind of source. A registry is an object: a test makes its own."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to things; a name that is taken fails when it is registered, not when it is used."""

    def __init__(self) -> None:
        self._things: dict[str, T] = {}

    def register(self, key: str) -> Callable[[T], T]:
        """Decorator: file this thing under `key`. Raises `ValueError` if the key is taken."""

        def add(thing: T) -> T:
            if key in self._things:
                raise ValueError(f"{key!r} is registered already")
            self._things[key] = thing
            return thing

        return add

    def __getitem__(self, key: str) -> T:
        """The thing filed under `key`. Raises `KeyError` that names the keys there are."""
        try:
            return self._things[key]
        except KeyError:
            raise KeyError(f"{key!r} is not one of {', '.join(sorted(self._things))}") from None

    def __contains__(self, key: object) -> bool:
        return key in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._things))
