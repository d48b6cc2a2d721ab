"""What an erasure did to the files of a folder, kept beside them: item numbers and outcomes, nothing of anybody.

Before a file is put in its place the journal says what it will be. Whoever comes again sees by the file's digest
whether that happened, and goes on from there.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from models.vocabulary import ReceiptOutcome
from workflows.connectors.drops import MARKS, Dropped, sync
from workflows.errors import Fenced, NeverAgain, SourceDown

FOLDER = f"{MARKS}-journal"


@dataclass(slots=True)
class Entry:
    """One operation. `files`: name to (digest it gets, item numbers in it); `dropped`: name to when it was dropped."""

    fence: int
    done: bool = False
    outcomes: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, list[int]]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    def receipts(self) -> dict[int, ReceiptOutcome]:
        """The outcomes by item number."""
        return {int(number): ReceiptOutcome(word) for number, word in self.outcomes.items()}

    def note(self, outcomes: Mapping[int, ReceiptOutcome]) -> None:
        """Add outcomes."""
        self.outcomes |= {str(number): outcome.value for number, outcome in outcomes.items()}


class Journal:
    """The journal of one folder; the caller is alone with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def read(self, op_id: str, *, fence: int) -> Entry:
        """The operation so far. Raises `Fenced` if a call with a higher fence came first."""
        try:
            data = json.loads(self._path(op_id).read_bytes())
            entry = Entry(**data)
        except FileNotFoundError:
            return Entry(fence)
        except OSError:
            raise SourceDown("source_down", detail="the journal can't be read") from None
        except (ValueError, TypeError):
            raise NeverAgain("journal", detail="the journal of the erasure is damaged") from None
        if entry.fence > fence:
            raise Fenced("fenced")
        entry.fence = fence
        return entry

    def digests(self, file: Dropped) -> set[str]:
        """What operations made of this file. Whoever drops it anew makes it younger, and none of it counts."""
        found = set()
        for path in self._folder.glob("*.json"):
            try:
                entry = Entry(**json.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError):
                continue  # what can't be read proves nothing
            if file.name in entry.files and entry.dropped.get(file.name) == file.modified_at.isoformat():
                found.add(entry.files[file.name][0])
        return found

    def write(self, op_id: str, entry: Entry) -> None:
        """Keep it, durably and whole."""
        path = self._path(op_id)
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(exist_ok=True)
            with part.open("w", encoding="ascii") as out:
                json.dump(asdict(entry), out)
                out.flush()
                sync(out.fileno())
            part.replace(path)
            sync(self._folder)
        except OSError:
            raise SourceDown("source_down", detail="the journal can't be written") from None

    def _path(self, op_id: str) -> Path:
        return self._folder / f"{hashlib.sha256(op_id.encode()).hexdigest()[:32]}.json"
