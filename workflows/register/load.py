"""Read a register, whole or not at all."""

from pathlib import Path

from workflows.errors import BadRegister
from workflows.register.check import faults_of
from workflows.register.model import Register
from workflows.register.reading import read_folder


def load_register(folder: str | Path) -> Register:
    """The register in this folder, checked; nothing is read from the network or from the sources.

    Raises `BadRegister` with every fault at once, in the order of file and line.
    """
    reading = read_folder(Path(folder))
    faults = faults_of(reading)
    if faults or reading.controller is None:
        raise BadRegister(faults, "bad_register")
    return Register(
        folder=reading.folder,
        controller=reading.controller,
        categories=reading.categories,
        holds=tuple(rule for rule, _ in reading.holds),
        sources={source.source: source for source, _ in reading.sources},
        digest=reading.digest,
        recipes=tuple(recipe for recipe, _ in reading.recipes),
        grounds=tuple(ground for ground, _ in reading.grounds),
        recipients=tuple(recipient for recipient, _ in reading.recipients),
    )
