"""What is installed is what was locked: every package with hashes, no address, a reason and a lock that is current."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {"requirements.txt": "requirements.in", "requirements-dev.txt": "requirements-dev.in"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(file: str) -> list[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [match[0] for line in lines if (match := NAME.match(line))]


def blocks(text: str) -> dict[str, str]:
    """Each locked package with its block of the lock file."""
    found = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    return {normal(match[0]): block for block in found if (match := NAME.match(block))}


def unhashed(text: str) -> list[str]:
    return [name for name, block in blocks(text).items() if "==" not in block or "--hash=sha256:" not in block]


def lock(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(file: str) -> None:
    assert len(blocks(lock(file))) > 20
    assert not unhashed(lock(file))


@pytest.mark.parametrize("planted", ["flask==3.1.3\n", "flask>=3 \\\n    --hash=sha256:00\n"])
def test_a_planted_package_without_version_or_hash_is_found(planted: str) -> None:
    assert unhashed(planted) == [planted[:5]]


@pytest.mark.parametrize("file", LOCKS)
def test_a_lock_holds_no_address(file: str) -> None:
    assert not re.search(r"https?://|file://|--index|--find-links|--extra| @ ", lock(file))


@pytest.mark.parametrize("file", LOCKS)
def test_everything_wanted_is_locked(file: str) -> None:
    assert {normal(name) for name in wanted(LOCKS[file])} <= set(blocks(lock(file)))


def test_the_tests_run_with_the_versions_that_run_in_production() -> None:
    development = blocks(lock("requirements-dev.txt"))
    for name, block in blocks(lock("requirements.txt")).items():
        assert block.split()[0] == development[name].split()[0]


@pytest.mark.parametrize("file", LOCKS.values())
def test_wanted_packages_stand_in_order(file: str) -> None:
    names = [name.lower() for name in wanted(file)]
    assert names == sorted(names)


def test_every_dependency_has_its_reason_and_no_reason_outlives_its_dependency() -> None:
    text = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    reasons = re.findall(r"(?m)^\| `([^`]+)` \| (\S.+) \|$", text)
    expected = [normal(name) for file in LOCKS.values() for name in wanted(file)]
    assert [normal(name.split("[")[0]) for name, _ in reasons] == expected
    assert all(len(reason) > 20 for _, reason in reasons)


def test_the_packages_of_npm_are_locked_with_hashes_and_without_addresses() -> None:
    folder = ROOT / "tests" / "identity" / "provider"
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted_here = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert packages[""]["dependencies"] == wanted_here
    fetched = {name: one for name, one in packages.items() if name}
    assert len(fetched) > 20
    assert not [name for name, one in fetched.items() if not one.get("integrity", "").startswith("sha512-")]
    assert not [name for name, one in fetched.items() if "resolved" in one]
