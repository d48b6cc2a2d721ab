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
    "demo": ("workers.commands.demo:demo", "Build an invented company and play its stories to their ends."),
    "up": (
        "workers.commands.processes:up",
        "Portal, console, worker and schedule in one process: the embedded default.",
    ),
    "web": ("workers.commands.processes:web", "Serve the portal or the console, for production."),
    "worker": ("workers.commands.processes:worker", "Do the work that is due, whenever a bell rings, for production."),
    "beat": ("workers.commands.processes:beat", "Ring for what must be looked at regularly, for production."),
    "check": (
        "workers.commands.check:check",
        "Every setting, source, rule and text: what is wrong and how to mend it.",
    ),
    "db": ("workers.commands.database:db", "Bring the database to this release's schema."),
    "key": ("workers.commands.keys:key", "Make the key file, or rotate its master key."),
    "source": ("workers.commands.sources:source", "List the sources, test them, draft a description of one."),
    "request": ("workers.commands.requests:request", "Open a request for a person, list them, show one."),
    "canary": (
        "workers.commands.canary:canary",
        "Send ourselves a request through every door; alarm for what is shut.",
    ),
    "mail": ("workers.commands.mail:mail", "Take mails in as if the mailbox had received them."),
    "work": ("workers.commands.work:work", "Do everything that is due, here, then stop."),
    "lower": ("workers.commands.proofs:lower", "Accept a weaker proof of identity; two people have to."),
    "plan": ("workers.commands.decisions:plan", "Show what would be erased, kept, until when and why."),
    "approve": ("workers.commands.decisions:approve", "Approve a plan; an erasure needs two different people."),
    "narrow": ("workers.commands.decisions:narrow", "Say of which kinds of data a copy is wanted."),
    "withhold": ("workers.commands.decisions:withhold", "Hold a category back from an answer."),
    "refuse": ("workers.commands.decisions:refuse", "Refuse a request, with its ground and reason."),
    "refusal": ("workers.commands.refusals:refusal", "Refuse as unfounded or excessive: facts, a fee, two people."),
    "mandate": ("workers.commands.mandates:mandate", "Look at, accept or end a mandate to act for somebody else."),
    "extend": ("workers.commands.decisions:extend", "Extend by two months, once, inside the first month."),
    "reopen": ("workers.commands.decisions:reopen", "Take up a case that ended for want of an answer."),
    "withdraw": ("workers.commands.decisions:withdraw", "Take note that the person withdrew the request."),
    "package": ("workers.commands.packages:package", "Fetch a package for a person, or check one."),
    "deadline": ("workers.commands.deadline:deadline", "Both due dates of a request, and how they were computed."),
    "task": ("workers.commands.tasks:task", "List, show and answer the tasks that wait for people."),
    "holds": ("workers.commands.holds:holds", "List, place and release holds by hand."),
    "retention": ("workers.commands.retention:retention", "Erase what is past its time although nobody asked."),
    "notices": ("workers.commands.notices:notices", "Show who was told of a correction, erasure or restriction."),
    "suppression": ("workers.commands.suppression:suppression", "List, set and end bans; filter a list by them."),
    "audit": ("workers.commands.audit:audit", "Check or export the record of what was done."),
    "erasures": ("workers.commands.erasures:erasures", "Erase again what a backup or a feed brought back."),
    "purge": ("workers.commands.purging:purge", "Let go of our own records whose time is over."),
    "user": ("workers.commands.staff:user", "Add or disable people who may log in."),
    "token": ("workers.commands.staff:token", "Make a bearer token for the REST API."),
    "letter": ("workers.commands.packages:letter", "Show a letter as this register writes it."),
}
"""Name to where it is and what it is for: a command that only counts days must not wait for the letters to load."""


class Lazy(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the story."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        target = COMMANDS[cmd_name][0]
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            msg = f"{target} is no command"
            raise TypeError(msg)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Names and what they are for, without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


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
