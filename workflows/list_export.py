"""A list of contacts, filtered by the register of bans before it leaves: streamed, and its run on record.

The filtered list appears whole under its name, or not at all. What can't be compared is left out of it.
Source: GDPR Art. 21(3), 5(2).
"""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from models.vocabulary import Ban
from workflows import audit
from workflows.errors import BadInput, Fault
from workflows.rules.bans import IDENTITIES
from workflows.runtime import Runtime
from workflows.suppression import banned

Columns = Sequence[tuple[str, Sequence[str]]]

_BATCH = 1000
_DELIMITERS = ";,\t|"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Filtered:
    """What became of a list, in lines."""

    kept: int
    banned: int
    unreadable: int  # no contact that can be compared: left out as well


def filter_list(
    rt: Runtime, source: Path, out: Path, *, ban: Ban, columns: Columns, encoding: str, by: str
) -> Filtered:
    """Write the lines of a CSV file with a header that this ban does not forbid to a new file.

    `columns`: each contact as its identity and the header's columns that hold it (several are joined). Raises
    `BadInput` for a file or column that is not there, a line that does not fit the header or the encoding; then there
    is no new file.
    """
    encoding = _encoding(source, encoding)
    if out.exists():
        raise BadInput([Fault("--out", "exists already", "name a new file")])
    part = out.with_name(out.name + ".part")
    counts = [0, 0, 0]
    written_to = _private(part, encoding)
    try:  # from here on the part is ours to delete
        with written_to as kept, source.open(encoding=encoding, newline="") as lines:
            _copy(rt, lines, kept, ban=ban, columns=columns, counts=counts)
        done = Filtered(*counts)
        with rt.unit() as session, part.open("rb") as written:
            facts = {
                "ban": ban.value,
                "kept": done.kept,
                "banned": done.banned,
                "unreadable": done.unreadable,
                "sha256": hashlib.file_digest(written, "sha256").hexdigest(),
            }
            audit.record(session, "ban:filtered", at=rt.now(), actor=by, facts=facts)
        part.replace(out)  # after the record: a list that nobody knows of must not leave
    except UnicodeError:
        raise BadInput([Fault("FILE", f"is not in {encoding}", "name its encoding with --encoding")]) from None
    except OSError as error:
        raise BadInput([Fault("FILE", f"cannot be read or written ({error.strerror})", "check both paths")]) from None
    finally:
        part.unlink(missing_ok=True)
    return done


def _encoding(source: Path, name: str) -> str:
    try:
        "ä".encode(name)
        with source.open("rb") as file:
            marked = file.read(3) == _BOM
    except (LookupError, UnicodeError):
        raise BadInput(
            [Fault("--encoding", "is not a known encoding", "for example utf-8, latin-1 or cp1252")]
        ) from None
    except OSError as error:
        raise BadInput([Fault("FILE", f"cannot be read ({error.strerror})", "check the path")]) from None
    return "utf-8-sig" if marked and name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _private(path: Path, encoding: str) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        remedy = "name another file, or delete what a run left that was broken off"
        raise BadInput([Fault("--out", "has a file beside it with .part at its end", remedy)]) from None
    except OSError as error:
        raise BadInput([Fault("--out", f"cannot be written ({error.strerror})", "check the path")]) from None
    return os.fdopen(descriptor, "w", encoding=encoding, newline="")


def _copy(rt: Runtime, lines: TextIO, out: TextIO, *, ban: Ban, columns: Columns, counts: list[int]) -> None:
    first = lines.readline()
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        header = next(iter(csv.reader([first], delimiter=delimiter, strict=True)), [])
    except csv.Error:
        raise BadInput([Fault("line 1", "is not CSV", "write the header on one line, its quotes closed")]) from None
    where = _where(header, columns)
    end = "\r\n" if first.endswith("\r\n") else "\n"
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(header)
    rows = _rows(lines, delimiter, width=len(header))
    while batch := list(islice(rows, _BATCH)):
        asked = [[(name, _joined(row, places)) for name, places in where] for row in batch]
        with rt.unit() as session:
            verdicts = banned(session, rt, ban, asked)
        for row, verdict in zip(batch, verdicts, strict=True):
            if verdict is False:
                writer.writerow(row)
            counts[{False: 0, True: 1, None: 2}[verdict]] += 1


def _rows(lines: Iterable[str], delimiter: str, *, width: int) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if not row:
                continue
            if len(row) != width:
                where = f"line {reader.line_num + 1}"
                raise BadInput(
                    [Fault(where, "has other columns than the header", "mend the file; nothing was written")]
                )
            yield row
    except csv.Error:
        where = f"line {reader.line_num + 1}"
        raise BadInput([Fault(where, "is not CSV", "mend its quotes; nothing was written")]) from None


def _where(header: Sequence[str], columns: Columns) -> list[tuple[str, list[int]]]:
    faults = []
    for identity, names in columns:
        if identity not in IDENTITIES:
            faults.append(Fault("--column", "is no kind of contact", f"one of {', '.join(IDENTITIES)}"))
        faults += [
            Fault("--column", f"names a column that the header has {header.count(name)} times: {name}", "name it as is")
            for name in names
            if header.count(name) != 1
        ]
    if not columns:
        faults.append(Fault("--column", "is missing", "say which column holds the contact"))
    if faults:
        raise BadInput(faults)
    return [(identity, [header.index(name) for name in names]) for identity, names in columns]


def _joined(row: Sequence[str], places: Sequence[int]) -> str:
    return " ".join(row[place] for place in places)
