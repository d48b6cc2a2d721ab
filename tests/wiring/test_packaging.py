"""The four generic package names belong to this distribution alone, and import no one they may not."""

import importlib
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "workflows", "workers", "webhooks")


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_installs_a_package_of_this_name(name: str) -> None:
    # pip would replace our files by theirs without a word, and delete ours when it removes them.
    assert set(packages_distributions()[name]) == {"vastine"}


def test_a_planted_intruder_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intruder = tmp_path / "intruder-1.0.dist-info"
    intruder.mkdir()
    (intruder / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n", encoding="utf-8")
    (intruder / "top_level.txt").write_text("models\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(packages_distributions()["models"]) == {"vastine", "intruder"}


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_the_one_of_this_folder_and_typed(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / name
    assert (ROOT / name / "py.typed").exists()


def test_the_distribution_can_not_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in (distribution("vastine").metadata.get_all("Classifier") or [])


def test_the_command_is_vastine() -> None:
    (script,) = distribution("vastine").entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("vastine", "workers.cli:main")


def test_the_import_contracts_are_kept(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--cache-dir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_a_planted_breach_of_the_contracts_is_reported(tmp_path: Path) -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = [contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]]
    assert "doors and clocks above, memory below" in names
    _copy_skeleton(tmp_path)
    (tmp_path / "models" / "breach.py").write_text("import workflows.errors\n", encoding="utf-8")
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--no-cache", "--contract", "memory-below"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout
    assert "models.breach -> workflows.errors" in result.stdout


def _copy_skeleton(target: Path) -> None:
    for name in PACKAGES:
        (target / name).mkdir()
        (target / name / "__init__.py").touch()
    (target / "workflows" / "errors.py").touch()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = 'name = "doors and clocks above, memory below"\n'
    assert contract in text
    (target / "pyproject.toml").write_text(text.replace(contract, contract + 'id = "memory-below"\n'), encoding="utf-8")
