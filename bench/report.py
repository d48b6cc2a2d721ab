"""What was measured, against what, and whether the aim was reached: printed, and kept as text and JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `aim` is the most (or with `at_least` the least) it should be; None: nothing was promised."""

    name: str
    value: float
    unit: str = ""
    aim: float | None = None
    at_least: bool = False
    told: str = ""  # what was measured, how often, with which spread

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached; None without an aim."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    def line(self) -> str:
        """As it is printed."""
        mark = {True: "✔", False: "✖", None: " "}[self.reached]
        aim = "" if self.aim is None else f"  (aim {'≥' if self.at_least else '≤'} {self.aim:g})"
        return f"{mark} {self.name:<58} {self.value:>10,.4g} {self.unit:<8}{aim}{'  ' + self.told if self.told else ''}"


@dataclass(slots=True)
class Report:
    """The answer to one question."""

    question: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str = "", **more: object) -> None:
        """Add one figure; `more` as the fields of `Figure`."""
        self.figures.append(Figure(name, value, unit, **more))  # type: ignore[arg-type]

    def text(self) -> str:
        """As it is printed."""
        return "\n".join([f"# {self.question}", *(f.line() for f in self.figures), *(f"  {n}" for n in self.notes), ""])


def spread(values: Sequence[float], unit: str = "ms", *, times: float = 1000) -> str:
    """The number of values, and how far apart they are."""
    low, high = min(values) * times, max(values) * times
    return f"{len(values)} times, median {statistics.median(values) * times:.3g} ({low:.3g} to {high:.3g}) {unit}"


def keep(name: str, report: Report, *, machine: dict[str, object]) -> None:
    """Write `results/NAME.txt` and `results/NAME.json`."""
    RESULTS.mkdir(exist_ok=True)
    head = ", ".join(f"{key} {value}" for key, value in machine.items())
    (RESULTS / f"{name}.txt").write_text(f"{report.text()}\n{head}\n", encoding="utf-8")
    figures = [{**asdict(f), "reached": f.reached} for f in report.figures]
    whole = {"question": report.question, "machine": machine, "figures": figures, "notes": report.notes}
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
