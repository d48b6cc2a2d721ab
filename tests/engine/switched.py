"""The small controller with a switch at each source: off, and it fails as a source that is down does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.world import World, open_world, prepare, write_register
from workflows.errors import SourceDown, VastineError
from workflows.ports import Connector

_ASKS = ("collect", "collect_on", "health", "erase", "present")


@dataclass
class Switch:
    """A real connector behind a switch; counts how often it is searched. `error`: what it fails with while off."""

    real: Connector
    error: VastineError | None = None
    asked: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        return self._passing(value) if name in _ASKS else value

    def _passing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any, **named: Any) -> Any:
            self.asked += 1
            self.before()
            if self.error is not None:
                raise self.error
            return call(*given, **named)

        return asked

    def off(self, error: VastineError | None = None) -> None:
        """From now on the source is down."""
        self.error = error or SourceDown("source_down")

    def on(self) -> None:
        """It answers again."""
        self.error = None


def with_switches(world: World) -> tuple[World, dict[str, Switch]]:
    """The world with every source behind a switch."""
    switches = {name: Switch(connector) for name, connector in world.rt.connectors.items()}
    world.rt = replace(world.rt, connectors=switches)  # type: ignore[arg-type]
    return world, switches


def switched(
    folder: Path, *, database_url: str = "", register: dict[str, str] | None = None
) -> tuple[World, dict[str, Switch]]:
    """A world on this database with every source behind a switch; `register` replaces files of the register."""
    urls = {name: f"sqlite:///{folder / name}.db" for name in ("shop", "billing")} if database_url else None
    environ = prepare(folder, database_url=database_url, source_urls=urls)
    if register:
        write_register(folder / "register", register)
    return with_switches(open_world(environ))


__all__ = ["Switch", "switched", "with_switches"]
