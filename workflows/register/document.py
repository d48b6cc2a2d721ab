"""One YAML file of the register as plain data that still knows the line of each value.

Only what the register needs of YAML: mappings with text keys, lists, texts, numbers, true/false and
null, read by the YAML 1.2 rules (`NO` is a country, `on` a key, `0401234567` a text). Whatever the
bytes, the only thing that comes out is data or a list of faults.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from workflows.errors import Fault

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000  # after aliases are expanded: a few lines of aliases can stand for billions
MAX_DEPTH = 60

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?\Z")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}
_NOT_TEXT = {_TAG + kind for kind in ("bool", "float", "int", "null", "timestamp", "value", "str", "merge")}


@dataclass(slots=True)
class Document:
    """A file's data, and the line on which each key or list entry stands."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def where(self, path: Sequence[Any] = ()) -> str:
        """`file:line` of this value, or of the nearest value around it that exists.

        Parts of the path that name no value (the branch of a choice, say) are skipped.
        """
        here: Path = ()
        for part in path:
            if (*here, part) in self.lines:
                here = (*here, part)
        return f"{self.file}:{self.lines.get(here, 1)}"

    def fault(self, path: Sequence[Any], what: str, *, remedy: str = "") -> Fault:
        """A fault at this value."""
        return Fault(self.where(path), what, remedy)


def read_document(file: str, raw: bytes) -> Document:
    """Read one file's bytes; mistakes are in `faults`, and `data` is None where nothing could be read."""
    doc = Document(file)
    if len(raw) > MAX_BYTES:
        doc.faults.append(Fault(f"{file}:1", "the file is larger than 1 MiB", "split it, one system to a file"))
        return doc
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        doc.faults.append(Fault(f"{file}:{line}", "the file is not UTF-8", "save it as UTF-8"))
        return doc
    node = _compose(doc, text)
    if node is None:
        return doc
    reader = _Reader(doc)
    data = reader.value(node, ())
    doc.data = None if reader.made > MAX_VALUES else data
    if doc.data is None and not doc.faults:
        doc.faults.append(Fault(f"{file}:1", "the file is empty", _FILL))
    return doc


_FILL = "write its content, or remove the file if it is optional"


def _compose(doc: Document, text: str) -> yaml.Node | None:
    """Turn text into nodes; a syntax error becomes one fault with its line."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        lines = text.splitlines()
        near = lines[line - 1] if line <= len(lines) else ""
        if "\t" in near[: len(near) - len(near.lstrip())]:
            doc.faults.append(Fault(f"{doc.file}:{line}", "a tab indents this line", "indent with spaces"))
        else:
            doc.faults.append(_syntax_fault(doc.file, line, f"{error.context} {error.problem}"))
        return None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        remedy = "remove it; such characters often come from copying out of another program"
        doc.faults.append(Fault(f"{doc.file}:{line}", "a control character stands here", remedy))
        return None
    except RecursionError:
        doc.faults.append(Fault(f"{doc.file}:1", "the values are nested too deeply", "write it flatter"))
        return None
    except (ValueError, OverflowError, yaml.YAMLError):  # "\UFFFFFFFF" in quotes ends in chr()
        doc.faults.append(Fault(f"{doc.file}:1", "the file is not YAML", "look for an escape like \\U in quotes"))
        return None
    if node is None:
        doc.faults.append(Fault(f"{doc.file}:1", "the file is empty", _FILL))
    return node


def _syntax_fault(file: str, line: int, problem: str) -> Fault:
    where = f"{file}:{line}"
    if "single document" in problem:
        return Fault(where, "a second document begins here", "remove the line `---`")
    if "undefined alias" in problem:
        return Fault(where, "an alias names an anchor that does not exist", "define the &anchor above it")
    if "duplicate anchor" in problem:
        return Fault(where, "the same anchor is defined twice", "give one of them another name")
    if "mapping values are not allowed" in problem:
        return Fault(where, "there is a colon where none may be", 'put texts with a colon in "quotes"')
    # What the parser says may quote a value, which may be a secret: only its kind of problem is told.
    return Fault(
        where, "this is not YAML", "look at the indentation, brackets and quotes of this line and the one above"
    )


class _Reader:
    """Walks nodes into data; counts what it makes, so that aliases can't explode."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.made = 0
        self.open: set[int] = set()  # nodes being read: meeting one again is a loop

    def _fault(self, node: yaml.Node, what: str, remedy: str) -> None:
        self.doc.faults.append(Fault(f"{self.doc.file}:{node.start_mark.line + 1}", what, remedy))

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The node as data; None where a fault was noted."""
        self.made += 1
        if self.made > MAX_VALUES:
            if self.made == MAX_VALUES + 1:
                self._fault(node, "the file stands for too many values", "use fewer aliases (*name)")
            return None
        if id(node) in self.open:
            self._fault(node, "an alias stands for itself", "write the values out")
            return None
        if len(path) > MAX_DEPTH:
            self._fault(node, "the values are nested too deeply", "write it flatter")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self.open.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        finally:
            self.open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag not in _NOT_TEXT:
            self._fault(node, "a YAML tag (!…) is not read here", "remove the tag")
        text: str = node.value
        if node.style is not None:  # quoted or a block: a text as it stands
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.match(text):
            return int(text)
        return float(text) if _FLOAT.match(text) else text

    def _list(self, node: yaml.Node, path: Path) -> list[Any]:
        if node.tag != _TAG + "seq":
            self._fault(node, "a YAML tag (!…) is not read here", "remove the tag")
        out = []
        for index, child in enumerate(node.value):
            self.doc.lines[(*path, index)] = child.start_mark.line + 1
            out.append(self.value(child, (*path, index)))
        return out

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if node.tag != _TAG + "map":
            self._fault(node, "a YAML tag (!…) is not read here", "remove the tag")
        out: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a key must be a text", "write `key: value`")
                continue
            name = str(key.value)
            if key.tag == _TAG + "merge":
                for part in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    got = self.value(part, path)
                    merged |= got if isinstance(got, dict) else {}
                continue
            if name in seen:
                self._fault(
                    key, f"`{name}` stands twice, first on line {seen[name]}", "keep one; the other would be lost"
                )
                continue
            seen[name] = line
            self.doc.lines[(*path, name)] = line
            out[name] = self.value(child, (*path, name))
        return {**merged, **out}
