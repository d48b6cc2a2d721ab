"""Everything that can be wrong between the parts of a register, found without opening a source."""

from datetime import date
from pathlib import Path

from workflows.errors import Fault
from workflows.register.catalogue import catalogue_of
from workflows.register.check_advice import advice
from workflows.register.check_canary import canary_faults
from workflows.register.check_controller import category_faults, controller_faults
from workflows.register.check_graph import graph_faults
from workflows.register.check_grounds import ground_faults
from workflows.register.check_holds import hold_faults
from workflows.register.check_identity import identity_faults
from workflows.register.check_person import person_faults
from workflows.register.check_recipes import recipe_faults
from workflows.register.check_recipients import recipient_faults
from workflows.register.check_sources import source_faults
from workflows.register.reading import Reading, read_folder


def faults_of(reading: Reading) -> list[Fault]:
    """All faults, those of single files first; a part that could not be read spoils no check of another."""
    catalogue = catalogue_of(reading)
    return ordered(
        [
            *reading.faults,
            *controller_faults(reading),
            *category_faults(reading),
            *identity_faults(reading),
            *source_faults(reading, catalogue),
            *graph_faults(reading, catalogue),
            *person_faults(reading, catalogue),
            *hold_faults(reading, catalogue),
            *ground_faults(reading),
            *recipe_faults(reading, catalogue),
            *recipient_faults(reading, catalogue),
            *canary_faults(reading, catalogue),
        ]
    )


def check_folder(folder: str | Path) -> list[Fault]:
    """All faults of the register in this folder, by file and line; [] is a register that loads."""
    return faults_of(read_folder(Path(folder)))


def advice_on(folder: str | Path, *, today: date) -> list[Fault]:
    """What loads but will be missed sooner or later, by file and line: no authority named, a law not read again."""
    reading = read_folder(Path(folder))
    return ordered(list(advice(reading, catalogue_of(reading), today=today)))


def ordered(faults: list[Fault]) -> list[Fault]:
    """Each fault once, by file and line."""

    def key(fault: Fault) -> tuple[str, int, str]:
        file, _, line = fault.where.rpartition(":")
        return (file, int(line), fault.what) if line.isdigit() else (fault.where, 0, fault.what)

    return sorted(dict.fromkeys(faults), key=key)
