"""docker-compose.yml as data: what each service runs, with which environment, told in this machine's terms."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
OURS = ("upgrade", "portal", "console", "worker", "beat")
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the file: variables replaced by their defaults, as with an empty .env."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    settings: Mapping[str, Any]

    @property
    def health_address(self) -> str:
        """The address that its health check asks."""
        found = re.search(r'"(http://[^"]+)"', self.settings["healthcheck"]["test"][-1])
        assert found is not None, f"{self.name} has no health check over HTTP"
        return found[1]


def read_services() -> dict[str, Service]:
    """Every service by name."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    text = _VARIABLE.sub(lambda match: match[2] or "", text).replace("$$", "$")
    services = {}
    for name, settings in yaml.safe_load(text)["services"].items():
        command = settings.get("command", [])
        environment = {key: str(value or "") for key, value in settings.get("environment", {}).items()}
        services[name] = Service(name, tuple(command), environment, settings)
    return services


def here(texts: Iterable[str], replacements: Mapping[str, str]) -> list[str]:
    """The texts with what is true in a container replaced by what is true here; longest first."""
    result = []
    for text in texts:
        changed = text
        for old in sorted(replacements, key=len, reverse=True):
            changed = changed.replace(old, replacements[old])
        result.append(changed)
    return result
