"""The register of the whole demo company: the databases' and file's, and beside them `register/more`."""

import shutil
from collections.abc import Collection
from pathlib import Path

MORE, REGISTER = "more", "register"


def assemble(register: Path, folder: Path, *, without: Collection[str] = ()) -> Path:
    """Copy the register with all its sources but these to `folder`/register, beside `folder`/sources; returns where."""
    target = folder / REGISTER
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(register, target, ignore=shutil.ignore_patterns(MORE))
    for path in sorted((register / MORE).glob("*.yaml")):
        if path.stem not in without:
            shutil.copy(path, target / "sources" / path.name)
    return target
