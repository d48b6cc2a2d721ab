"""`docs/reference/cli.md` says what there is: every command, every option, every exit code, and nothing else."""

import re
from collections.abc import Iterator
from itertools import takewhile

import click

from models.vocabulary import Role
from tests.composed import ROOT
from workers import speech
from workers.cli import COMMANDS, cli
from workflows.manual_holds import REASONS
from workflows.stages.decision import EXTENSION_REASONS

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `vastine ([^`]+)` \| ([^|]+) \|(.*)\|$", re.M)


def real(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, frozenset[str]]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from real(found, (*path, name))
        return
    options = frozenset(opt for p in command.params if isinstance(p, click.Option) for opt in p.opts)
    yield " ".join(path), options


def documented() -> Iterator[tuple[str, frozenset[str]]]:
    for command, what, options in ROW.findall(PAGE):
        assert what.strip()
        name = " ".join(takewhile(lambda word: word[0].islower(), command.split()))
        yield name, frozenset(re.findall(r"`(--?[A-Za-z-]+)`", options))


def test_the_page_names_every_command_with_every_option() -> None:
    assert dict(documented()) == dict(real(cli))


def test_the_page_names_every_choice_of_a_reason_or_role() -> None:
    for word in (*REASONS, *EXTENSION_REASONS, *Role):
        assert re.search(rf"\b{word}\b", PAGE), word


def test_the_page_has_the_exit_codes_there_are() -> None:
    codes = {int(code): name for code, name in re.findall(r"^\| (\d) \| ([a-z ]+) \|", PAGE, re.M)}
    told = {speech.OK: "ok", speech.FAILED: "failed", speech.USAGE: "usage", speech.CONFIGURATION: "configuration",
            speech.NOT_FOUND: "not found", speech.WAITS: "waits for a person", speech.PARTIAL: "partial",
            speech.OVERDUE: "overdue"}  # fmt: skip
    assert codes == told


def test_every_command_says_what_it_is_for() -> None:
    assert all(told.endswith(".") for _, told in COMMANDS.values())
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help
