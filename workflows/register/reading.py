"""The files of a register folder, each read and shaped as far as it goes; faults are gathered, not raised."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflows.errors import Fault
from workflows.register.document import MAX_BYTES, Document, read_document
from workflows.register.document import Path as At
from workflows.register.grounds import GroundRule
from workflows.register.kinds import kinds
from workflows.register.model import Category, Controller, HoldRule, SourceSpec
from workflows.register.recipes import Recipe
from workflows.register.recipients import Recipient
from workflows.register.secret import secret_faults
from workflows.register.shape import nearest, shaped

FILES = ("controller.yaml", "categories.yaml", "holds.yaml", "recipes.yaml", "recipients.yaml", "grounds.yaml")


@dataclass(slots=True)
class Reading:
    """What could be made of a folder. `broken` names datasets that are there but could not be shaped."""

    folder: str
    documents: dict[str, Document] = field(default_factory=dict)
    controller: Controller | None = None
    categories: dict[str, Category] = field(default_factory=dict)
    category_at: dict[str, At] = field(default_factory=dict)
    categories_whole: bool = True
    holds: list[tuple[HoldRule, At]] = field(default_factory=list)
    recipes: list[tuple[Recipe, At]] = field(default_factory=list)
    recipients: list[tuple[Recipient, At]] = field(default_factory=list)
    grounds: list[tuple[GroundRule, At]] = field(default_factory=list)
    sources: list[tuple[SourceSpec, Document]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    sources_whole: bool = True
    faults: list[Fault] = field(default_factory=list)
    digest: str = ""


def read_folder(folder: Path) -> Reading:
    """Read every file of the register; never raises for what is in them."""
    reading = Reading(str(folder))
    if not folder.is_dir():
        remedy = "name the register's folder in VASTINE_REGISTER"
        reading.faults.append(Fault(folder.name or str(folder), "there is no such folder", remedy))
        return reading
    digest = hashlib.sha256()
    paths = [p for p in (folder / name for name in FILES) if p.is_file()]
    paths += sorted(p for p in (folder / "sources").glob("*.yaml") if p.is_file())
    letters = sorted(p for p in (folder / "letters").rglob("*") if p.is_file())
    for path in (*paths, *letters):
        name = path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
                file.seek(0)
                digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        except OSError as error:
            what = f"the file can't be read ({type(error).__name__})"
            reading.faults.append(Fault(f"{name}:1", what, "let the user that Vastine runs as read it"))
            raw = None
        if path not in letters:
            document = Document(name) if raw is None else read_document(name, raw)
            reading.documents[name] = document
            reading.faults += document.faults
    reading.digest = digest.hexdigest()
    _stray(reading, folder)
    _controller(reading)
    _categories(reading)
    _holds(reading)
    _recipes(reading)
    _recipients(reading)
    _grounds(reading)
    _sources(reading)
    return reading


def _stray(reading: Reading, folder: Path) -> None:
    """Files that look as if they should be read, and are not."""
    for path in sorted((*folder.glob("*.y*ml"), *(folder / "sources").glob("*.y*ml"))):
        name = path.relative_to(folder).as_posix()
        if name in reading.documents or not path.is_file():
            continue
        if path.parent.name == "sources" and path.parent != folder:
            reading.faults.append(Fault(f"{name}:1", "this file is not read", f"name it {path.stem}.yaml"))
        else:
            reading.faults.append(Fault(f"{name}:1", "this file is not read", nearest(path.name, FILES)))


def _controller(reading: Reading) -> None:
    doc = reading.documents.get("controller.yaml")
    if doc is None:
        reading.faults.append(
            Fault("controller.yaml:1", "the file is missing", "write it; its least content is `name: Company Ltd`")
        )
    elif doc.data is not None:
        reading.controller, faults = shaped(Controller, doc, (), data=doc.data)
        reading.faults += faults


def _entries(reading: Reading, file: str, id_key: str) -> Iterator[tuple[str, Any, At]]:
    """(id, data, path) of the entries of a list, or of a mapping by id; either may stand under the file's name."""
    doc = reading.documents.get(file)
    if doc is None or doc.data is None:
        return
    data, base = doc.data, ()
    wrapper = file.removesuffix(".yaml")
    at: At = base
    if isinstance(data, dict) and wrapper in data:
        for key in data:
            if key != wrapper:
                reading.faults.append(doc.fault((key,), f"unknown key `{key}`", remedy=f"known here: {wrapper}"))
        data, at = data[wrapper], (wrapper,)
    if isinstance(data, dict):
        data = list(data.items())
    elif isinstance(data, list):
        data = list(enumerate(data))
    else:
        reading.faults.append(doc.fault(at, "this must be a list", remedy=f"begin each entry with `- {id_key}: …`"))
        return
    seen: dict[str, str] = {}
    for key, entry in data:
        path = (*at, key)
        if isinstance(key, str) and isinstance(entry, dict):
            entry = {id_key: key, **entry}  # noqa: PLW2901  the key of a mapping is the entry's id
        name = str(entry.get(id_key, "")) if isinstance(entry, dict) else ""
        if name and name in seen:
            what = f"`{name}` stands twice, first at {seen[name]}"
            reading.faults.append(doc.fault(path, what, remedy="give one of them another id, or remove it"))
            reading.categories_whole &= id_key != "code"  # the other one may carry a wrong code
        seen.setdefault(name, doc.where(path))
        yield name, entry, path


