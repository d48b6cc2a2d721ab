"""Measure Vastine: `python bench/run.py [NAME…]`. Results are printed and kept in `bench/results/`.

Starts a PostgreSQL that syncs and a Redis that persists on loopback ports, and real worker processes. Ends
with 1 if an aim was missed under `--strict`, else with 0: a bench tells, a test fails.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this folder: its modules have everyday names

from bench import (  # noqa: E402
    anatomy,
    assess,
    dead,
    flood,
    growth,
    idle,
    intake,
    letter,
    mail,
    million,
    parquet,
    schema,
    series,
    sources,
    throughput,
    urgent,
)
from bench.place import Place, open_place  # noqa: E402
from bench.report import Report, keep  # noqa: E402

BENCHES: dict[str, Callable[[Place], Report]] = {
    "anatomy": anatomy.measure,
    "assess": assess.measure,
    "sources": sources.measure,
    "series": series.measure,
    "growth": growth.measure,
    "million": million.measure,
    "parquet": parquet.measure,
    "schema": schema.measure,
    "dead": dead.measure,
    "idle": idle.measure,
    "urgent": urgent.measure,
    "mail": mail.measure,
    "letter": letter.measure,
    "intake": intake.measure,
    "flood": flood.measure,
    "throughput": throughput.measure,
}
CUSTOMERS = 300


def main(arguments: list[str]) -> int:
    """Run the benches named, all by default."""
    names = [a for a in arguments if not a.startswith("--")] or list(BENCHES)
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    missed = []
    for name in names:
        start = time.monotonic()
        load = os.getloadavg()[0]
        with open_place(customers=CUSTOMERS) as place:
            report = BENCHES[name](place)
        machine = {
            "cores": len(os.sched_getaffinity(0)),
            "Python": platform.python_version(),
            "load before": round(load, 2),
            "seconds": round(time.monotonic() - start),
        }
        keep(name, report, machine=machine)
        print(report.text(), flush=True)
        missed += [f.name for f in report.figures if f.reached is False]
    print(f"{len(missed)} aims missed" + (f": {'; '.join(missed)}" if missed else ""))
    return 1 if missed and "--strict" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
