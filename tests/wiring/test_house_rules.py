"""Rules of the house that no linter knows, over the files that are tracked or about to be."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "workflows", "workers", "webhooks")
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60

# Built from halves, so that this file passes its own test.
MACHINE_PATHS = re.compile("/" + r"(?:work|root|home/\w+|Users/\w+)/(?:main|shared|\.\w+|\w+)|/tm" + r"p/(?!\$)\w")
REGISTRY_HOSTS = re.compile("|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(?:org|com)"]))
VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
CANVAS = re.compile(
    r"\bchord\b|from celery\S* import .*\b(?:chain|group)\b|celery\.(?:chain|group)\(|\.retry\(|\bcountdown=|\beta="
)


@cache
def tracked() -> tuple[Path, ...]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def modules() -> Iterator[Path]:
    # A migration is a list of statements, as long as the tables need, and is never edited once released.
    for name in PACKAGES:
        yield from sorted(path for path in (ROOT / name).rglob("*.py") if "versions" not in path.parts)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "ignore")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [f"{shown(path)}: {match.group()}" for path in tracked() for match in MACHINE_PATHS.finditer(text_of(path))]
    assert not found


def test_no_file_names_a_package_registry() -> None:
    assert not [shown(path) for path in tracked() if REGISTRY_HOSTS.search(text_of(path))]


@pytest.mark.parametrize("planted", ["/wor" + "k/main/x.py", "/roo" + "t/.cache", "/tm" + "p/brief"])
def test_a_planted_machine_path_is_found(planted: str) -> None:
    assert MACHINE_PATHS.search(f"see {planted}")


def test_a_module_has_at_most_300_lines() -> None:
    lengths = {shown(path): len(text_of(path).splitlines()) for path in modules()}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}


def test_a_function_has_at_most_60_lines() -> None:
    assert not [place for path in modules() for place in long_functions(text_of(path), shown(path))]


def long_functions(source: str, name: str) -> list[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        f"{name}:{node.lineno} {node.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, functions) and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def test_a_planted_long_function_is_found() -> None:
    source = "def long():\n" + "    pass\n" * LONGEST_FUNCTION
    assert long_functions(source, "x.py") == ["x.py:1 long"]
    assert long_functions("def fits():\n" + "    pass\n" * (LONGEST_FUNCTION - 1), "x.py") == []


def test_no_module_is_named_after_nothing() -> None:
    assert not [shown(path) for path in modules() if path.stem in VAGUE_MODULES or path.parent.name in VAGUE_MODULES]


def test_celery_only_rings_bells() -> None:
    # Canvas, retries and countdowns keep in Redis what only the database may know.
    found = [
        f"{shown(path)}:{number}"
        for path in modules()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if CANVAS.search(line.partition("#")[0])
    ]
    assert not found


@pytest.mark.parametrize(
    "planted", ["chord(", "from celery import group", "celery.chain(a)", "self.retry()", "countdown=3", "eta=now"]
)
def test_a_planted_canvas_word_is_found(planted: str) -> None:
    assert CANVAS.search(planted)


@pytest.mark.parametrize("innocent", ["match.group()", "@click.group()", "list(chain(a))", "theta=1", "retry_after"])
def test_innocent_words_are_left_alone(innocent: str) -> None:
    assert not CANVAS.search(innocent)


def test_only_known_folders_stand_at_the_root() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert folders <= {*PACKAGES, "docs", "bench", "register", "tests", ".ci"}


def test_every_logger_of_ours_is_named_vastine() -> None:
    # Names after modules would collide with other software and change when a file moves.
    named = re.compile(r"""=\s*(?:\w+\.)?(?:getLogger|get_logger)\((?!\s*["']vastine)""")
    assert not [shown(path) for path in modules() if named.search(text_of(path))]
    assert named.search("log = logging.getLogger(__name__)")