def _categories(reading: Reading) -> None:
    doc = reading.documents.get("categories.yaml")
    for name, entry, path in _entries(reading, "categories.yaml", "code"):
        assert doc is not None  # noqa: S101  there are no entries without a file
        category, faults = shaped(Category, doc, path, data=entry)
        reading.faults += faults
        if category is None:
            reading.categories_whole = False
        else:
            reading.categories.setdefault(name, category)
            reading.category_at.setdefault(name, path)
    if doc is not None and doc.data is None:
        reading.categories_whole = False


def _holds(reading: Reading) -> None:
    doc = reading.documents.get("holds.yaml")
    for _, entry, path in _entries(reading, "holds.yaml", "id"):
        assert doc is not None  # noqa: S101  there are no entries without a file
        rule, faults = shaped(HoldRule, doc, path, data=entry)
        reading.faults += faults
        if rule is not None:
            reading.holds.append((rule, path))


def _recipes(reading: Reading) -> None:
    doc = reading.documents.get("recipes.yaml")
    for _, entry, path in _entries(reading, "recipes.yaml", "id"):
        assert doc is not None  # noqa: S101  there are no entries without a file
        recipe, faults = shaped(Recipe, doc, path, data=entry)
        reading.faults += faults
        if recipe is not None:
            reading.recipes.append((recipe, path))


def _recipients(reading: Reading) -> None:
    doc = reading.documents.get("recipients.yaml")
    for _, entry, path in _entries(reading, "recipients.yaml", "id"):
        assert doc is not None  # noqa: S101  there are no entries without a file
        recipient, faults = shaped(Recipient, doc, path, data=entry)
        reading.faults += faults + secret_faults(entry, doc, path, model=Recipient)
        if recipient is not None:
            reading.recipients.append((recipient, path))


def _grounds(reading: Reading) -> None:
    doc = reading.documents.get("grounds.yaml")
    for _, entry, path in _entries(reading, "grounds.yaml", "id"):
        assert doc is not None  # noqa: S101  there are no entries without a file
        ground, faults = shaped(GroundRule, doc, path, data=entry)
        reading.faults += faults
        if ground is not None:
            reading.grounds.append((ground, path))


def _sources(reading: Reading) -> None:
    documents = [d for name, d in reading.documents.items() if name.startswith("sources/")]
    if not documents:
        reading.faults.append(
            Fault(
                "sources:1", "there is no source", "write sources/NAME.yaml with source, kind, connection and dataset"
            )
        )
    for doc in documents:
        if doc.data is None:
            reading.sources_whole = False
            continue
        data = doc.data
        source, faults = shaped(SourceSpec, doc, (), data=data)
        if isinstance(data, dict):
            kind = kinds().get(str(data.get("kind")))
            model = kind.connection if kind else None
            faults += secret_faults(data.get("connection"), doc, ("connection",), model=model)
        reading.faults += faults
        if source is not None:
            reading.sources.append((source.model_copy(update={"file": doc.file}), doc))
            continue
        named = [d for d in _list(data, "dataset") if isinstance(d, dict) and isinstance(d.get("fides_key"), str)]
        reading.broken |= {d["fides_key"] for d in named}
        reading.sources_whole = False


def _list(data: Any, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []
