"""`vastine`: data to stdout, talk to stderr, exit codes that say what to do next.

0 ok · 1 failed · 2 usage · 3 configuration · 4 not found · 5 waits for a person · 6 partial · 7 overdue
"""

import importlib
import sys
from typing import Any

import click

from workers.speech import exit_code, explain
from workflows.errors import VastineError

COMMANDS = {
    "demo": "workers.commands.demo:demo",
    "up": "workers.commands.processes:up",
    "web": "workers.commands.processes:web",
    "worker": "workers.commands.processes:worker",
    "beat": "workers.commands.processes:beat",
    "check": "workers.commands.check:check",
    "db": "workers.commands.database:db",
    "source": "workers.commands.sources:source",
    "request": "workers.commands.requests:request",
    "mail": "workers.commands.mail:mail",
    "work": "workers.commands.work:work",
    "plan": "workers.commands.decisions:plan",
    "approve": "workers.commands.decisions:approve",
    "refuse": "workers.commands.decisions:refuse",
    "extend": "workers.commands.decisions:extend",
    "withdraw": "workers.commands.decisions:withdraw",
    "package": "workers.commands.packages:package",
    "deadline": "workers.commands.deadline:deadline",
    "holds": "workers.commands.holds:holds",
    "audit": "workers.commands.audit:audit",
    "user": "workers.commands.staff:user",
    "token": "workers.commands.staff:token",
    "letter": "workers.commands.packages:letter",
}
"""Name to where it is: a command that only counts days must not wait for the letters to load."""


class Lazy(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the story."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            msg = f"{COMMANDS[cmd_name]} is no command"
            raise TypeError(msg)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks; they may hold personal data.")
@click.pass_context
def cli(ctx: click.Context, *, debug: bool) -> None:
    """Answer people who ask about their own data.

    \b
    Examples:
      vastine demo                                   see everything on invented people
      vastine request open --right access --identity email=… --verified-by desk --as kaisa --wait
      vastine plan TP-2026-… ; vastine approve TP-2026-… --as maija
    """
    ctx.obj = {"debug": debug}


def main(args: list[str] | None = None) -> None:
    """Run, and turn every error of ours into one clear line and its exit code."""
    debug = "--debug" in (args if args is not None else sys.argv)
    try:
        result: Any = cli.main(args=args, prog_name="vastine", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(1)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except VastineError as error:
        if debug:
            raise
        explain(error)
        sys.exit(exit_code(error))
    except Exception as error:
        if debug:
            raise
        click.echo(f"✖ unexpected: {type(error).__name__} (run with --debug to see where)", err=True)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)
