"""The entry point: finds the sub-commands, and turns every failure into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

import click
from promptops.cli._failures import CommandFailed, exit_code, hint_for
from promptops.cli._notes import notes
from promptops.cli._version import __version__
from promptops.cli._wording import in_options, one_line
from promptops.core.errors import PromptOpsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["cli", "main"]

OWN: Final = {
    "prompts": ("promptops.cli.prompts:prompts", "Read, render, write, label and synchronise prompts."),
    "cache": ("promptops.cli.cache:cache", "Look at, clear and fill the caches that processes share."),
    "datasets": ("promptops.cli.datasets:datasets", "Read, import, export and change datasets."),
    "experiments": ("promptops.cli.experiments:experiments", "Run, read, compare and judge experiments."),
    "quickstart": ("promptops.cli.quickstart:quickstart", "See what PromptOps does, on this machine, in a minute."),
}
SERVED: Final = ("serve", "keys", "db")
ENTRY_POINTS: Final = "promptops.cli"


class _Commands(click.Group):
    """Sub-commands that are imported when they are called: own ones, then those that other packages contribute."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted({*OWN, *_contributed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name in OWN:
            module, _, name = OWN[cmd_name][0].partition(":")
            return cast("click.Command", getattr(import_module(module), name))
        contributed = _contributed()
        if cmd_name in contributed:
            return cast("click.Command", contributed[cmd_name].load())
        if cmd_name in SERVED:
            raise click.UsageError(missing_server(f"promptops {cmd_name}"))
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = {name: summary for name, (_, summary) in OWN.items()}
        for name in _contributed():
            command = self.get_command(ctx, name)
            rows[name] = command.get_short_help_str() if command is not None else ""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="promptops", message="%(prog)s %(version)s")
def cli() -> None:
    """Prompts and experiments from the command line.

    The server is found through --base-url or PROMPTOPS_BASE_URL, the key in PROMPTOPS_API_KEY. With neither, commands
    talk to http://127.0.0.1:8765, where `promptops serve` listens. With --backend phoenix they talk to a Phoenix
    server, which PHOENIX_ENDPOINT and PHOENIX_API_KEY name.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit; a failure is one line on stderr, with ``PROMPTOPS_DEBUG`` set also its traceback."""
    debug = bool(os.environ.get("PROMPTOPS_DEBUG"))
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with notes(given):
            cli.main(args=given, prog_name="promptops", standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        _say("promptops: interrupted")
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _say(_usage_line(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("promptops: interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (`| head`); nothing is left to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # the border of the program: nobody above can do better
        if debug:
            raise
        hint = hint_for(error)
        _say(f"promptops: {_one_line(error)}" + (f"\n  hint: {hint}" if hint else ""))
        sys.exit(exit_code(error))


def missing_server(command: str) -> str:
    """What to say when a command needs the server and it is not installed."""
    return f"`{command}` needs the server: pip install promptops-cli[server]"


def _contributed() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _usage_line(error: click.ClickException) -> str:
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "promptops"
    return f"{where}: {error.format_message()}"


def _one_line(error: Exception) -> str:
    text = one_line(str(error))
    if isinstance(error, PromptOpsError | CommandFailed):
        return in_options(text)
    return f"{type(error).__name__}: {text} (set PROMPTOPS_DEBUG=1 to see where)"


def _say(text: str) -> None:
    click.echo(text, err=True)
